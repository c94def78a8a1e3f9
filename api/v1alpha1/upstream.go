package v1alpha1

// Upstream says how to talk to a backend or target. The zero value is the defaults.
type Upstream struct {
	// FollowVersion speaks the version of HTTP that the user speaks. The default is false: the
	// URL's scheme decides.
	FollowVersion bool `json:"followVersion,omitempty"`

	// TLS says how to be sure of the upstream, where its URL says https or h2. The default is the
	// authorities of the system.
	TLS *TLS `json:"tls,omitempty"`

	// Balance says which of several servers is asked. The default is one after the other. In tain's
	// own files the policy may stand alone.
	Balance *Balance `json:"balance,omitempty"`

	// Check asks the servers whether they are well. The default is that nobody asks. In tain's own
	// files the type may stand alone.
	Check *Check `json:"check,omitempty"`

	// Outlier leaves a server out for a while whose answers say that it is not well.
	Outlier *Outlier `json:"outlier,omitempty"`

	// RetryBudget bounds how many retries may run at a time.
	RetryBudget *RetryBudget `json:"retryBudget,omitempty"`

	// MaxRequests is how many requests may run at a time. The default, 0, is no limit.
	MaxRequests int `json:"maxRequests,omitempty"`

	// MaxConns is how many connections may be open at a time. The default, 0, is no limit.
	MaxConns int `json:"maxConns,omitempty"`

	// ConnectTimeout bounds the connect and the TLS handshake, for example 1s. The default is that
	// of the proxy.
	ConnectTimeout string `json:"connectTimeout,omitempty"`

	// ProxyProtocol is the version of the PROXY header that begins a connection, 1 or 2. The
	// default, 0, is none.
	ProxyProtocol int `json:"proxyProtocol,omitempty"`
}

// TLS says how to be sure of an upstream, and who tain is to it. Paths are those of PEM files; in
// tain's own files they are relative to the file's folder.
type TLS struct {
	// CA holds the authorities that are trusted. The default is the system's.
	CA string `json:"ca,omitempty" unit:"path"`

	// ServerName is the name that is asked for and must be in the certificate. The default is the
	// host of the URL.
	ServerName string `json:"serverName,omitempty"`

	// Cert and Key are what tain shows if it is asked. The default is nothing.
	Cert string `json:"cert,omitempty" unit:"path"`
	Key  string `json:"key,omitempty" unit:"path"`

	// Insecure takes any certificate. The default is false.
	Insecure bool `json:"insecure,omitempty"`
}

// Balance says which of several servers is asked.
type Balance struct {
	// Policy is round-robin, least-request, random or maglev. The default is round-robin.
	Policy string `json:"policy,omitempty" short:"true"`

	// Hash says what maglev goes by: address, header, cookie, query or path. The default is
	// address, the user's.
	Hash string `json:"hash,omitempty"`

	// Name is that of the header, the cookie or the parameter of the query.
	Name string `json:"name,omitempty"`
}

// Check is a health check.
type Check struct {
	// Type is http, tcp or grpc. The default is http.
	Type string `json:"type,omitempty" short:"true"`

	// Path is asked for with GET. The default is /.
	Path string `json:"path,omitempty"`

	// Host is the Host of the check. The default is the host of the URL.
	Host string `json:"host,omitempty"`

	// Service is the service of grpc.health.v1 that is asked about. The default is the server as a
	// whole.
	Service string `json:"service,omitempty"`

	// Statuses are those that mean well, or ranges of them. The default is 200-399.
	Statuses []string `json:"statuses,omitempty"`

	// Interval is the time between two checks of a server, for example 5s. The default is 10s.
	Interval string `json:"interval,omitempty"`

	// Timeout bounds a check. The default is 2s.
	Timeout string `json:"timeout,omitempty"`

	// Healthy is how many checks in a row must be good until a server counts as well again. The
	// default is 2.
	Healthy int `json:"healthy,omitempty"`

	// Unhealthy is how many checks in a row must be bad until a server counts as not well. The
	// default is 3.
	Unhealthy int `json:"unhealthy,omitempty"`
}

// Outlier says when a server is left out because of its answers.
type Outlier struct {
	// Disabled never leaves a server out. The default is false.
	Disabled bool `json:"disabled,omitempty"`

	// Failures is how many connects, resets and time-outs in a row are enough. The default is 5.
	Failures int `json:"failures,omitempty"`

	// GatewayErrors is how many answers of 502, 503 and 504 in a row are enough. The default, 0, is
	// that they do not count.
	GatewayErrors int `json:"gatewayErrors,omitempty"`

	// Eject is for how long, times how often in a row, for example 10s. The default is 30s.
	Eject string `json:"eject,omitempty"`

	// MaxEject is the longest time. The default is 300s.
	MaxEject string `json:"maxEject,omitempty"`

	// MaxPercent is the share of the servers that may be out, but of several it is at least one.
	// The default is 50.
	MaxPercent int `json:"maxPercent,omitempty"`
}

// RetryBudget bounds the retries of all requests together.
type RetryBudget struct {
	// Percent is the share of the running requests that may be retries. The default is 20.
	Percent int `json:"percent,omitempty"`

	// MinConcurrent is how many retries may run in any case. The default is 3.
	MinConcurrent int `json:"minConcurrent,omitempty"`
}
