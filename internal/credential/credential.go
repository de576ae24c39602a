// Package credential reads the files a configuration names instead of holding secrets: passwords, keys, certificates.
package credential

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
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
			return nil, warble.Invalid(section+".ca_file", t.CAFile, "the file holds no certificate")
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

// Secret reads a file that holds a secret and nothing else but a line's end. param is where the operator wrote the
// path; it stands in the error, which is ErrInvalid.
func Secret(param, path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", unreadable(param, path, err)
	}
	value := strings.TrimRight(string(data), "\r\n")
	if value == "" {
		return "", warble.Invalid(param, path, "the file is empty, and should hold a secret")
	}
	return value, nil
}

func unreadable(param, path string, err error) error {
	return warble.Invalid(param, path, "the file cannot be read: "+reason(err))
}

// reason is an error without the path, which the sentence around it names.
func reason(err error) string {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err.Error()
	}
	return err.Error()
}
