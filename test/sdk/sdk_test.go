//go:build sdk

package sdk

import (
	"testing"

	"warble/test/process"
)

func TestSDKBotMovesHere(t *testing.T) {
	interpreter(t)
	s := &process.Server{Binary: process.Build(t), Data: "dir:" + t.TempDir()}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("%v\n%s", err, s.Log)
		}
	})
	Move(t, s, 0)
}
