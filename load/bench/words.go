package bench

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

const (
	vocabularySize = 50_000
	wordsPerTweet  = 12
)

// vocabulary is words by rank, drawn by Zipf's law: rank r with a chance
// proportional to 1/r.
type vocabulary struct {
	words []string
	upTo  []float64 // the chance of a rank at or below
}

func newVocabulary() *vocabulary {
	v := &vocabulary{words: make([]string, vocabularySize), upTo: make([]float64, vocabularySize)}
	sum := 0.0
	for i := range v.words {
		v.words[i] = word(i)
		sum += 1 / float64(i+1)
		v.upTo[i] = sum
	}
	for i := range v.upTo {
		v.upTo[i] /= sum
	}
	return v
}

// word spells a rank with syllables, so that frequent words are short and every
// prefix of three letters begins many words.
func word(rank int) string {
	const consonants, vowels = "bdfgklmnprstvz", "aeiou"
	var b []byte
	for n := rank + len(consonants)*len(vowels); n > 0; n /= len(consonants) * len(vowels) {
		s := n % (len(consonants) * len(vowels))
		b = append(b, consonants[s%len(consonants)], vowels[s/len(consonants)])
	}
	return string(b)
}

func (v *vocabulary) draw(rng *rand.Rand) int {
	i, _ := slices.BinarySearch(v.upTo, rng.Float64())
	return min(i, len(v.words)-1)
}

func (v *vocabulary) text(rng *rand.Rand) string {
	var b strings.Builder
	for i := range wordsPerTweet {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(v.words[v.draw(rng)])
	}
	return b.String()
}

// rankWith is the rank whose word stands about n times among so many tweets.
func (v *vocabulary) rankWith(n float64, tweets int) int {
	all := float64(tweets) * wordsPerTweet
	return min(max(int(all/(n*math.Log(vocabularySize)))-1, 0), vocabularySize-1)
}

// texts are made beforehand, so that a subject is not charged for what its
// author thinks.
type texts []string

func newTexts(stream uint64) texts {
	words, rng := newVocabulary(), rand.New(rand.NewPCG(seed, stream))
	t := make(texts, 16<<10)
	for i := range t {
		t[i] = words.text(rng)
	}
	return t
}

func (t texts) any(rng *rand.Rand) string { return t[rng.IntN(len(t))] }
