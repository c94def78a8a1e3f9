package route

// HostKind says how the Host of a copy comes about.
type HostKind uint8

// The kinds of host rewrites.
const (
	HostKeep   HostKind = iota // the live request's
	HostSet                    // a fixed value
	HostSuffix                 // the live request's, with a suffix before the port
)

// HostRewrite says which Host a copy bears. The zero value keeps the live request's.
type HostRewrite struct {
	Kind  HostKind
	Value string // the host, or the suffix such as -shadow; "" for [HostKeep]
}

const scheme = "http://"
