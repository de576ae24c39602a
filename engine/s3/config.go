package s3

import (
	"errors"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7/pkg/s3utils"

	"warble"
	"warble/internal/credential"
)

// Config is the section s3 of the cluster file.
type Config struct {
	// Endpoint is where the store listens, as http://127.0.0.1:7070 or https://s3.example.org.
	Endpoint string `yaml:"endpoint"`
	// Bucket holds the photos. It is made when it is not there.
	Bucket string `yaml:"bucket"`
	// Region is the store's name for where the bucket lies. Default: us-east-1.
	Region string `yaml:"region"`
	// AccessKey and SecretKey say where the two halves of the key are.
	AccessKey credential.Secret `yaml:"access_key"`
	SecretKey credential.Secret `yaml:"secret_key"`
	// PublicURL is what stands before photos/… where anybody may fetch a photo, as https://img.example.org. Without it
	// photos are read through Warble.
	PublicURL string `yaml:"public_url"`
	// TLS says what an endpoint of https is believed by; absent: by the system's authorities.
	TLS *credential.TLS `yaml:"tls"`
}

const defaultRegion = "us-east-1"

// check says in a sentence what is wrong.
func (c *Config) check() (endpoint *url.URL, err error) {
	if endpoint, err = httpURL(c.Endpoint); err != nil || strings.Trim(endpoint.Path, "/") != "" {
		return nil, warble.Invalid("s3.endpoint", c.Endpoint, "the endpoint is a URL without a path, as http://127.0.0.1:7070")
	}
	if err := s3utils.CheckValidBucketNameStrict(c.Bucket); err != nil {
		return nil, warble.Invalid("s3.bucket", c.Bucket, "a bucket is named by 3 to 63 small letters, digits and hyphens")
	}
	if c.PublicURL != "" {
		if _, err := httpURL(c.PublicURL); err != nil {
			return nil, warble.Invalid("s3.public_url", c.PublicURL, "the public URL is one of http or https, as https://img.example.org")
		}
	}
	if c.TLS != nil && endpoint.Scheme != "https" {
		return nil, warble.Invalid("s3.tls", c.Endpoint, "certificates are given, but the endpoint does not begin with https")
	}
	return endpoint, nil
}

func httpURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err == nil && (u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "") {
		err = errors.New("not the URL of a place")
	}
	return u, err
}
