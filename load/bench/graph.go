package bench

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// pair is a follow: From follows To, both as indexes of people.
type pair struct{ From, To uint32 }

// graph returns the follows of n users. It is the ego-Twitter graph read both
// ways where the file is there; for fewer users the file is folded: every k-th
// pair is kept and its ends are taken modulo n, so that the mean number of
// followers stays. Without the file a graph of the same degrees is generated.
func graph(shared string, n int) ([]pair, error) {
	f, err := os.Open(filepath.Join(shared, "ego-twitter.edges.gz"))
	if shared == "" || errors.Is(err, os.ErrNotExist) {
		return generated(n), nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(zip)
	lines.Scan() // users,pairs,u,graph
	head, _, _ := strings.Cut(lines.Text(), ",")
	users, err := strconv.Atoi(head)
	if err != nil || users <= 0 {
		return nil, fmt.Errorf("%s has no header of a graph", f.Name())
	}
	every := max(1, (users+n/2)/n)
	var pairs []pair
	for at := 0; lines.Scan(); at++ {
		if at%every != 0 {
			continue
		}
		a, b, ok := strings.Cut(lines.Text(), ",")
		x, err1 := strconv.Atoi(a)
		y, err2 := strconv.Atoi(b)
		if !ok || err1 != nil || err2 != nil || x < 1 || y < 1 {
			return nil, fmt.Errorf("%s is damaged after %d pairs", f.Name(), at)
		}
		pairs = both(pairs, uint32((x-1)%n), uint32((y-1)%n))
	}
	return pairs, lines.Err()
}

func both(pairs []pair, a, b uint32) []pair {
	if a == b {
		return pairs
	}
	return append(pairs, pair{a, b}, pair{b, a})
}

// Degrees of the ego-Twitter graph: their logarithms are close to a normal
// distribution.
const (
	degreeMean  = 33.0
	degreeSigma = 1.35
	degreeMost  = 3383
)

// generated makes a graph by drawing both ends of every pair in proportion to
// degrees drawn beforehand.
func generated(n int) []pair {
	rng := rand.New(rand.NewPCG(seed, 2))
	mu := math.Log(degreeMean) - degreeSigma*degreeSigma/2
	var ends []uint32
	for i := range n {
		d := min(math.Exp(mu+degreeSigma*rng.NormFloat64()), degreeMost, float64(n-1))
		for range int(math.Round(max(d, 1))) {
			ends = append(ends, uint32(i))
		}
	}
	rng.Shuffle(len(ends), func(i, j int) { ends[i], ends[j] = ends[j], ends[i] })
	var pairs []pair
	for i := 0; i+1 < len(ends); i += 2 {
		pairs = both(pairs, ends[i], ends[i+1])
	}
	return pairs
}

// groups adds the follows of the people beside the graph.
func groups(s scale, pairs []pair) []pair {
	rng := rand.New(rand.NewPCG(seed, 3))
	follow := func(from int, n int, to func(k int) int) {
		for _, k := range rng.Perm(s.Graph)[:min(n, s.Graph)] {
			pairs = append(pairs, pair{uint32(from), uint32(to(k))})
		}
	}
	whom := func(k int) int { return k }
	for i := range s.Readers {
		follow(s.reader(i), readerFollows, whom)
	}
	for i := range s.Deep {
		follow(s.deep(i), deepFollows, whom)
	}
	fans := s.hot()
	if len(fans) == 0 {
		for i := range s.Readers {
			fans = append(fans, s.reader(i))
		}
	}
	followed := func(author, n int) {
		for _, k := range rng.Perm(len(fans))[:min(n, len(fans))] {
			pairs = append(pairs, pair{uint32(fans[k]), uint32(author)})
		}
	}
	for i := range s.Fifty {
		followed(s.fifty(i), fiftyFans)
	}
	for i := range s.Hundreds {
		followed(s.hundreds(i), hundredsFans)
	}
	return pairs
}
