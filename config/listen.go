package config

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Listener is an address where live traffic arrives, and how its connections begin. In a file the
// address may stand alone.
type Listener struct {
	Address       string       `json:"address" short:"true"`    // host:port, :port or unix:/path
	TLS           *ListenerTLS `json:"tls,omitempty"`           // nil is cleartext
	ProxyProtocol bool         `json:"proxyProtocol,omitempty"` // each connection begins with a PROXY header, which tells the user's address
	HTTP2         *bool        `json:"http2,omitempty"`         // whether HTTP/2 is spoken besides HTTP/1.1; nil is yes
}

// ListenerTLS says how a listener speaks TLS. Paths are those of PEM files, and absolute if they
// were read from a file: there they are relative to its folder.
type ListenerTLS struct {
	// Certificates has at least one. The name that a client asks for (SNI) selects one.
	Certificates []Certificate `json:"certificates"`
	MinVersion   string        `json:"minVersion,omitempty"`           // 1.2 or 1.3; "" is 1.2
	ALPN         []string      `json:"alpn,omitempty"`                 // protocols in order of preference; none is h2 if it is spoken, and http/1.1
	ClientCA     string        `json:"clientCA,omitempty" unit:"path"` // authorities of clients' certificates; "" if clients have none
	ClientAuth   string        `json:"clientAuth,omitempty"`           // optional or required; "" is required if there is a ClientCA, else asks for none
}

// Certificate names the files of a certificate, followed by its intermediates, and of its private
// key. They may be one file: Key "" is Cert.
type Certificate struct {
	Cert string `json:"cert" short:"true" unit:"path"`
	Key  string `json:"key,omitempty" unit:"path"`
}

// Values of [ListenerTLS.ClientAuth].
const (
	ClientAuthNone     = ""         // a client's certificate is not asked for
	ClientAuthOptional = "optional" // a client may have none, but not one that is not valid
	ClientAuthRequired = "required"
)

// The protocols of [ListenerTLS.ALPN].
const (
	protocolHTTP1 = "http/1.1"
	protocolHTTP2 = "h2"
)

// SpeaksHTTP2 says whether users of the listener may speak HTTP/2.
func (l *Listener) SpeaksHTTP2() bool { return l.HTTP2 == nil || *l.HTTP2 }

// complete fills in what nothing was written for.
func (l *Listener) complete() {
	t := l.TLS
	if t == nil {
		return
	}
	for i := range t.Certificates {
		c := &t.Certificates[i]
		c.Key = cmp.Or(c.Key, c.Cert)
	}
	t.MinVersion = cmp.Or(t.MinVersion, "1.2")
	if len(t.ALPN) == 0 {
		t.ALPN = []string{protocolHTTP1}
		if l.SpeaksHTTP2() {
			t.ALPN = []string{protocolHTTP2, protocolHTTP1}
		}
	}
	if t.ClientCA != "" && t.ClientAuth == "" {
		t.ClientAuth = ClientAuthRequired
	}
}

// Listeners makes cleartext listeners of addresses.
func Listeners(addresses ...string) []Listener {
	var all []Listener
	for _, address := range addresses {
		all = append(all, Listener{Address: address})
	}
	return all
}

// listeners checks where live traffic arrives.
func (v *validator) listeners(all []Listener) {
	if len(all) == 0 {
		v.fail("listen", "is empty; use an address such as :8080")
	}
	for i := range all {
		l, field := &all[i], fmt.Sprintf("listen[%d]", i)
		path, unix := strings.CutPrefix(l.Address, "unix:")
		switch {
		case unix && !filepath.IsAbs(path):
			v.fail(field, "%q is not the address of a socket; use unix:/path", l.Address)
		case !unix:
			v.address(field, l.Address)
		}
		same := func(other Listener) bool { return other.Address == l.Address }
		if j := slices.IndexFunc(all[:i], same); j >= 0 && !strings.HasSuffix(l.Address, ":0") {
			v.fail(field, "%q is the address of listen[%d] too; use another one", l.Address, j)
		}
		if l.TLS != nil {
			v.listenerTLS(field+".tls", l)
		}
	}
}

func (v *validator) listenerTLS(field string, l *Listener) {
	t := l.TLS
	if len(t.Certificates) == 0 {
		v.fail(field+".certificates", "are missing; name the files of at least one, as cert and key")
	}
	for i, c := range t.Certificates {
		if c.Cert == "" {
			v.fail(fmt.Sprintf("%s.certificates[%d]", field, i), "has no cert; name the file of the certificate")
		}
	}
	v.oneOf(field+".minVersion", t.MinVersion, "1.2", "1.3")
	for i, protocol := range t.ALPN {
		at := fmt.Sprintf("%s.alpn[%d]", field, i)
		v.oneOf(at, protocol, protocolHTTP2, protocolHTTP1)
		if protocol == protocolHTTP2 && !l.SpeaksHTTP2() {
			v.fail(at, "is not spoken, because http2 is false; choose one of them")
		}
		if slices.Contains(t.ALPN[:i], protocol) {
			v.fail(at, "%q is listed twice", protocol)
		}
	}
	if t.ClientAuth != ClientAuthNone {
		v.oneOf(field+".clientAuth", t.ClientAuth, ClientAuthOptional, ClientAuthRequired)
		if t.ClientCA == "" {
			v.fail(field+".clientCA", "is missing; name the file of the authorities that clients' certificates come from")
		}
	}
}
