package route

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"net/netip"
	"strings"
)

// Request is what the rules may look at. Its strings need to stay valid during a call only. It is
// passed on to function values, so it costs an allocation unless it lies in something longer-lived.
type Request struct {
	// Scheme is [SchemeHTTPS] if the user's connection speaks TLS, else [SchemeHTTP]. What a user
	// claims it to be does not count.
	Scheme string
	Method string
	Host   string // as sent, with or without port
	Path   string // as sent, percent-encoding kept, without the query
	Query  string // as sent, without the question mark
	// Header returns the value of a header; names are case-insensitive. The values of several
	// lines are joined by ", ", those of Cookie by "; ". nil means that there are no headers.
	Header func(name string) (value string, ok bool)
	// Client returns the user's address, as far as trusted peers tell it; the zero Addr where nobody
	// knows. It is asked only where it counts, and nil means that nobody knows.
	Client func() netip.Addr
	Port   uint16       // that the user connected to; 0 on a Unix socket
	SNI    string       // the name that the user asked for in the TLS handshake; "" without one
	Cert   *Certificate // of the user, checked; nil without one
	Length int64        // of the body in bytes; 0 without one, -1 where it is not known yet
}

// The schemes of requests.
const (
	SchemeHTTP  = "http"
	SchemeHTTPS = "https"
)

func (r *Request) header(name string) (string, bool) {
	if r.Header == nil {
		return "", false
	}
	return r.Header(name)
}

// HeaderValue returns the value of a header; see Header.
func (r *Request) HeaderValue(name string) (string, bool) { return r.header(name) }

// CookieValue returns the value of the first cookie of that name, as it was sent.
func (r *Request) CookieValue(name string) (string, bool) {
	header, ok := r.header("Cookie")
	if !ok {
		return "", false
	}
	return findCookie(header, name)
}

// QueryValue returns the first value of a parameter of the query, decoded.
func (r *Request) QueryValue(name string) (string, bool) {
	raw, ok := findParam(r.Query, name)
	return decode(raw), ok
}

// Source is the user's address, as Client tells it; the zero Addr where nobody knows. Addresses of IPv4
// are in their own form.
func (r *Request) Source() netip.Addr { return r.client() }

// MediaType is the type that Content-Type names, in lower case and without parameters; "" without one.
func (r *Request) MediaType() string {
	value, _ := r.header("Content-Type")
	return strings.ToLower(mediaType(value))
}

// client is the user's address; 4-byte addresses have one form.
func (r *Request) client() netip.Addr {
	if r.Client == nil {
		return netip.Addr{}
	}
	return r.Client().Unmap()
}

// Certificate is what rules may ask of a user's certificate.
type Certificate struct {
	names       []string
	fingerprint string
}

// NewCertificate reads a certificate, once for a connection: it allocates.
func NewCertificate(c *x509.Certificate) *Certificate {
	digest := sha256.Sum256(c.Raw)
	made := &Certificate{fingerprint: fingerprintPrefix + hex.EncodeToString(digest[:])}
	for _, name := range c.DNSNames {
		made.names = append(made.names, strings.ToLower(name))
	}
	for _, uri := range c.URIs {
		made.names = append(made.names, uri.String())
	}
	made.names = append(made.names, c.EmailAddresses...)
	if c.Subject.CommonName != "" {
		made.names = append(made.names, c.Subject.CommonName)
	}
	return made
}

// fingerprintPrefix begins the conditions on a certificate itself, rather than on its names.
const fingerprintPrefix = "sha256:"

// Names are the DNS names in lower case, the URIs, the e-mail addresses and the common name. Nobody
// changes them.
func (c *Certificate) Names() []string { return c.names }

// Fingerprint is sha256: and the hexadecimal SHA-256 of the certificate.
func (c *Certificate) Fingerprint() string { return c.fingerprint }

// is says whether the pattern is the certificate's fingerprint, or stands for one of its names.
func (c *Certificate) is(pattern string) bool {
	if pattern == "*" || pattern == c.fingerprint {
		return true
	}
	for _, name := range c.names {
		if globMatches(pattern, name) {
			return true
		}
	}
	return false
}
