package twitter

import (
	"maps"
	"slices"
	"strings"
)

// mask is a set of fields or expansions.
type mask uint64

// Fields of a tweet beyond id, text and the history, which are always there.
const (
	tAttachments mask = 1 << iota
	tAuthor
	tConversation
	tCreated
	tEntities
	tGeo
	tReplyTo
	tLang
	tMetrics
	tReferenced
	tReplySettings
	tSensitive
	tUsername
	tViewer
	tWarning
	tEdit

	// tPosts: answer in the words of newer SDKs. Part of every mask that a
	// fragment is kept under.
	tPosts mask = 1 << 40
	// Kinds of fragment.
	ofUser mask = 1 << 41
)

// tLive are what never lies in a cached fragment.
const tLive = tMetrics | tViewer

// Fields of a person beyond id, name and username.
const (
	uCreated mask = 1 << iota
	uDescription
	uEntities
	uLocation
	uPinned
	uImage
	uBanner
	uProtected
	uMetrics
	uURL
	uVerified
	uVerifiedType
	uConnection
)

const uLive = uMetrics | uConnection

// Fields of a picture beyond media_key and type.
const (
	mAlt mask = 1 << iota
	mHeight
	mWidth
	mURL
	mPreview
	mBlurhash
)

// Fields of a poll beyond id and options.
const (
	pDuration mask = 1 << iota
	pEnd
	pStatus
	pViewer
)

// Fields of a list beyond id and name.
const (
	lCreated mask = 1 << iota
	lDescription
	lFollowers
	lMembers
	lOwner
	lPrivate
)

// Expansions.
const (
	xAuthor mask = 1 << iota
	xMedia
	xPolls
	xRefs
	xRefAuthors
	xReplyTo
	xMentions
	xPinned
	xOwner
)

// fieldNames maps names to bits. A zero is a field of X's that is always there,
// or that Warble knows of and never has: asking for it is no mistake.
type fieldNames map[string]mask

var tweetFields = fieldNames{
	"id": 0, "text": 0, "edit_history_tweet_ids": 0, "edit_history_post_ids": tPosts,
	"attachments": tAttachments, "author_id": tAuthor, "conversation_id": tConversation, "created_at": tCreated,
	"entities": tEntities, "geo": tGeo, "in_reply_to_user_id": tReplyTo, "lang": tLang, "public_metrics": tMetrics,
	"referenced_tweets": tReferenced, "referenced_posts": tReferenced | tPosts, "reply_settings": tReplySettings,
	"possibly_sensitive": tSensitive, "username": tUsername, "viewer": tViewer, "content_warning": tWarning, "edit_controls": tEdit,
	"article": 0, "article_title": 0, "card_uri": 0, "community_id": 0, "context_annotations": 0, "display_text_range": 0,
	"matched_media_notes": 0, "media_metadata": 0, "non_public_metrics": 0, "note_tweet": 0, "note_post": tPosts,
	"note_request_suggestions": 0, "organic_metrics": 0, "paid_partnership": 0, "promoted_metrics": 0, "scopes": 0, "source": 0,
	"suggested_source_links": 0, "suggested_source_links_with_counts": 0, "withheld": 0,
}

var userFields = fieldNames{
	"id": 0, "name": 0, "username": 0, "created_at": uCreated, "description": uDescription, "entities": uEntities,
	"location": uLocation, "pinned_tweet_id": uPinned, "pinned_post_id": uPinned | tPosts, "profile_image_url": uImage,
	"profile_banner_url": uBanner, "protected": uProtected, "public_metrics": uMetrics, "url": uURL, "verified": uVerified,
	"verified_type": uVerifiedType, "connection_status": uConnection,
	"affiliation": 0, "confirmed_email": 0, "is_identity_verified": 0, "most_recent_tweet_id": 0, "most_recent_post_id": tPosts,
	"parody": 0, "receives_your_dm": 0, "subscribes_to_you": 0, "subscription": 0, "subscription_type": 0,
	"verified_followers_count": 0, "withheld": 0,
}

var mediaFields = fieldNames{
	"media_key": 0, "type": 0, "alt_text": mAlt, "height": mHeight, "width": mWidth, "url": mURL, "preview_image_url": mPreview,
	"blurhash": mBlurhash, "duration_ms": 0, "non_public_metrics": 0, "organic_metrics": 0, "promoted_metrics": 0,
	"public_metrics": 0, "variants": 0,
}

var pollFields = fieldNames{"id": 0, "options": 0, "duration_minutes": pDuration, "end_datetime": pEnd, "voting_status": pStatus, "viewer": pViewer}

var placeFields = fieldNames{"id": 0, "contained_within": 0, "country": 0, "country_code": 0, "full_name": 0, "geo": 0, "name": 0, "place_type": 0}

var listFields = fieldNames{
	"id": 0, "name": 0, "created_at": lCreated, "description": lDescription, "follower_count": lFollowers,
	"member_count": lMembers, "owner_id": lOwner, "private": lPrivate,
}

var countFields = fieldNames{"start": 0, "end": 0, "tweet_count": 0, "post_count": tPosts}

var expansionNames = fieldNames{
	"author_id": xAuthor, "attachments.media_keys": xMedia, "attachments.poll_ids": xPolls,
	"referenced_tweets.id": xRefs, "referenced_tweets.id.author_id": xRefs | xRefAuthors,
	"referenced_tweets.id.attachments.media_keys": xRefs | xMedia,
	"referenced_posts":                            xRefs | tPosts, "referenced_posts.id": xRefs | tPosts, "referenced_posts.author_id": xRefs | xRefAuthors | tPosts,
	"referenced_posts.id.author_id": xRefs | xRefAuthors | tPosts, "referenced_posts.attachments.media_keys": xRefs | xMedia | tPosts,
	"referenced_posts.id.attachments.media_keys": xRefs | xMedia | tPosts,
	"in_reply_to_user_id":                        xReplyTo, "entities.mentions.username": xMentions, "pinned_tweet_id": xPinned, "pinned_post_id": xPinned | tPosts,
	"owner_id": xOwner, "edit_history_tweet_ids": 0, "edit_history_post_ids": tPosts, "geo.place_id": 0, "username": xAuthor,
	"most_recent_tweet_id": 0, "most_recent_post_id": tPosts, "affiliation.user_id": 0, "attachments.media_source_tweet": 0,
	"article.cover_media": 0, "article.media_entities": 0, "entities.note.mentions.username": 0,
}

// expanded says which tweet fields an expansion brings along, so that its
// objects can be told apart.
func expanded(x mask) (t mask) {
	for _, e := range [...]struct{ x, t mask }{
		{xAuthor, tAuthor}, {xMedia | xPolls, tAttachments}, {xRefs, tReferenced}, {xReplyTo, tReplyTo}, {xMentions, tEntities},
	} {
		if x&e.x != 0 {
			t |= e.t
		}
	}
	return t
}

// list names what there is, where that is few enough for an error to say.
func (f fieldNames) list() string {
	if len(f) > 30 {
		return ""
	}
	return ": there are " + strings.Join(slices.Sorted(maps.Keys(f)), ", ")
}

// parse reads a list of names separated by commas; bad is the first unknown one.
func (f fieldNames) parse(list string) (m mask, bad string) {
	for name := range strings.SplitSeq(list, ",") {
		bit, ok := f[strings.TrimSpace(name)]
		if !ok {
			return 0, name
		}
		m |= bit
	}
	return m, ""
}
