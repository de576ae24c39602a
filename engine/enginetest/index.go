package enginetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"warble"
)

func indexTests() []test {
	return []test{
		{"SearchIsNewestFirstInsideThePage", indexPaged},
		{"WordsAreFoundWithoutRegardToCase", indexWords},
		{"APhraseIsWordsInOrder", indexPhrase},
		{"APrefixFindsWhatBeginsSo", indexPrefix},
		{"AndOrNotCombine", indexBool},
		{"OperatorsLookAtTheTweet", indexOperators},
		{"PeopleAreFoundApartFromTweets", indexPeople},
		{"AddingAgainReplaces", indexReplaces},
		{"RemoveIsIdempotent", indexRemove},
		{"OlderDocumentsTakeTheirPlace", indexLate},
		{"ManyDocumentsAddedAtOnceAreAllFound", indexMany},
		{"EveryShapeAnswersTheTableOfQueriesAlike", indexTable},
	}
}

func word(text string) *warble.Query   { return &warble.Query{Op: warble.QueryWord, Text: text} }
func phrase(text string) *warble.Query { return &warble.Query{Op: warble.QueryPhrase, Text: text} }
func prefix(text string) *warble.Query { return &warble.Query{Op: warble.QueryPrefix, Text: text} }
func and(kids ...*warble.Query) *warble.Query {
	return &warble.Query{Op: warble.QueryAnd, Kids: kids}
}
func or(kids ...*warble.Query) *warble.Query {
	return &warble.Query{Op: warble.QueryOr, Kids: kids}
}
func not(kid *warble.Query) *warble.Query {
	return &warble.Query{Op: warble.QueryNot, Kids: []*warble.Query{kid}}
}

// says adds a tweet with a text.
func (s *suite) says(t *testing.T, text string, more ...func(*warble.Tweet)) warble.TweetID {
	t.Helper()
	tw := s.tweet(s.id())
	tw.Text = text
	for _, f := range more {
		f(tw)
	}
	check(t, s.Index.Add(t.Context(), []warble.IndexDoc{{Tweet: tw}}))
	return tw.ID
}

// finds waits until a query finds these, in whatever order they are given.
func (s *suite) finds(t *testing.T, what string, q *warble.Query, want ...warble.ID) {
	t.Helper()
	var got []warble.ID
	end := time.Now().Add(s.opt.Settle)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		var err error
		got, err = s.Index.Search(t.Context(), q, warble.Page{Limit: 1000})
		check(t, err)
		if form(got) == form(down(want)) {
			return
		}
		if time.Now().After(end) {
			same(t, what, got, down(want))
		}
		<-tick.C
	}
}

func indexPaged(t *testing.T, s *suite) {
	w := s.word()
	var ids []warble.ID
	for range 30 {
		ids = append(ids, s.says(t, "about "+w))
		s.says(t, "about "+s.word())
	}
	s.finds(t, "word", word(w), ids...)
	search := func(q *warble.Query) func(warble.Page) ([]warble.ID, error) {
		return func(p warble.Page) ([]warble.ID, error) { return s.Index.Search(t.Context(), q, p) }
	}
	paged(t, s.ids, down(ids), false, search(word(w)))
	paged(t, s.ids, down(ids), false, search(and(prefix(w[:10]), not(word("nobody")))))
	paged(t, s.ids, down(ids), false, search(phrase("about "+w)))
}

func indexWords(t *testing.T, s *suite) {
	a, b := s.word(), s.word()
	one := s.says(t, strings.ToUpper(a)+", (we saw) "+b+"!")
	two := s.says(t, "é"+a+"... "+b)
	three := s.says(t, a+"\n"+a+" #"+a)
	s.finds(t, "one word", word(a), one, three)
	s.finds(t, "in capitals", word(strings.ToUpper(a)), one, three)
	s.finds(t, "another word", word(b), one, two)
	s.finds(t, "accented", word("É"+a), two)
	s.finds(t, "a part of a word", word(a[:8]))
	s.finds(t, "nothing", word(""))
	s.finds(t, "no word", word("!?"))
	cjk := s.says(t, "東京都に住む "+a)
	s.finds(t, "two of three characters", and(word(a), word("京都")), cjk)
	s.finds(t, "characters that are not neighbours", and(word(a), word("東都")))
}

func indexPhrase(t *testing.T, s *suite) {
	a, b, c := s.word(), s.word(), s.word()
	abc := s.says(t, fmt.Sprintf("so %s %s, %s!", a, b, c))
	bac := s.says(t, fmt.Sprintf("%s %s %s", b, a, c))
	far := s.says(t, fmt.Sprintf("%s and %s and %s and %s %s", a, b, c, b, c))
	s.finds(t, "a b", phrase(a+" "+b), abc)
	s.finds(t, "b a", phrase(b+" "+a), bac)
	s.finds(t, "b c", phrase(b+" "+c), abc, far)
	s.finds(t, "a b c", phrase(a+" "+b+" "+c), abc)
	s.finds(t, "a c", phrase(a+" "+c), bac)
	s.finds(t, "c a", phrase(c+" "+a))
	s.finds(t, "one word", phrase(a), abc, bac, far)
	s.finds(t, "phrase and word", and(phrase(b+" "+c), word("and")), far)
}

func indexPrefix(t *testing.T, s *suite) {
	w := s.word()
	one, two, three := s.says(t, w+"ab"), s.says(t, "x "+strings.ToUpper(w)+"AC"), s.says(t, w)
	s.finds(t, "all", prefix(w), one, two, three)
	s.finds(t, "one letter more", prefix(w+"a"), one, two)
	s.finds(t, "two more, in capitals", prefix(strings.ToUpper(w)+"AB"), one)
	s.finds(t, "too many", prefix(w+"abc"))
	s.finds(t, "the end is not the beginning", prefix(w[1:]+"ab"))
	s.finds(t, "two beginnings", and(prefix(w), prefix(w+"ac")), two)
}

func indexBool(t *testing.T, s *suite) {
	a, b, c := s.word(), s.word(), s.word()
	ab, ac, bc, abc := s.says(t, a+" "+b), s.says(t, a+" "+c), s.says(t, b+" "+c), s.says(t, a+" "+b+" "+c)
	s.finds(t, "a b", and(word(a), word(b)), ab, abc)
	s.finds(t, "a or b", or(word(a), word(b)), ab, ac, bc, abc)
	s.finds(t, "a -b", and(word(a), not(word(b))), ac)
	s.finds(t, "a -(b c)", and(word(a), not(and(word(b), word(c)))), ab, ac)
	s.finds(t, "(a b) or (b c)", or(and(word(a), word(b)), and(word(b), word(c))), ab, bc, abc)
	s.finds(t, "a (b or c) -(b c)", and(word(a), or(word(b), word(c)), not(and(word(b), word(c)))), ab, ac)
	s.finds(t, "a and all", and(&warble.Query{Op: warble.QueryAll}, word(a)), ab, ac, abc)
	s.finds(t, "a and nothing", and(word(a), word(s.word())))
	s.finds(t, "or of one", or(word(c)), ac, bc, abc)
	s.finds(t, "a -nothing", and(word(a), not(word(s.word()))), ab, ac, abc)
}

func indexOperators(t *testing.T, s *suite) {
	w, author, other, thread := s.word(), s.id(), s.id(), s.id()
	first := s.says(t, w+" https://example.org/x @Ann_1 #Go", func(tw *warble.Tweet) { tw.Author, tw.Lang = author, "de" })
	reply := s.says(t, w+" @ann_12 #golang", func(tw *warble.Tweet) {
		tw.ReplyTo, tw.ReplyAuthor, tw.Conversation, tw.Lang = thread, other, thread, "en"
	})
	quote := s.says(t, w+" go", func(tw *warble.Tweet) {
		tw.QuoteOf, tw.QuoteAuthor, tw.Photos = s.id(), other, []warble.Photo{*s.photo()}
	})
	retweet := s.says(t, w, func(tw *warble.Tweet) { tw.RetweetOf, tw.RetweetAuthor = s.id(), other })
	for what, c := range map[string]struct {
		q    warble.Query
		want []warble.ID
	}{
		"from":         {warble.Query{Op: warble.QueryFrom, ID: author}, []warble.ID{first}},
		"to":           {warble.Query{Op: warble.QueryTo, ID: other}, []warble.ID{reply}},
		"mention":      {warble.Query{Op: warble.QueryMention, Text: "ANN_1"}, []warble.ID{first}},
		"tag":          {warble.Query{Op: warble.QueryTag, Text: "go"}, []warble.ID{first}},
		"tag in caps":  {warble.Query{Op: warble.QueryTag, Text: "GoLang"}, []warble.ID{reply}},
		"thread":       {warble.Query{Op: warble.QueryThread, ID: thread}, []warble.ID{reply}},
		"lang":         {warble.Query{Op: warble.QueryLang, Text: "de"}, []warble.ID{first}},
		"has:media":    {warble.Query{Op: warble.QueryHasMedia}, []warble.ID{quote}},
		"has:links":    {warble.Query{Op: warble.QueryHasLinks}, []warble.ID{first}},
		"is:reply":     {warble.Query{Op: warble.QueryIsReply}, []warble.ID{reply}},
		"is:retweet":   {warble.Query{Op: warble.QueryIsRetweet}, []warble.ID{retweet}},
		"is:quote":     {warble.Query{Op: warble.QueryIsQuote}, []warble.ID{quote}},
		"from nobody":  {warble.Query{Op: warble.QueryFrom, ID: s.id()}, nil},
		"unused tag":   {warble.Query{Op: warble.QueryTag, Text: "g"}, nil},
		"lang unknown": {warble.Query{Op: warble.QueryLang, Text: "fr"}, nil},
	} {
		s.finds(t, what, and(word(w), &c.q), c.want...)
	}
	s.finds(t, "from alone", &warble.Query{Op: warble.QueryFrom, ID: author}, first)
	s.finds(t, "not a reply", and(word(w), not(&warble.Query{Op: warble.QueryIsReply})), first, quote, retweet)
}

func indexPeople(t *testing.T, s *suite) {
	w := s.word()
	u := s.user()
	u.Handle, u.Name, u.Bio = "h"+w[:9], "Ann "+w, "likes "+w+"bio"
	check(t, s.Index.Add(t.Context(), []warble.IndexDoc{{User: u}}))
	tweet := s.says(t, w+" "+w+"bio")
	people := func(q *warble.Query) *warble.Query {
		p := *q
		p.People = true
		return &p
	}
	s.finds(t, "by name", people(word(w)), u.ID)
	s.finds(t, "by bio", people(word(w+"bio")), u.ID)
	s.finds(t, "by handle", people(word(u.Handle)), u.ID)
	s.finds(t, "by the beginning of a handle", people(prefix(u.Handle[:8])), u.ID)
	s.finds(t, "by two fields", people(and(word("ann"), word(w+"bio"))), u.ID)
	s.finds(t, "tweets only", word(w), tweet)
	renamed := *u
	renamed.Version, renamed.Name, renamed.Bio = 2, "Bea "+w+"new", ""
	check(t, s.Index.Add(t.Context(), []warble.IndexDoc{{User: &renamed}}))
	s.finds(t, "by the new name", people(word(w+"new")), u.ID)
	s.finds(t, "by the old bio", people(word(w+"bio")))
}

func indexReplaces(t *testing.T, s *suite) {
	a, b, c := s.word(), s.word(), s.word()
	id := s.says(t, a+" "+b)
	other := s.says(t, a)
	s.says(t, b+" "+c, func(tw *warble.Tweet) { tw.ID, tw.Version = id, 2 })
	s.finds(t, "the new word", word(c), id)
	s.finds(t, "the word it kept", word(b), id)
	s.finds(t, "the word it lost", word(a), other)
	s.finds(t, "a phrase over both versions", phrase(a+" "+b))
	s.finds(t, "all but the word it lost", and(word(b), not(word(a))), id)
	s.says(t, b+" "+c, func(tw *warble.Tweet) { tw.ID, tw.Version = id, 2 })
	s.finds(t, "once after adding it the same", word(b), id)
	twice := s.tweet(s.id())
	first := *twice
	twice.Text, first.Text = b, a
	check(t, s.Index.Add(t.Context(), []warble.IndexDoc{{Tweet: &first}, {Tweet: twice}}))
	s.finds(t, "the last of two in one call", word(a), other)
}

func indexRemove(t *testing.T, s *suite) {
	w := s.word()
	one, two := s.says(t, w), s.says(t, w)
	s.finds(t, "both", word(w), one, two)
	check(t, s.Index.Remove(t.Context(), one, s.id()))
	check(t, s.Index.Remove(t.Context(), one))
	check(t, s.Index.Remove(t.Context()))
	s.finds(t, "the other", word(w), two)
	s.says(t, w, func(tw *warble.Tweet) { tw.ID = one })
	s.finds(t, "added again", word(w), one, two)
}

func indexLate(t *testing.T, s *suite) {
	w, ids := s.word(), s.idsUp(40)
	for _, id := range shuffled(s.ids, ids) {
		s.says(t, w, func(tw *warble.Tweet) { tw.ID = id })
	}
	s.finds(t, "all in order", word(w), ids...)
	paged(t, s.ids, down(ids), false, func(p warble.Page) ([]warble.ID, error) { return s.Index.Search(t.Context(), word(w), p) })
}

func indexMany(t *testing.T, s *suite) {
	w, ids := s.word(), s.idsUp(1200)
	together(4, func(i int) {
		for n := i; n < len(ids); n += 4 * 30 {
			var docs []warble.IndexDoc
			for k := n; k < len(ids) && k < n+4*30; k += 4 {
				tw := &warble.Tweet{ID: ids[k], Author: ids[k], Version: 1, Text: fmt.Sprintf("%s %dth %s%d", w, k%7, w, k%100)}
				docs = append(docs, warble.IndexDoc{Tweet: tw})
			}
			if err := s.Index.Add(t.Context(), docs); err != nil {
				t.Error(err)
			}
		}
	})
	var rare []warble.ID
	for k := 42; k < len(ids); k += 100 {
		rare = append(rare, ids[k])
	}
	s.finds(t, "a rare word", word(w+"42"), rare...)
	paged(t, s.ids, down(rare), false, func(p warble.Page) ([]warble.ID, error) {
		return s.Index.Search(t.Context(), and(word(w), word(w+"42")), p)
	})
	got, err := s.Index.Search(t.Context(), word(w), warble.Page{Limit: 2000})
	check(t, err)
	same(t, "a common word", got, down(ids))
}
