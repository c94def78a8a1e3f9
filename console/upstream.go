package console

import (
	"cmp"
	"slices"
	"time"
)

// Upstream is a backend or a target, or both, at one moment.
type Upstream struct {
	Name string `json:"name"` // as a rule host:port
	URL  string `json:"url"`
	// Options says in the text form of tables how the upstream is talked to, where it differs from
	// the default. Two upstreams of one name differ in URL or options.
	Options []string `json:"options,omitempty"`
	// LookupError says why the last look-up of its name failed; "" if it did not. The servers are
	// those that were found before.
	LookupError string   `json:"lookup_error,omitempty"`
	Panic       bool     `json:"panic"` // too few servers are well, so that all are used
	Requests    Limit    `json:"requests"`
	Connections Limit    `json:"connections"`
	Retries     Limit    `json:"retries"`
	Servers     []Server `json:"servers"`
}

// Limit is what runs of something that has a limit.
type Limit struct {
	Running int64  `json:"running"`
	Limit   int    `json:"limit"`   // how many may run at this moment; 0 is no limit
	Refused uint64 `json:"refused"` // for the limit, since the start
}

// Server is one server of an upstream.
type Server struct {
	Address  string `json:"address"`
	Host     string `json:"host"` // the name that it was found by
	Weight   uint32 `json:"weight"`
	Priority uint16 `json:"priority"` // 0 is the first
	Well     bool   `json:"well"`
	Why      string `json:"why,omitempty"` // it is not well
	// EjectedUntil is when it is picked again that was left out because of its answers; zero if it
	// was not.
	EjectedUntil time.Time `json:"ejected_until,omitzero"`
	Active       int64     `json:"active"`       // requests that run
	Requests     uint64    `json:"requests"`     // that ended, and say something of the server
	Failed       uint64    `json:"failed"`       // of them
	Busy         float64   `json:"busy_seconds"` // of these requests, all together
	Ejections    uint64    `json:"ejections"`
}

// Certificate is a certificate with its key, or a file of authorities.
type Certificate struct {
	Cert     string    `json:"cert"`             // file
	Key      string    `json:"key,omitempty"`    // file; "" for authorities
	Names    []string  `json:"names"`            // that the certificate is for; subjects of authorities
	Serial   string    `json:"serial,omitempty"` // hexadecimal; "" for authorities
	NotAfter time.Time `json:"not_after"`        // when the certificate, or the last of the authorities, expires
	Loaded   time.Time `json:"loaded"`           // when this content was taken
	Error    string    `json:"error,omitempty"`  // why what the files hold now was not taken
}

// byName adds up the upstreams of one name, and their servers of one address: in the metrics these
// are all that tells them apart.
func byName(all []Upstream) []Upstream {
	at := make(map[string]int, len(all))
	sums := make([]Upstream, 0, len(all))
	for i := range all {
		u := &all[i]
		if first, ok := at[u.Name]; ok {
			sums[first].add(u)
			continue
		}
		at[u.Name] = len(sums)
		sums = append(sums, *u)
	}
	return sums
}

func (u *Upstream) add(other *Upstream) {
	u.Panic = u.Panic || other.Panic
	u.LookupError = cmp.Or(u.LookupError, other.LookupError)
	u.Requests.add(other.Requests)
	u.Connections.add(other.Connections)
	u.Retries.add(other.Retries)
	u.Servers = slices.Clone(u.Servers)
	for i := range other.Servers {
		s := &other.Servers[i]
		same := func(known Server) bool { return known.Address == s.Address }
		if j := slices.IndexFunc(u.Servers, same); j >= 0 {
			u.Servers[j].add(s)
		} else {
			u.Servers = append(u.Servers, *s)
		}
	}
}

// add takes the sum of a limit and none for none.
func (l *Limit) add(other Limit) {
	l.Running += other.Running
	l.Refused += other.Refused
	if l.Limit == 0 || other.Limit == 0 {
		l.Limit = 0
	} else {
		l.Limit += other.Limit
	}
}

func (s *Server) add(other *Server) {
	s.Well = s.Well && other.Well
	s.Active += other.Active
	s.Requests += other.Requests
	s.Failed += other.Failed
	s.Busy += other.Busy
	s.Ejections += other.Ejections
}
