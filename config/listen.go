package config

// Listener is an address where live traffic arrives, and how its connections begin. In a file the
// address may stand alone.
type Listener struct {
	Address       string       `json:"address" short:"true"` // host:port, :port or unix:/path
	TLS           *ListenerTLS `json:"tls,omitempty"`                  // nil is cleartext
	ProxyProtocol bool         `json:"proxyProtocol,omitempty"`        // each connection begins with a PROXY header, which tells the user's address
	HTTP2         *bool        `json:"http2,omitempty"`                // whether HTTP/2 is spoken besides HTTP/1.1; nil is yes
}

// ListenerTLS says how a listener speaks TLS. Paths are those of PEM files, and absolute if they
// were read from a file: there they are relative to its folder.
type ListenerTLS struct {
	// Certificates has at least one. The name that a client asks for (SNI) selects one.
	Certificates []Certificate `json:"certificates"`
	MinVersion   string        `json:"minVersion,omitempty"` // 1.2 or 1.3; "" is 1.2
	ALPN         []string      `json:"alpn,omitempty"`       // protocols in order of preference; none is h2, http/1.1
	ClientCA     string        `json:"clientCA,omitempty"`   // authorities of clients' certificates; "" if clients have none
	ClientAuth   string        `json:"clientAuth,omitempty"` // optional or required; "" asks for none
}

// Certificate names the files of a certificate, followed by its intermediates, and of its private
// key. They may be one file.
type Certificate struct {
	Cert string `json:"cert" short:"true"`
	Key  string `json:"key,omitempty"`
}

// Listeners makes cleartext listeners of addresses.
func Listeners(addresses ...string) []Listener {
	var all []Listener
	for _, address := range addresses {
		all = append(all, Listener{Address: address})
	}
	return all
}
