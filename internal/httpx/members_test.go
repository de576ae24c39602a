package httpx

import (
	"testing"
)

func TestErrorsOfABodySayWhatBelongsThere(t *testing.T) {
	var v struct {
		Text  string `json:"text"`
		Reply *struct {
			To    string   `json:"to"`
			Mutes []string `json:"mutes"`
		} `json:"reply"`
		N int `json:"n"`
	}
	for body, want := range map[string]string{
		`{"txt":"x"}`:                     "txt: there is no such member: there are text, reply, n",
		`{"text":"x","reply":{"id":"7"}}`: "reply.id: there is no such member: there are to, mutes",
		`{"TEXT":"x","reply":{"text":1}}`: "reply.text: there is no such member: there are to, mutes",
		`{"text":7}`:                      "text: a string belongs here",
		`{"reply":"7"}`:                   "reply: an object belongs here",
		`{"reply":{"mutes":"7"}}`:         "reply.mutes: a list belongs here",
		`{"n":"7"}`:                       "n: a whole number belongs here",
	} {
		if got := ProblemOf(DecodeBytes([]byte(body), &v)).Detail; got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}
