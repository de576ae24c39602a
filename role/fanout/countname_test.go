package fanout

import (
	"testing"

	"warble"
)

func TestEveryCountHasAName(t *testing.T) {
	for k := warble.CountKind(1); k <= warble.MaxCountKind; k++ {
		if countName(k) == "" {
			t.Errorf("count %d has no name", k)
		}
	}
}
