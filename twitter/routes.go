package twitter

import "warble/internal/httpx"

// Numbers of requests in 15 minutes.
var (
	often  = httpx.Limit{N: 900}
	seldom = httpx.Limit{N: 450}
	writes = httpx.Limit{N: 300}
	signUp = httpx.Limit{N: 30}
)

// Routes is the native API.
func Routes(d Deps) []httpx.Route {
	a := newAPI(d)
	const (
		reader, writer   = httpx.Reader, httpx.Writer
		anyone, signedIn = httpx.Anyone, httpx.SignedIn
	)
	routes := []httpx.Route{
		{Method: "POST", Pattern: "/2/tweets", Role: writer, Scope: "tweet.write", Access: signedIn, Limit: writes, Handler: a.postTweet},
		{Method: "GET", Pattern: "/2/tweets", Role: reader, Scope: "tweet.read", Access: anyone, Limit: often, Handler: a.getTweets},
		{Method: "GET", Pattern: "/2/tweets/{id}", Role: reader, Scope: "tweet.read", Access: anyone, Limit: often, Handler: a.getTweet},
		{Method: "DELETE", Pattern: "/2/tweets/{id}", Role: writer, Scope: "tweet.write", Access: signedIn, Limit: writes, Handler: a.deleteTweet},
		{Method: "GET", Pattern: "/2/tweets/{id}/liking_users", Role: reader, Scope: "like.read", Access: anyone, Limit: often, Handler: a.likingUsers},
		{Method: "GET", Pattern: "/2/tweets/{id}/retweeted_by", Role: reader, Scope: "tweet.read", Access: anyone, Limit: often, Handler: a.retweetedBy},
		{Method: "GET", Pattern: "/2/tweets/{id}/quote_tweets", Role: reader, Scope: "tweet.read", Access: anyone, Limit: often, Handler: a.quoteTweets},
		{Method: "GET", Pattern: "/2/tweets/{id}/history", Role: reader, Scope: "tweet.read", Access: anyone, Limit: often, Handler: a.history},
		{Method: "POST", Pattern: "/2/tweets/{id}/poll/votes", Role: writer, Scope: "tweet.write", Access: signedIn, Limit: writes, Handler: a.vote},
		{Method: "GET", Pattern: "/2/tweets/search/recent", Role: reader, Scope: "tweet.read", Access: anyone, Limit: seldom, Handler: a.searchRecent},
		{Method: "GET", Pattern: "/2/tweets/search/all", Role: reader, Scope: "tweet.read", Access: anyone, Limit: seldom, Handler: a.searchAll},
		{Method: "GET", Pattern: "/2/tweets/counts/recent", Role: reader, Scope: "tweet.read", Access: anyone, Limit: seldom, Handler: a.countsRecent},
		{Method: "GET", Pattern: "/2/tweets/sample/stream", Role: reader, Scope: "tweet.read", Access: anyone, Limit: httpx.Limit{N: 50}, Handler: a.sampleStream},

		{Method: "POST", Pattern: "/2/users", Role: writer, Access: anyone, Limit: signUp, Handler: a.register},
		{Method: "GET", Pattern: "/2/users", Role: reader, Scope: "users.read", Access: anyone, Limit: often, Handler: a.getUsers},
		{Method: "GET", Pattern: "/2/users/me", Role: reader, Scope: "users.read", Access: signedIn, Limit: often, Handler: a.me},
		{Method: "PATCH", Pattern: "/2/users/me", Role: writer, Scope: "users.write", Access: signedIn, Limit: writes, Handler: a.editProfile},
		{Method: "GET", Pattern: "/2/users/me/notifications", Role: reader, Scope: "tweet.read users.read", Access: signedIn, Limit: often, Handler: a.notifications},
		{Method: "GET", Pattern: "/2/users/search", Role: reader, Scope: "users.read", Access: anyone, Limit: seldom, Handler: a.searchUsers},
		{Method: "GET", Pattern: "/2/users/by", Role: reader, Scope: "users.read", Access: anyone, Limit: often, Handler: a.usersByUsernames},
		{Method: "GET", Pattern: "/2/users/by/username/{username}", Role: reader, Scope: "users.read", Access: anyone, Limit: often, Handler: a.userByUsername},
		{Method: "GET", Pattern: "/2/users/{id}", Role: reader, Scope: "users.read", Access: anyone, Limit: often, Handler: a.getUser},

		{Method: "GET", Pattern: "/2/users/{id}/timelines/reverse_chronological", Role: reader, Scope: "tweet.read", Access: signedIn, Limit: often, Handler: a.home},
		{Method: "GET", Pattern: "/2/users/{id}/tweets", Role: reader, Scope: "tweet.read", Access: anyone, Limit: often, Handler: a.userTweets},
		{Method: "GET", Pattern: "/2/users/{id}/mentions", Role: reader, Scope: "tweet.read", Access: anyone, Limit: often, Handler: a.mentions},
		{Method: "GET", Pattern: "/2/users/{id}/liked_tweets", Role: reader, Scope: "like.read", Access: anyone, Limit: often, Handler: a.likedTweets},

		{Method: "POST", Pattern: "/2/users/{id}/likes", Role: writer, Scope: "like.write", Access: signedIn, Limit: writes, Handler: a.like},
		{Method: "DELETE", Pattern: "/2/users/{id}/likes/{tweet_id}", Role: writer, Scope: "like.write", Access: signedIn, Limit: writes, Handler: a.unlike},
		{Method: "POST", Pattern: "/2/users/{id}/retweets", Role: writer, Scope: "tweet.write", Access: signedIn, Limit: writes, Handler: a.retweet},
		{Method: "DELETE", Pattern: "/2/users/{id}/retweets/{tweet_id}", Role: writer, Scope: "tweet.write", Access: signedIn, Limit: writes, Handler: a.unretweet},
		{Method: "GET", Pattern: "/2/users/{id}/bookmarks", Role: reader, Scope: "bookmark.read", Access: signedIn, Limit: often, Handler: a.bookmarks},
		{Method: "POST", Pattern: "/2/users/{id}/bookmarks", Role: writer, Scope: "bookmark.write", Access: signedIn, Limit: writes, Handler: a.bookmark},
		{Method: "DELETE", Pattern: "/2/users/{id}/bookmarks/{tweet_id}", Role: writer, Scope: "bookmark.write", Access: signedIn, Limit: writes, Handler: a.unbookmark},

		{Method: "GET", Pattern: "/2/users/{id}/following", Role: reader, Scope: "follows.read", Access: anyone, Limit: often, Handler: a.following},
		{Method: "GET", Pattern: "/2/users/{id}/followers", Role: reader, Scope: "follows.read", Access: anyone, Limit: often, Handler: a.followers},
		{Method: "POST", Pattern: "/2/users/{id}/following", Role: writer, Scope: "follows.write", Access: signedIn, Limit: writes, Handler: a.follow},
		{Method: "DELETE", Pattern: "/2/users/{id}/following/{target_user_id}", Role: writer, Scope: "follows.write", Access: signedIn, Limit: writes, Handler: a.unfollow},
		{Method: "GET", Pattern: "/2/users/{id}/follow_requests", Role: reader, Scope: "follows.read", Access: signedIn, Limit: often, Handler: a.followRequests},
		{Method: "POST", Pattern: "/2/users/{id}/follow_requests/{user}/accept", Role: writer, Scope: "follows.write", Access: signedIn, Limit: writes, Handler: a.acceptFollow},
		{Method: "POST", Pattern: "/2/users/{id}/follow_requests/{user}/reject", Role: writer, Scope: "follows.write", Access: signedIn, Limit: writes, Handler: a.rejectFollow},
		{Method: "GET", Pattern: "/2/users/{id}/muting", Role: reader, Scope: "mute.read", Access: signedIn, Limit: often, Handler: a.muting},
		{Method: "POST", Pattern: "/2/users/{id}/muting", Role: writer, Scope: "mute.write", Access: signedIn, Limit: writes, Handler: a.mute},
		{Method: "DELETE", Pattern: "/2/users/{id}/muting/{target_user_id}", Role: writer, Scope: "mute.write", Access: signedIn, Limit: writes, Handler: a.unmute},
		{Method: "GET", Pattern: "/2/users/{id}/blocking", Role: reader, Scope: "block.read", Access: signedIn, Limit: often, Handler: a.blocking},
		{Method: "POST", Pattern: "/2/users/{id}/blocking", Role: writer, Scope: "block.write", Access: signedIn, Limit: writes, Handler: a.block},
		{Method: "DELETE", Pattern: "/2/users/{id}/blocking/{target_user_id}", Role: writer, Scope: "block.write", Access: signedIn, Limit: writes, Handler: a.unblock},

		{Method: "POST", Pattern: "/2/lists", Role: writer, Scope: "list.write", Access: signedIn, Limit: writes, Handler: a.createList},
		{Method: "GET", Pattern: "/2/lists/{id}", Role: reader, Scope: "list.read", Access: anyone, Limit: often, Handler: a.getList},
		{Method: "PUT", Pattern: "/2/lists/{id}", Role: writer, Scope: "list.write", Access: signedIn, Limit: writes, Handler: a.editList},
		{Method: "DELETE", Pattern: "/2/lists/{id}", Role: writer, Scope: "list.write", Access: signedIn, Limit: writes, Handler: a.deleteList},
		{Method: "GET", Pattern: "/2/lists/{id}/tweets", Role: reader, Scope: "list.read", Access: anyone, Limit: often, Handler: a.listTweets},
		{Method: "GET", Pattern: "/2/lists/{id}/members", Role: reader, Scope: "list.read", Access: anyone, Limit: often, Handler: a.listMembers},
		{Method: "POST", Pattern: "/2/lists/{id}/members", Role: writer, Scope: "list.write", Access: signedIn, Limit: writes, Handler: a.addMember},
		{Method: "DELETE", Pattern: "/2/lists/{id}/members/{user_id}", Role: writer, Scope: "list.write", Access: signedIn, Limit: writes, Handler: a.removeMember},
		{Method: "GET", Pattern: "/2/lists/{id}/followers", Role: reader, Scope: "list.read", Access: anyone, Limit: often, Handler: a.listFollowers},
		{Method: "GET", Pattern: "/2/users/{id}/owned_lists", Role: reader, Scope: "list.read", Access: anyone, Limit: often, Handler: a.ownedLists},
		{Method: "GET", Pattern: "/2/users/{id}/list_memberships", Role: reader, Scope: "list.read", Access: anyone, Limit: often, Handler: a.listMemberships},
		{Method: "GET", Pattern: "/2/users/{id}/followed_lists", Role: reader, Scope: "list.read", Access: anyone, Limit: often, Handler: a.followedLists},
		{Method: "POST", Pattern: "/2/users/{id}/followed_lists", Role: writer, Scope: "list.write", Access: signedIn, Limit: writes, Handler: a.followList},
		{Method: "DELETE", Pattern: "/2/users/{id}/followed_lists/{list_id}", Role: writer, Scope: "list.write", Access: signedIn, Limit: writes, Handler: a.unfollowList},
		{Method: "GET", Pattern: "/2/users/{id}/pinned_lists", Role: reader, Scope: "list.read", Access: signedIn, Limit: often, Handler: a.pinnedLists},
		{Method: "POST", Pattern: "/2/users/{id}/pinned_lists", Role: writer, Scope: "list.write", Access: signedIn, Limit: writes, Handler: a.pinList},
		{Method: "DELETE", Pattern: "/2/users/{id}/pinned_lists/{list_id}", Role: writer, Scope: "list.write", Access: signedIn, Limit: writes, Handler: a.unpinList},

		{Method: "POST", Pattern: "/2/media/upload", Role: writer, Scope: "media.write", Access: signedIn, Limit: writes, Handler: a.upload, OwnKey: true},
		{Method: "GET", Pattern: "/2/media/upload", Role: writer, Scope: "media.write", Access: signedIn, Limit: often, Handler: a.uploadStatus},
		{Method: "POST", Pattern: "/2/media/upload/initialize", Role: writer, Scope: "media.write", Access: signedIn, Limit: writes, Handler: a.uploadBegin},
		{Method: "POST", Pattern: "/2/media/upload/{id}/append", Role: writer, Scope: "media.write", Access: signedIn, Limit: often, Handler: a.uploadAppend, OwnKey: true},
		{Method: "POST", Pattern: "/2/media/upload/{id}/finalize", Role: writer, Scope: "media.write", Access: signedIn, Limit: writes, Handler: a.uploadEnd},
		{Method: "POST", Pattern: "/2/media/metadata", Role: writer, Scope: "media.write", Access: signedIn, Limit: writes, Handler: a.mediaMetadata},
		{Method: "GET", Pattern: "/media/{media}/{photo}/{file}", Role: reader, Access: anyone, Handler: a.servePhoto, Cookie: true},
	}
	return described(routes, d.Auth.Routes(), a.base)
}

// specs are the query strings of the endpoints that take one.
type specs struct {
	tweet, tweets, home, user, mentions, liked, bookmarks, quotes, history *spec
	likers, retweeters, follows, muting, blocking, requests                *spec
	person, people, byNames, searchPeople, notices                         *spec
	list, lists, pinned, listTweets, members                               *spec
	recent, all, counts, stream, status, none                              *spec
}

// newSpecs gives every endpoint X's bounds of max_results.
func newSpecs() specs {
	words := []string{"query"}
	s := specs{
		tweet:     &spec{},
		tweets:    &spec{needs: []string{"ids"}},
		home:      &spec{order: byTweet, min: 1, max: 100, def: 100, bounds: true, exclude: true},
		user:      &spec{order: byTweet, min: 5, max: 100, def: 10, bounds: true, exclude: true},
		mentions:  &spec{order: byTweet, min: 5, max: 100, def: 10, bounds: true},
		liked:     &spec{order: byLike, min: 5, max: 100, def: 100},
		bookmarks: &spec{order: byMark, min: 1, max: 100, def: 100},
		quotes:    &spec{order: byTweet, min: 10, max: 100, def: 10, exclude: true},
		history:   &spec{},

		likers:     &spec{order: byLike, min: 1, max: 100, def: 100},
		retweeters: &spec{order: byTweet, min: 1, max: 100, def: 100},
		follows:    &spec{order: byFollow, min: 1, max: 1000, def: 100},
		muting:     &spec{order: byMute, min: 1, max: 1000, def: 100},
		blocking:   &spec{order: byBlock, min: 1, max: 1000, def: 100},
		requests:   &spec{order: byAsk, min: 1, max: 1000, def: 100},

		person:       &spec{},
		people:       &spec{needs: []string{"ids"}},
		byNames:      &spec{needs: []string{"usernames"}},
		searchPeople: &spec{order: byUser, min: 1, max: 1000, def: 100, needs: words},
		notices:      &spec{order: byNotice, min: 1, max: 100, def: 20},

		list:       &spec{},
		lists:      &spec{order: byList, min: 1, max: 100, def: 100},
		pinned:     &spec{order: byList, min: 1, max: 100, def: 100},
		listTweets: &spec{order: byTweet, min: 1, max: 100, def: 100},
		members:    &spec{order: byMember, min: 1, max: 100, def: 100},

		recent: &spec{order: byTweet, min: 10, max: 100, def: 10, bounds: true, needs: words, takes: []string{"sort_order"}},
		all:    &spec{order: byTweet, min: 10, max: 500, def: 10, bounds: true, needs: words, takes: []string{"sort_order"}},
		counts: &spec{bounds: true, needs: words, takes: []string{"granularity"}},
		stream: &spec{takes: []string{"backfill_minutes"}},
		status: &spec{needs: []string{"media_id"}, takes: []string{"command"}},
		none:   &spec{},
	}
	for _, p := range []*spec{
		s.tweet, s.tweets, s.home, s.user, s.mentions, s.liked, s.bookmarks, s.quotes, s.history, s.likers, s.retweeters,
		s.follows, s.muting, s.blocking, s.requests, s.person, s.people, s.byNames, s.searchPeople, s.notices, s.list,
		s.lists, s.pinned, s.listTweets, s.members, s.recent, s.all, s.counts, s.stream, s.status, s.none,
	} {
		p.cache = &queryCache{m: map[string]*query{}}
	}
	return s
}
