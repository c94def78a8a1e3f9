// Package tlsconf holds the certificates of listeners, backends and targets, and takes new ones
// from their files while tain runs.
//
// A [Store] gives out each *tls.Config once. What it gives always uses the files' latest good
// content: a new handshake sees a new certificate, connections that are open keep theirs. A file
// that is broken or half written changes nothing, and is named in the log and in [Store.Status].
//
// The choice of algorithms is Go's, which follows the field from release to release, with one
// exception: a listener takes TLS 1.2 only with forward secrecy and authenticated encryption.
package tlsconf

import (
	"errors"
	"time"
)

// Listener says how a listener speaks TLS. Paths are those of PEM files.
type Listener struct {
	// Certificates has at least one. The name that a client asks for (SNI) selects one that is valid
	// for exactly that name, else one for *.rest.of.name, else the first. Of several for the same name,
	// say with an ECDSA and an RSA key, the first that the client can use is taken.
	Certificates []Pair
	MinVersion   string   // "1.2" or "1.3"; "" is 1.2
	ALPN         []string // protocols in order of preference; none is h2, http/1.1
	ClientCA     string   // authorities of clients' certificates; "" if clients have none
	ClientAuth   string   // of clients: [AuthNone], [AuthOptional] or [AuthRequired]
}

// Values of [Listener.ClientAuth].
const (
	AuthNone     = ""         // a client's certificate is not asked for
	AuthOptional = "optional" // a client may have none, but not one that is not valid
	AuthRequired = "required"
)

// Pair names the files of a certificate, followed by its intermediates, and of its private key.
// They may be one file.
type Pair struct{ Cert, Key string }

// Client says how tain speaks TLS to a backend or target. Paths are those of PEM files.
type Client struct {
	CA         string // the authorities that are trusted; "" is the system's
	ServerName string // the name that the certificate must have; "" is the host of the URL
	Cert, Key  string // what tain shows if it is asked; "" is none
	Insecure   bool   // take any certificate
}

// Status is the state of one certificate, or of one file of authorities.
type Status struct {
	Cert, Key string    // files; Key is "" for authorities
	Names     []string  // DNS names and addresses of a certificate, subjects of authorities
	Serial    string    // hexadecimal; "" for authorities
	NotAfter  time.Time // when the certificate, or the last of the authorities, expires
	Loaded    time.Time // when this content was taken
	Error     string    // why what the files hold now was not taken; "" if it was
}

// ErrNoName is wrapped by the error of [Store.Client] if there is no name to check.
var ErrNoName = errors.New("there is no server name that the certificate could be checked for")
