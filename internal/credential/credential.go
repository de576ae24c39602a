// Package credential reads what a configuration names instead of holding it: passwords, keys, certificates.
package credential

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"warble"
)

// TLS names the files for encrypted connections, all PEM.
type TLS struct {
	// CAFile holds the authorities that may have signed the other side's certificate. Default: those of the system.
	CAFile string `yaml:"ca_file"`
	// CertFile and KeyFile are this process's own certificate, where the other side asks for one.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
}

// Config reads the files. A nil t is nil: connections in the clear. section is where the operator wrote t, as
// "redis.tls": it stands in the error, which is ErrInvalid.
func (t *TLS) Config(section string) (*tls.Config, error) {
	if t == nil {
		return nil, nil
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, unreadable(section+".ca_file", t.CAFile, err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, warble.Invalid(section+".ca_file", t.CAFile, t.CAFile+" holds no certificate")
		}
	}
	if t.CertFile != "" || t.KeyFile != "" {
		own, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, warble.Invalid(section+".cert_file", t.CertFile, "certificate and key cannot be used: "+reason(err))
		}
		conf.Certificates = []tls.Certificate{own}
	}
	return conf, nil
}

// In returns t with relative paths taken from dir.
func (t *TLS) In(dir string) *TLS {
	if t == nil {
		return nil
	}
	return &TLS{in(dir, t.CAFile), in(dir, t.CertFile), in(dir, t.KeyFile)}
}

func in(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// Secret says where a secret is: "file:PATH" for a file that holds it and nothing else but a line's end, "env:NAME" for
// a variable of the environment. The empty one is none.
type Secret string

// In returns s with a relative path taken from dir.
func (s Secret) In(dir string) Secret {
	if path, ok := strings.CutPrefix(string(s), "file:"); ok {
		return Secret("file:" + in(dir, path))
	}
	return s
}

// Read fetches the secret. param is where the operator wrote s; it stands in the error, which is ErrInvalid and never
// shows what may be a secret.
func (s Secret) Read(param string) (string, error) {
	kind, rest, _ := strings.Cut(string(s), ":")
	value := ""
	switch {
	case s == "":
		return "", nil
	case kind == "file" && rest != "":
		data, err := os.ReadFile(rest)
		if err != nil {
			return "", unreadable(param, rest, err)
		}
		value = strings.TrimRight(string(data), "\r\n")
	case kind == "env" && rest != "":
		value = os.Getenv(rest)
	default:
		return "", warble.Invalid(param, "", "a secret is not written here: name where it is, as file:PATH or env:NAME")
	}
	if value == "" {
		return "", warble.Invalid(param, string(s), "nothing is there, and it should hold a secret")
	}
	return value, nil
}

func unreadable(param, path string, err error) error {
	return warble.Invalid(param, path, path+" cannot be read: "+reason(err))
}

// reason is an error without the path, which the sentence around it names.
func reason(err error) string {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err.Error()
	}
	return err.Error()
}
