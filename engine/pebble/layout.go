package pebble

import (
	"warble"
	"warble/internal/key"
)

// The byte each kind of row begins with; see the package comment.
const (
	rowClaim   = 'c'
	rowUser    = 'u'
	rowTweet   = 't'
	rowVersion = 'v'
	rowAuthor  = 'a'
	rowEdge    = 'e'
	rowOut     = 'f'
	rowIn      = 'i'
	rowSpan    = 'b'
	rowDoc     = 'd'
	rowList    = 'l'
	rowLog     = 'z'

	rowCount = 'n' // derived
	rowPlace = 'p' // derived
)

func claimKey(b []byte, name string) []byte { return append(append(b, rowClaim), name...) }

func userKey(b []byte, id warble.UserID) []byte {
	return key.Desc(append(b, rowUser, byte(id.Shard())), id)
}

func tweetKey(b []byte, id warble.TweetID) []byte {
	return key.Desc(append(b, rowTweet, byte(id.Shard())), id)
}

func versionKey(b []byte, id warble.TweetID, version uint32) []byte {
	return key.U32(versionPrefix(b, id), version)
}

func versionPrefix(b []byte, id warble.TweetID) []byte { return key.U64(append(b, rowVersion), id) }

func authorKey(b []byte, author warble.UserID, id warble.TweetID) []byte {
	return key.Desc(authorPrefix(b, author), id)
}

func authorPrefix(b []byte, author warble.UserID) []byte {
	return key.U64(append(b, rowAuthor), author)
}

func edgeKey(b []byte, k warble.EdgeKey) []byte {
	return key.U64(key.U64(append(b, rowEdge, byte(k.Kind)), k.From), k.To)
}

func outKey(b []byte, e *warble.Edge) []byte {
	return key.Desc(key.Desc(outPrefix(b, e.Kind, e.From), e.Since), e.To)
}

func outPrefix(b []byte, kind warble.EdgeKind, from warble.ID) []byte {
	return key.U64(append(b, rowOut, byte(kind)), from)
}

func inKey(b []byte, e *warble.Edge) []byte {
	return key.Desc(key.Desc(partPrefix(b, e.Kind, e.To, e.Part), e.Since), e.From)
}

func inPrefix(b []byte, kind warble.EdgeKind, to warble.ID) []byte {
	return key.U64(append(b, rowIn, byte(kind)), to)
}

func partPrefix(b []byte, kind warble.EdgeKind, to warble.ID, part uint32) []byte {
	return key.Desc32(inPrefix(b, kind, to), part)
}

func spanKey(b []byte, kind warble.EdgeKind, to warble.ID, part uint32) []byte {
	return key.Desc32(spanPrefix(b, kind, to), part)
}

func spanPrefix(b []byte, kind warble.EdgeKind, to warble.ID) []byte {
	return key.U64(append(b, rowSpan, byte(kind)), to)
}

func docKey(b []byte, id warble.DocID) []byte { return key.U64(append(b, rowDoc), id) }

func listKey(b []byte, owner warble.ID, kind warble.DocKind, id warble.DocID) []byte {
	return key.Desc(listPrefix(b, owner, kind), id)
}

func listPrefix(b []byte, owner warble.ID, kind warble.DocKind) []byte {
	return append(key.U64(append(b, rowList), owner), byte(kind))
}

func logKey(b []byte, part int, seq uint64) []byte {
	return key.U64(append(b, rowLog, byte(part)), seq)
}

func countKey(b []byte, c warble.CountKey) []byte {
	return key.U32(append(countPrefix(b, c.ID), byte(c.Kind)), c.Part)
}

func countPrefix(b []byte, id warble.ID) []byte { return key.U64(append(b, rowCount), id) }

func placeKey(b []byte, group string, part int) []byte {
	return append(key.Text(append(b, rowPlace), group), byte(part))
}

// tail reads the id that ends a key.
func tail(k []byte) warble.ID { return key.ReadDesc[warble.ID](k[len(k)-8:]) }
