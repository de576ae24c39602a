package server

import (
	"net"
	"strings"
	"testing"
)

func TestAListenerOnEveryAddressIsNamedByOneThatWorks(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "127.0.0.1:0"} {
		l, err := listen(addr, "--listen")
		if err != nil {
			t.Fatal(err)
		}
		got := reachable(l.Addr())
		if !strings.HasPrefix(got, "127.0.0.1:") || unspecified(l.Addr()) != (addr != "127.0.0.1:0") {
			t.Errorf("%s is named %s", addr, got)
		}
		c, err := net.Dial("tcp", got)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}
