package role_test

import (
	"testing"
	"warble/role/write"

	"warble"
)

func TestAPostThatWasNotStoredGivesItsPhotosBack(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	draft := write.Draft{Text: "a photo", Media: []warble.DocID{n.upload(ann)}}
	n.watch().refuse = 1
	if _, err := n.w.PostTweet(n.ctx, ann, draft); err == nil {
		t.Fatal("a refused post succeeded")
	}
	n.post(ann, draft)
}
