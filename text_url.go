package warble

import (
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxURL         = 4096 // code points of a link, its scheme included
	maxTcoSlug     = 40   // characters of the path of a t.co link
	maxLabel       = 63   // bytes of one label of a host name, as punycode (RFC 1035)
	bareScheme     = "https://"
	punycodePrefix = "xn--"
)

// hostDot is one dot of a run of labels, with what it takes to tell whether a
// host name may end behind it.
type hostDot struct {
	label int  // where the label that ends at this dot begins
	at    int  // the dot
	under int  // the last _ of the label, or -1: no domain name has one, subdomains may
	latin int  // where the letters (accented too), digits, - and _ begin that end at the dot
	open  bool // the label's last character may end one; so it is for all dots kept
	whole bool // and its first may begin one
	tld   int  // end of the top-level domain behind the dot, or 0
	last  int  // index of the last dot before a top-level domain, for a host that has all of this label; or -1
}

// urls finds the links whose host has its first dot at dot or later in the
// same run of labels. A host may begin at any character behind one that is no
// ASCII letter or digit, in a text without spaces in the middle of a sentence;
// it ends behind the last dot that a top-level domain follows.
func (s *textScan) urls(dot int) {
	begin := dot
	for begin > s.urlFrom {
		r, n := utf8.DecodeLastRuneInString(s.text[:begin])
		if begin-n < s.urlFrom || r != '_' && r != '-' && !isHostRune(r, n) {
			break
		}
		begin -= n
	}
	var few [4]hostDot
	dots, end := s.readDots(begin, few[:0])
	s.urlDone = end
	for k := range dots {
		d := &dots[k]
		if d.at < s.urlFrom {
			continue
		}
		last, under := k, d.under
		if k+1 < len(dots) && dots[k+1].whole && dots[k+1].last >= 0 {
			last, under = dots[k+1].last, -1
		} else if d.tld == 0 {
			continue
		}
		if start, host, ok := s.urlBegin(d, under); ok {
			s.link(start, host, dots[:last+1], k)
		}
	}
}

// readDots appends the dots of the run of labels that begins at i, up to the
// first dot that cannot end a label, and returns where it stopped.
func (s *textScan) readDots(i int, dots []hostDot) ([]hostDot, int) {
	d := hostDot{label: i, under: -1, latin: i, last: -1}
	begins := false
scan:
	for i < len(s.text) {
		r, n := rune(s.text[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(s.text[i:])
		}
		switch {
		case r == '.' && !d.open:
			i++ // no host goes past this dot
			break scan
		case r == '.':
			d.at, d.whole, d.tld = i, begins && d.open, tldEnd(s.text, i+1)
			dots = append(dots, d)
			d = hostDot{label: i + 1, under: -1, latin: i + 1, last: -1}
			begins = false
		case r == '_':
			d.under, d.open = i, false
		case r == '-':
			d.open = false
		case isHostRune(r, n):
			begins = begins || i == d.label
			d.open = true
		default:
			break scan
		}
		i += n
		if r >= utf8.RuneSelf && !isLatinAccent(r) {
			d.latin = i
		}
	}
	linkDots(dots)
	return dots, i
}

// linkDots finds for each dot the last one that a host name reaches from it,
// so that a run of many labels costs no more than its length.
func linkDots(dots []hostDot) {
	for k := len(dots) - 1; k >= 0; k-- {
		d := &dots[k]
		switch {
		case k+1 < len(dots) && dots[k+1].whole && dots[k+1].last >= 0:
			d.last = dots[k+1].last
		case d.tld > 0 && d.under < 0:
			d.last = k
		}
	}
}

// urlBegin returns where the first link begins that has d as the first dot of
// its host, and where that host begins: with a scheme if one stands there,
// else anywhere in the label, behind the position under.
func (s *textScan) urlBegin(d *hostDot, under int) (start, host int, ok bool) {
	host = max(d.label, s.urlFrom)
	if scheme := s.schemeBefore(host); scheme >= 0 && under < host && s.beginsLabel(host) {
		return scheme, host, true
	}
	for host < d.at {
		r, _, in := s.before(host, s.urlFrom)
		if (host == 0 || in && mayPrecedeURL(r)) && host > under && s.beginsLabel(host) {
			return host, host, true
		}
		_, n := utf8.DecodeRuneInString(s.text[host:])
		host += n
	}
	return 0, 0, false
}

func (s *textScan) beginsLabel(i int) bool {
	r, n := utf8.DecodeRuneInString(s.text[i:])
	return n > 0 && isHostRune(r, n)
}

func mayPrecedeURL(r rune) bool {
	if r < 0x80 {
		return !noURLAfter.has(byte(r))
	}
	return r != '＠' && r != '＃' && !isInvalidRune(r)
}

// schemeBefore returns where the http:// or https:// begins that ends at i, if
// a link may begin there; else -1.
func (s *textScan) schemeBefore(i int) int {
	if !strings.HasSuffix(s.text[:i], "://") {
		return -1
	}
	for _, scheme := range [...]string{"http://", "https://"} {
		at := i - len(scheme)
		if at < s.urlFrom || !strings.EqualFold(s.text[at:i], scheme) {
			continue
		}
		if r, _, in := s.before(at, s.urlFrom); at == 0 || in && mayPrecedeURL(r) {
			return at
		}
	}
	return -1
}

// link takes the link at start whose host has these dots from the first on,
// with the port, path and query behind it. What is refused is consumed too.
func (s *textScan) link(start, host int, dots []hostDot, first int) {
	text := s.text
	hostEnd := dots[len(dots)-1].tld
	end := hostEnd
	if end+1 < len(text) && text[end] == ':' && digitBytes.has(text[end+1]) {
		for end++; end < len(text) && digitBytes.has(text[end]); end++ {
		}
	}
	hasPath := end < len(text) && text[end] == '/'
	if hasPath {
		end = urlPathEnd(text, end)
	}
	end = urlQueryEnd(text, end)
	s.urlFrom = end
	if start == host {
		if s.bare && (start == 0 || !noBareURLAfter.has(text[start-1])) {
			if !hasPath {
				end = hostEnd
			}
			s.bareLinks(start, end, dots, first)
		}
		return
	}
	if strings.EqualFold(text[host:hostEnd], "t.co") {
		if end = tcoEnd(text, hostEnd, end); end == 0 {
			return
		}
	}
	if validHost(text[host:hostEnd]) && utf8.RuneCountInString(text[start:end]) <= maxURL {
		s.add(EntityURL, start, end, text[start:end])
	}
}

// tcoEnd returns the end of a link to t.co whose host ends at i. Its path is
// letters and digits only; too many of them, and it is no link: 0.
func tcoEnd(text string, i, end int) int {
	if i == len(text) || text[i] != '/' {
		return end
	}
	slug := i + 1
	for slug < len(text) && alnumBytes.has(text[slug]) {
		slug++
	}
	switch n := slug - i - 1; {
	case n == 0:
		return end
	case n > maxTcoSlug:
		return 0
	}
	return urlQueryEnd(text, slug)
}

// bareLinks takes what is a link without a scheme: the stretches of the host
// in Latin letters that end with a top-level domain, for in 日本語example.com
// only the end was meant. The last one goes on to end.
func (s *textScan) bareLinks(start, end int, dots []hostDot, first int) {
	final := len(dots) - 1
	for k := final; k >= first; k-- {
		d := &dots[k]
		d.last = -1
		if d.tld > 0 {
			d.last = k
		}
		if k < final {
			if next := dots[k+1]; next.latin == next.label && next.at > next.label && next.last >= 0 {
				d.last = next.last
			}
		}
	}
	for k := first; k <= final; k++ {
		from := max(dots[k].latin, start)
		if from >= dots[k].at || dots[k].last < 0 {
			continue
		}
		k = dots[k].last
		host := dots[k].tld
		until := host
		if k == final {
			until = end
		}
		start = host
		n := utf8.RuneCountInString(s.text[from:until])
		if validHost(s.text[from:host]) && n+len(bareScheme) <= maxURL {
			s.add(EntityURL, from, until, s.text[from:until])
		}
	}
}

// urlPathEnd returns the end of the path whose slash is at i. It ends with a
// character that ends a path, so not with the full stop of a sentence, or with
// parentheses right behind one; it holds them only in pairs, nested once.
func urlPathEnd(text string, i int) int {
	end := i + 1
	for i++; i < len(text); {
		if text[i] == '(' {
			after := parenEnd(text, i)
			if after < 0 {
				break
			}
			if end == i {
				end = after
			}
			i = after
			continue
		}
		n, ends := pathRune(text, i)
		if n == 0 {
			break
		}
		if i += n; ends {
			end = i
		}
	}
	return end
}

// pathRune returns the size of the path character at i, 0 if there is none,
// and whether a path may end with it.
func pathRune(text string, i int) (n int, ends bool) {
	if i >= len(text) {
		return 0, false
	}
	if c := text[i]; c < utf8.RuneSelf {
		if !pathBytes.has(c) {
			return 0, false
		}
		return 1, pathEndBytes.has(c)
	}
	r, n := utf8.DecodeRuneInString(text[i:])
	switch {
	case isCyrillic(r), isLatinAccent(r):
		return n, true
	case r == '–':
		return n, false
	}
	return 0, false
}

// parenEnd returns the end of the balanced parentheses that open at i, or -1.
func parenEnd(text string, i int) int {
	j := pathRun(text, i+1)
	if j < len(text) && text[j] == '(' {
		inner := pathRun(text, j+1)
		if inner == j+1 || inner == len(text) || text[inner] != ')' {
			return -1
		}
		j = pathRun(text, inner+1)
	}
	if j == i+1 || j == len(text) || text[j] != ')' {
		return -1
	}
	return j + 1
}

func pathRun(text string, i int) int {
	for {
		n, _ := pathRune(text, i)
		if n == 0 {
			return i
		}
		i += n
	}
}

// urlQueryEnd returns the end of the query at i, or i.
func urlQueryEnd(text string, i int) int {
	end := i
	if i < len(text) && text[i] == '?' {
		for i++; i < len(text) && queryBytes.has(text[i]); i++ {
			if queryEndBytes.has(text[i]) {
				end = i + 1
			}
		}
	}
	return end
}

// tldEnd returns the end of the top-level domain at i, or 0. No ASCII letter
// or digit, and none of @ + -, may follow it.
func tldEnd(text string, i int) int {
	end := i
	for end < len(text) && alnumBytes.has(text[end]) {
		end++
	}
	if end < len(text) && text[end] >= utf8.RuneSelf {
		if wide := wideTLDEnd(text, i); wide > 0 {
			return wide
		}
	}
	if end > i && end-i <= maxTLD && (end == len(text) || !noTLDBefore.has(text[end])) && knownTLD(text[i:end]) {
		return end
	}
	if len(text)-i > len(punycodePrefix) && strings.EqualFold(text[i:i+len(punycodePrefix)], punycodePrefix) {
		end = i + len(punycodePrefix)
		for end < len(text) && (alnumBytes.has(text[end]) || text[end] == '-') {
			end++
		}
		if end > i+len(punycodePrefix) {
			return end
		}
	}
	return 0
}

// knownTLD looks an ASCII name of at most maxTLD letters up.
func knownTLD(name string) bool {
	var lower [maxTLD]byte
	for i := range len(name) {
		lower[i] = name[i] | 0x20 // digits have that bit already
	}
	key := lower[:len(name)]
	i := sort.Search(len(tlds), func(i int) bool { return tlds[i] >= string(key) })
	return i < len(tlds) && tlds[i] == string(key)
}

// wideTLDEnd is tldEnd for the names that are not ASCII. They are followed by
// anything but an ASCII letter or digit; the longest one counts.
func wideTLDEnd(text string, i int) int {
	var lower [maxWideTLD * utf8.UTFMax]byte
	var ends [maxWideTLD]int
	key := lower[:0]
	for n := 0; n < maxWideTLD && i < len(text); n++ {
		r, size := utf8.DecodeRuneInString(text[i:])
		key = utf8.AppendRune(key, unicode.ToLower(r))
		i += size
		ends[n] = i
	}
	first, n := utf8.DecodeRune(key)
	if n == 0 {
		return 0
	}
	at := sort.Search(len(wideTLDs), func(i int) bool { return wideTLDs[i] > string(key) })
	for at--; at >= 0; at-- {
		name := wideTLDs[at]
		if r, _ := utf8.DecodeRuneInString(name); r != first {
			return 0
		}
		if len(name) > len(key) || string(key[:len(name)]) != name {
			continue
		}
		end := ends[utf8.RuneCountInString(name)-1]
		if end == len(text) || !noTLDBefore.has(text[end]) {
			return end
		}
	}
	return 0
}
