package opensearch

import (
	"errors"
	"testing"

	"warble"
)

func TestAConfigurationThatCannotWorkNamesWhatIsWrong(t *testing.T) {
	host := []string{"http://127.0.0.1:1"}
	for param, c := range map[string]Config{
		"opensearch.hosts":    {},
		"opensearch.index":    {Hosts: host, Index: "A B"},
		"opensearch.password": {Hosts: host, Password: "hunter2"},
	} {
		_, err := Open(t.Context(), c, Options{})
		if e, ok := errors.AsType[*warble.Error](err); !ok || !errors.Is(err, warble.ErrInvalid) || e.Param != param {
			t.Errorf("%s: %v", param, err)
		}
	}
}

func TestNobodyWhoAnswersIsUnavailable(t *testing.T) {
	_, err := Open(t.Context(), Config{Hosts: []string{"http://127.0.0.1:1", "http://127.0.0.2:1"}}, Options{})
	if !errors.Is(err, warble.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
