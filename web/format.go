package web

import (
	"net/url"
	"strconv"
	"time"

	"warble"
)

// ago says when something was: briefly while it is fresh, then the day.
func ago(now, at time.Time) string {
	d := now.Sub(at)
	switch {
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + " min"
	case d < 24*time.Hour:
		return strconv.Itoa(int(d/time.Hour)) + " h"
	case at.Year() == now.UTC().Year():
		return at.UTC().Format("2 Jan")
	}
	return at.UTC().Format("2 Jan 2006")
}

// moment is a time in full.
func moment(at time.Time) string { return at.UTC().Format("15:04 UTC, 2 January 2006") }

// stamp is a time as machines read it.
func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// compact writes a number in few characters: 999, 1.2K, 34K, 5.6M.
func compact(n int64) string {
	for _, step := range []struct {
		size int64
		name string
	}{{1e9, "B"}, {1e6, "M"}, {1e3, "K"}} {
		if n < step.size {
			continue
		}
		tenths := n * 10 / step.size
		if tenths >= 100 || tenths%10 == 0 {
			return strconv.FormatInt(tenths/10, 10) + step.name
		}
		return strconv.FormatInt(tenths/10, 10) + "." + strconv.FormatInt(tenths%10, 10) + step.name
	}
	return strconv.FormatInt(n, 10)
}

// many is a number with its noun.
func many(n int64, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return compact(n) + " " + more
}

func itoa(n int) string { return strconv.Itoa(n) }

func tagPath(tag string) string { return "/tags/" + url.PathEscape(tag) }

// tint is one of the eight colours of people without a picture.
func tint(id warble.UserID) string { return "tint-" + strconv.Itoa(id.Shard()%8) }

// initial is the letter in place of a picture.
func initial(name string) string {
	for _, r := range name {
		return string(r)
	}
	return "?"
}
