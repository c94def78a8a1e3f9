package http1

import "bytes"

var (
	slash    = []byte("/")
	asterisk = []byte("*")
)

// splitTarget takes the target apart by its form (RFC 9112, section 3.2), and reports whether it
// is valid. Its bytes are.
func (r *Request) splitTarget() bool {
	t := r.Target
	switch {
	case string(r.Method) == "CONNECT":
		r.Authority = t
		return validAuthority(t) && t[len(t)-1] != ':' && hasPort(t)
	case t[0] == '/':
		return r.splitPath(t)
	case t[0] == '*':
		r.Path = t
		return len(t) == 1 && string(r.Method) == "OPTIONS"
	}
	n := schemeLen(t)
	if n == 0 {
		return false
	}
	t = t[n:]
	end := 0
	for end < len(t) && t[end] != '/' && t[end] != '?' {
		end++
	}
	r.Authority = t[:end:end]
	return validAuthority(r.Authority) && r.splitPath(t[end:])
}

// schemeLen is the length of "http://" or "https://" at the beginning of t, or 0.
func schemeLen(t []byte) int {
	for _, scheme := range [...]string{"http://", "https://"} {
		if len(t) >= len(scheme) && EqualFold(t[:len(scheme)], scheme) {
			return len(scheme)
		}
	}
	return 0
}

// splitPath cuts t at its first '?', and reports whether the path's percent-encoding is valid. The
// query is free-form, since every server treats it so.
func (r *Request) splitPath(t []byte) bool {
	r.Path = t
	if i := bytes.IndexByte(t, '?'); i >= 0 {
		r.Path, r.Query = t[:i:i], t[i+1:]
	}
	if len(r.Path) == 0 {
		// RFC 9112, sections 3.2.1 and 3.2.4.
		r.Path = slash
		if len(t) == 0 && string(r.Method) == "OPTIONS" {
			r.Path = asterisk
		}
	}
	return validPercents(r.Path)
}

func validPercents(path []byte) bool {
	for {
		i := bytes.IndexByte(path, '%')
		if i < 0 {
			return true
		}
		if i+2 >= len(path) || unhex[path[i+1]] == notHex || unhex[path[i+2]] == notHex {
			return false
		}
		path = path[i+3:]
	}
}

// validAuthority accepts a host, with or without a port: no user, and no empty host.
func validAuthority(b []byte) bool {
	i := hostEnd(b)
	if i == 0 {
		return false
	}
	if i == len(b) {
		return true
	}
	return b[i] == ':' && validPort(b[i+1:])
}

// hasPort says whether a valid authority has a colon behind its host.
func hasPort(b []byte) bool { return hostEnd(b) < len(b) }

// hostEnd returns the index behind the host at the beginning of b, or 0 when it is not valid.
func hostEnd(b []byte) int {
	if len(b) == 0 || b[0] != '[' {
		return scan(b, 0, classHost)
	}
	end := bytes.IndexByte(b, ']')
	if end < 0 || !validIPv6(b[1:end]) {
		return 0
	}
	return end + 1
}

// validPort accepts a number below 65536, or nothing: RFC 3986 lets the port be empty.
func validPort(b []byte) bool {
	port := 0
	for _, c := range b {
		if c < '0' || c > '9' || len(b) > 5 {
			return false
		}
		port = port*10 + int(c-'0')
	}
	return port < 1<<16
}

// validIPv6 accepts the text of an IPv6 address without a zone. It is here because
// [net/netip.ParseAddr] takes a string, and would allocate for every request to such a host.
func validIPv6(b []byte) bool {
	groups, gap := 0, false
	if len(b) >= 2 && b[0] == ':' && b[1] == ':' {
		gap, b = true, b[2:]
	}
	for len(b) > 0 {
		n := 0
		for n < len(b) && unhex[b[n]] != notHex {
			n++
		}
		if n < len(b) && b[n] == '.' {
			if !validIPv4(b) {
				return false
			}
			groups += 2
			break
		}
		if n == 0 || n > 4 {
			return false
		}
		groups++
		b = b[n:]
		switch {
		case len(b) == 0:
		case b[0] != ':' || len(b) == 1:
			return false
		case b[1] == ':':
			if gap {
				return false
			}
			gap, b = true, b[2:]
		default:
			b = b[1:]
		}
	}
	return groups == 8 && !gap || groups < 8 && gap
}

// validIPv4 accepts four decimal numbers below 256, without leading zeros.
func validIPv4(b []byte) bool {
	for part := range 4 {
		n, value := 0, 0
		for n < len(b) && n < 3 && '0' <= b[n] && b[n] <= '9' {
			value = value*10 + int(b[n]-'0')
			n++
		}
		if n == 0 || value > 255 || n > 1 && b[0] == '0' {
			return false
		}
		b = b[n:]
		if part == 3 {
			break
		}
		if len(b) == 0 || b[0] != '.' {
			return false
		}
		b = b[1:]
	}
	return len(b) == 0
}
