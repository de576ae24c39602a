package warble

import (
	"net/netip"
	"strings"
	"unicode/utf8"
)

// validHost tells whether each label of a host name can be asked of a name
// server: 1 to 63 bytes once it is punycode.
func validHost(host string) bool {
	for len(host) > 0 {
		label := host
		if i := strings.IndexAny(host, ".。．｡"); i >= 0 {
			_, n := utf8.DecodeRuneInString(host[i:])
			label, host = host[:i], host[i+n:]
		} else {
			host = ""
		}
		if !validLabel(label) {
			return false
		}
	}
	return true
}

func validLabel(label string) bool {
	if label == "" {
		return false
	}
	for i := 0; i < len(label); i++ {
		if label[i] >= utf8.RuneSelf {
			if len(label) > 4 && strings.EqualFold(label[:4], punycodePrefix) {
				return false
			}
			return utf8.RuneCountInString(label) <= maxLabel && punycodeLen(label) <= maxLabel
		}
	}
	return len(label) <= maxLabel
}

// punycodeLen returns the length of a label in the form of RFC 3492, with its
// prefix. Its cost is the square of the label's length, so ask short ones.
func punycodeLen(label string) int {
	const base, tmin, tmax, skew, damp, initialBias, initialN = 36, 1, 26, 38, 700, 72, 128
	basic, total := 0, 0
	for _, r := range label {
		if total++; r < initialN {
			basic++
		}
	}
	length := len(punycodePrefix) + basic
	if basic > 0 {
		length++ // the delimiter
	}
	delta, bias := 0, initialBias
	for n, handled := rune(initialN), basic; handled < total; n++ {
		next := rune(utf8.MaxRune + 1)
		for _, r := range label {
			if r >= n && r < next {
				next = r
			}
		}
		delta += int(next-n) * (handled + 1)
		n = next
		for _, r := range label {
			if r < n {
				delta++
			}
			if r != n {
				continue
			}
			q := delta
			for k := base; ; k += base {
				t := min(max(k-bias, tmin), tmax)
				length++
				if q < t {
					break
				}
				q = (q - t) / (base - t)
			}
			if handled == basic {
				delta /= damp
			} else {
				delta /= 2
			}
			handled++
			delta += delta / handled
			k := 0
			for ; delta > (base-tmin)*tmax/2; k += base {
				delta /= base - tmin
			}
			bias = k + (base-tmin+1)*delta/(delta+skew)
			delta = 0
		}
		delta++
	}
	return length
}

// ValidURL tells whether the whole of s is a link by RFC 3986 with the host
// names of twitter-text: http or https, a domain name, which may be written in
// any script, or an IP address, then port, path, query, fragment. Unlike in a
// text, any top-level domain will do.
func ValidURL(s string) bool {
	scheme, rest, ok := strings.Cut(s, "://")
	return ok && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")) && validBareURL(rest)
}

// validBareURL is ValidURL behind the scheme.
func validBareURL(s string) bool {
	s, fragment, _ := strings.Cut(s, "#")
	s, query, _ := strings.Cut(s, "?")
	path := ""
	if i := strings.IndexByte(s, '/'); i >= 0 {
		s, path = s[:i], s[i:]
	}
	return validAuthority(s) && validPchars(path, "/:@|") && validPchars(query, "/?:@|") && validPchars(fragment, "/?:@|")
}

func validAuthority(s string) bool {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		if !validPchars(s[:i], ":") {
			return false
		}
		s = s[i+1:]
	}
	if strings.HasPrefix(s, "[") {
		i := strings.IndexByte(s, ']')
		if i < 0 {
			return false
		}
		addr, err := netip.ParseAddr(s[1:i])
		return err == nil && addr.Is6() && addr.Zone() == "" && validPort(s[i+1:])
	}
	host, port := s, ""
	if i := strings.IndexByte(s, ':'); i >= 0 {
		host, port = s[:i], s[i:]
	}
	if !validPort(port) {
		return false
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Is4()
	}
	return validDomain(host)
}

// validPort takes the colon and up to five digits, or nothing.
func validPort(s string) bool {
	if s == "" {
		return true
	}
	if s[0] != ':' || len(s) < 2 || len(s) > 6 {
		return false
	}
	for i := 1; i < len(s); i++ {
		if !digitBytes.has(s[i]) {
			return false
		}
	}
	return true
}

// validDomain takes two labels or more; only subdomains may hold _, and a
// top-level domain does not begin with a digit.
func validDomain(host string) bool {
	labels := strings.Split(host, ".")
	if len(labels) < 2 || !validHost(host) {
		return false
	}
	for i, label := range labels {
		if label == "" || i >= len(labels)-2 && strings.Contains(label, "_") {
			return false
		}
		for j := 0; j < len(label); j++ {
			c := label[j]
			if c >= utf8.RuneSelf || alnumBytes.has(c) {
				continue
			}
			if c != '-' && c != '_' || j == 0 || j == len(label)-1 {
				return false
			}
		}
	}
	return !digitBytes.has(labels[len(labels)-1][0])
}

// validPchars takes the unreserved characters, the delimiters, percent codes
// and the bytes of also.
func validPchars(s, also string) bool {
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(s[i:])
			if !isCyrillic(r) {
				return false
			}
			i += n
		case c == '%':
			if len(s)-i < 3 || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return false
			}
			i += 3
		case alnumBytes.has(c), strings.IndexByte("-._~!$&'()*+,;=", c) >= 0, strings.IndexByte(also, c) >= 0:
			i++
		default:
			return false
		}
	}
	return true
}

func isHex(c byte) bool { return digitBytes.has(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }
