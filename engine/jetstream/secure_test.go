//go:build cluster

package jetstream

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"warble"
	"warble/internal/credential"
)

// certificate writes one for 127.0.0.1 that vouches for itself.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, private.Public(), private)
	check(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	check(t, err)
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	check(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	check(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	return cert, key
}

func TestAnEncryptedConnectionWithAPassword(t *testing.T) {
	cert, key := certificate(t)
	one := startServers(t, 1, fmt.Sprintf(`tls { cert_file: %q, key_file: %q }
authorization { user: warble, password: "over hill and dale" }`, cert, key))
	conf := one.config()
	t.Setenv("WARBLE_TEST_PASSWORD", "over hill and dale")
	conf.Username, conf.Password = "warble", "env:WARBLE_TEST_PASSWORD"
	conf.TLS = &credential.TLS{CAFile: cert}
	w := newWorld(t, conf)
	e := w.engine(t)
	s := w.consume(t, e, nil)
	w.writes(t, 0, 10)
	eventually(t, "ten events came", func() bool { return s.all(0, 10) })

	stranger := conf
	stranger.Password = credential.Secret("file:" + cert)
	_, err := Open(t.Context(), stranger, Options{})
	refusedFor(t, err, warble.ErrInvalid, "nats.username")
	many := conf
	many.Stream, many.Replicas = "many", 3
	_, err = Open(t.Context(), many, Options{})
	refusedFor(t, err, warble.ErrInvalid, "nats.replicas")
	more := conf
	more.Partitions = 5
	_, err = Open(t.Context(), more, Options{})
	refusedFor(t, err, warble.ErrInvalid, "nats.partitions")
	trusting := conf
	trusting.TLS = nil // the machine's authorities do not know the server
	_, err = Open(t.Context(), trusting, Options{})
	refusedFor(t, err, warble.ErrUnavailable, "")
	gone := conf
	gone.Hosts = []string{freeAddress(t)}
	_, err = Open(t.Context(), gone, Options{})
	refusedFor(t, err, warble.ErrUnavailable, "")
}

func refusedFor(t *testing.T, err, kind error, param string) {
	t.Helper()
	var told *warble.Error
	if !errors.Is(err, kind) || !errors.As(err, &told) || told.Param != param {
		t.Errorf("got %v, want %v about %q", err, kind, param)
	}
}
