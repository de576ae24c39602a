package jetstream

import (
	"errors"
	"testing"

	"warble"
	"warble/internal/credential"
)

func TestAConfigurationThatCannotWorkIsRefused(t *testing.T) {
	host := []string{"127.0.0.1:4222"}
	for param, conf := range map[string]Config{
		"nats.hosts":         {},
		"nats.stream":        {Hosts: host, Stream: "a.b"},
		"nats.partitions":    {Hosts: host, Partitions: 300},
		"nats.replicas":      {Hosts: host, Replicas: 2},
		"nats.password":      {Hosts: host, Username: "warble", Password: "file:no/such/file"},
		"nats.tls.ca_file":   {Hosts: host, TLS: &credential.TLS{CAFile: "config_test.go"}},
		"nats.tls.cert_file": {Hosts: host, TLS: &credential.TLS{CertFile: "config_test.go", KeyFile: "config_test.go"}},
	} {
		_, err := Open(t.Context(), conf, Options{})
		var refused *warble.Error
		if !errors.Is(err, warble.ErrInvalid) || !errors.As(err, &refused) || refused.Param != param {
			t.Errorf("%s: %v", param, err)
		}
	}
}
