package warble

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestQueriesAreReadAndWrittenCanonically(t *testing.T) {
	for text, want := range map[string]string{
		"tea":                               "tea",
		"  green   tea ":                    "green tea",
		`"green tea" cats`:                  `"green tea" cats`,
		"“green tea”":                       `"green tea"`,
		"a OR b c":                          "a OR b c",
		"(a OR b) c":                        "(a OR b) c",
		"(a b) c":                           "a b c",
		"(a OR b) OR c":                     "a OR b OR c",
		"a OR (b c)":                        "a OR b c",
		"tea -milk -is:retweet":             "tea -milk -is:retweet",
		"tea -(milk OR sugar)":              "tea -(milk OR sugar)",
		"tea -(milk)":                       "tea -milk",
		"FROM:@Ann to:bob @Carl #Tea":       "from:Ann to:bob @Carl #Tea",
		"has:media HAS:links is:quote":      "has:media has:links is:quote",
		"is:reply lang:EN tea*":             "is:reply lang:en tea*",
		"conversation_id:123":               "conversation_id:123",
		"10:30 a:b https://example.com/a":   "10:30 a:b https://example.com/a",
		"tea - & !!! (..) \"?\" -!":         "tea",
		"a\"b\"c(d)e":                       `a "b" c d e`,
		"#1 @a.b $TSLA or":                  "#1 @a.b $TSLA or",
		"東京 😀":                              "東京 😀",
		"tea***":                            "tea*",
		"#" + strings.Repeat("日", 3) + " x": "#日日日 x",
	} {
		q, err := ParseQuery(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := q.String(); got != want {
			t.Errorf("%q is read as %q, want %q", text, got, want)
		}
	}
}

func TestQueryTreesHoldTheirParts(t *testing.T) {
	q, err := ParseQuery(`from:Ann "b c" (dd* OR #e) -@f`)
	if err != nil {
		t.Fatal(err)
	}
	want := &Query{Op: QueryAnd, Kids: []*Query{
		{Op: QueryFrom, Text: "Ann"},
		{Op: QueryPhrase, Text: "b c"},
		{Op: QueryOr, Kids: []*Query{{Op: QueryPrefix, Text: "dd"}, {Op: QueryTag, Text: "e"}}},
		{Op: QueryNot, Kids: []*Query{{Op: QueryMention, Text: "f"}}},
	}}
	if !reflect.DeepEqual(q, want) {
		t.Errorf("got %v", q)
	}
}

func TestBadQueriesSayWhatIsWrongAndWhere(t *testing.T) {
	for text, says := range map[string]string{
		"":                           "nothing to search for",
		"!!! -":                      "nothing to search for",
		"-tea":                       "At character 1: a search cannot only leave things out",
		"a OR -b":                    "At character 6: a search cannot only leave things out",
		"a (-b)":                     "cannot only leave things out",
		"a OR":                       "OR needs",
		"OR a":                       "OR needs",
		"a OR OR b":                  "OR needs",
		"a (b":                       "At character 3: the group is never closed",
		"é b)":                       "At character 4: a group is closed",
		`a "b`:                       "At character 3: the quotation",
		"a --b":                      "two say nothing",
		"x*":                         "At character 1: \"x*\" is too short",
		"from:":                      "after from: stands a handle",
		"to:a-b":                     "after to: stands a handle",
		"conversation_id:x":          "id of a tweet",
		"lang:!":                     "a language",
		"a is:verified":              "At character 3: there is no operator is:verified",
		"has:images":                 "no operator has:images",
		"url:example":                "url: does not exist",
		"a\xff":                      "UTF-8",
		strings.Repeat("a", 513):     "at most 512 characters; this one has 513",
		strings.Repeat("(", 17):      "16 deep",
		strings.Repeat("(", 3) + "a": "At character 3: the group",
	} {
		_, err := ParseQuery(text)
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, ErrInvalid) || e.Param != "query" || !strings.Contains(e.Detail, says) {
			t.Errorf("%q: %v, want it to say %q", text, err, says)
		}
	}
}

func TestHandlesAreResolvedAndUnknownOnesFindNothing(t *testing.T) {
	q, err := ParseQuery("from:Ann OR to:ann OR a -from:Bob")
	if err != nil {
		t.Fatal(err)
	}
	if got := q.Handles(); !reflect.DeepEqual(got, []string{"ann", "bob"}) {
		t.Errorf("handles %q", got)
	}
	r := q.Resolve(map[string]UserID{"ann": 7})
	if r.Kids[0].ID != 7 || r.Kids[1].ID != 7 || r.Kids[2].Kids[1].Kids[0].ID != 0 {
		t.Errorf("resolved %+v", r)
	}
	if q.Kids[0].ID != 0 || r.String() != q.String() {
		t.Error("Resolve changed the query it was given")
	}
}

func FuzzParseQuery(f *testing.F) {
	for _, s := range []string{
		`a`, `a b OR c`, `"a b" -c`, `(a OR b) -(c d)`, `from:a to:b @c #d`, `has:media is:reply lang:en conversation_id:1`,
		`a*`, `-a`, `((((`, `))))`, `"`, `a:b`, `“x”`, "a\u3000b", `-"a" b`, `a-b -- (`, `#東京 😀*`, `from:@x`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := parseQuery(s)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		again, err := parseQuery(q.String())
		if err != nil {
			t.Fatalf("%q is written %q: %v", s, q, err)
		}
		if !reflect.DeepEqual(q, again) {
			t.Fatalf("%q is written %q, read as %q", s, q, again)
		}
	})
}
