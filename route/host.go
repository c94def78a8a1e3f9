package route

import "strings"

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

// ParseHostRewrite reads the written form: "" keeps the host, a word that begins with - is a
// suffix, everything else is the new host. [HostRewrite.String] is its inverse.
func ParseHostRewrite(text string) HostRewrite {
	switch {
	case text == "":
		return HostRewrite{}
	case text[0] == '-':
		return HostRewrite{HostSuffix, text}
	}
	return HostRewrite{HostSet, text}
}

func (h HostRewrite) String() string { return h.Value }

// AppendTo appends the Host of the copy of a request that bears host. A suffix goes before the
// port, as in Envoy: shop:8080 becomes shop-shadow:8080, [::1]:80 becomes [::1]-shadow:80.
func (h HostRewrite) AppendTo(dst []byte, host string) []byte {
	switch h.Kind {
	case HostSet:
		return append(dst, h.Value...)
	case HostSuffix:
		name, port := splitPort(host)
		dst = append(dst, name...)
		dst = append(dst, h.Value...)
		return append(dst, port...)
	}
	return append(dst, host...)
}

// splitPort cuts host before the colon of its port.
func splitPort(host string) (name, port string) {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.IndexByte(host[i:], ']') >= 0 {
		return host, ""
	}
	return host[:i], host[i:]
}

// maxHost is the length of the longest host name in bytes (RFC 1035).
const maxHost = 255

// foldHost writes a host into buf as the table knows it: without port and final dot, in lower
// case. A host that is too long to be one becomes the empty one.
func foldHost(buf *[maxHost]byte, host string) []byte {
	name, _ := splitPort(host)
	name = strings.TrimSuffix(name, ".")
	if len(name) > maxHost {
		return nil
	}
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		buf[i] = c
	}
	return buf[:len(name)]
}

// hostMatches says whether a folded host is the pattern or is covered by it.
func hostMatches(pattern string, host []byte) bool {
	suffix, wild := strings.CutPrefix(pattern, "*")
	if !wild {
		return string(host) == pattern
	}
	cut := len(host) - len(suffix)
	return cut > 0 && host[cut-1] != '.' && string(host[cut:]) == suffix // an empty label covers nothing
}

// Hostname is the host as the table knows it: without port and final dot, in lower case. A host
// that is too long to be one becomes "".
func Hostname(host string) string {
	var buf [maxHost]byte
	return string(foldHost(&buf, host))
}
