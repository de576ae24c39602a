package jetstream

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

func TestTheAcknowledgementOfOneMessageIsMadeFromAnothers(t *testing.T) {
	sent := jetstream.SequenceInfo{Stream: 70, Consumer: 9}
	for sample, want := range map[string]string{
		"$JS.ACK.warble.fanout-1-2.1.50.4.1700.3":            "$JS.ACK.warble.fanout-1-2.1.70.9.1700.3",
		"$JS.ACK._.hash.warble.fanout-1-2.1.50.4.1700.3.tok": "$JS.ACK._.hash.warble.fanout-1-2.1.70.9.1700.3.tok",
		"":            "",
		"_INBOX.a.bc": "",
	} {
		if got, ok := ackOf(sample, sent); got != want || ok != (want != "") {
			t.Errorf("from %q it is %q", sample, got)
		}
	}
}
