package route

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// urlForms are the forms of URLs that are known, for people.
const urlForms = "use http, https, h2c or h2 with ://host:port"

// The limits of a URL.
const (
	maxHosts    = 256 // of one upstream
	maxUnixPath = 103 // bytes: the shortest sun_path of the systems that tain runs on
)

// Address is a URL of an upstream, taken apart.
type Address struct {
	Scheme string     // http, https, h2c or h2
	TLS    bool       // of https and h2
	HTTP2  bool       // of h2c and h2
	SRV    bool       // Host is the name of SRV records, which give hosts and ports
	Host   string     // in lower case, an IPv6 address in brackets; of several, the first; "" with Path
	Port   uint16     // of Host; 0 with SRV or Path
	Path   string     // of a Unix socket; "" is none
	Hosts  []HostPort // the servers in their order; none with SRV or Path
}

// HostPort is one server of an upstream.
type HostPort struct {
	Host string
	Port uint16
}

// ParseURL checks the URL of a backend or target, and returns it in its canonical form: lower case,
// each host with its port. It is one of
//
//	http://host:port  https://host:port       HTTP/1.1; ports 80 and 443 if there is none
//	h2c://host:port   h2://host:port          HTTP/2, in the clear and over TLS
//	http://a:80,b:80                          one upstream of several servers
//	http+unix:///path h2c+unix:///path        a Unix socket
//	srv+http://name   …                       SRV records of a name
func ParseURL(text string) (string, error) {
	a, err := parseURL(text)
	if err != nil {
		return "", err
	}
	return a.String(), nil
}

// SplitURL takes apart a URL that [ParseURL] accepts.
func SplitURL(url string) Address {
	a, err := parseURL(url)
	if err != nil {
		panic("BUG: a URL that was not checked: " + err.Error())
	}
	return a
}

// String is the canonical URL.
func (a Address) String() string {
	switch {
	case a.Path != "":
		return a.Scheme + "+unix://" + a.Path
	case a.SRV:
		return "srv+" + a.Scheme + "://" + a.Host
	}
	var b strings.Builder
	b.WriteString(a.Scheme + "://")
	for i, server := range a.Hosts {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(server.String())
	}
	return b.String()
}

// String is host:port.
func (h HostPort) String() string { return h.Host + ":" + strconv.FormatUint(uint64(h.Port), 10) }

func parseURL(text string) (Address, error) {
	if text == "" {
		return Address{}, errors.New("is missing; " + urlForms)
	}
	if len(text) > maxValue {
		return Address{}, fmt.Errorf("the URL is longer than %d bytes", maxValue)
	}
	form, rest, ok := strings.Cut(text, "://")
	form = strings.ToLower(form)
	form, unix := strings.CutSuffix(form, "+unix")
	form, srv := strings.CutPrefix(form, "srv+")
	a := Address{Scheme: form, SRV: srv}
	port := uint16(80)
	switch form {
	case "http":
	case "h2c":
		a.HTTP2 = true
	case "https", "h2":
		a.TLS, a.HTTP2, port = true, form == "h2", 443
	default:
		ok = false
	}
	if !ok || unix && (srv || a.TLS) {
		return Address{}, fmt.Errorf("%q has no scheme that is known; %s", text, urlForms)
	}
	if unix {
		return a.parseUnix(text, rest)
	}
	rest = strings.TrimRight(rest, "/")
	if strings.ContainsAny(rest, "/?#@\\") {
		return Address{}, fmt.Errorf("%q has more than a host and a port; use %s://host:port", text, form)
	}
	if srv {
		return a.parseSRV(text, rest)
	}
	return a.parseHosts(text, rest, port)
}

func (a Address) parseUnix(text, path string) (Address, error) {
	isPathByte := func(c byte) bool { return isVisible(c) && c != '?' && c != '#' && c != ',' }
	if len(path) < 2 || path[0] != '/' || len(path) > maxUnixPath || !only(path, isPathByte) {
		return Address{}, fmt.Errorf("%q has no path of a socket; use %s+unix:///run/app.sock, up to %d bytes", text, a.Scheme, maxUnixPath)
	}
	a.Path = path
	return a, nil
}

func (a Address) parseSRV(text, name string) (Address, error) {
	if _, port := splitPort(name); port != "" {
		return Address{}, fmt.Errorf("%q has a port, but SRV records give the ports; use srv+%s://name", text, a.Scheme)
	}
	host, err := checkHost(name)
	if err != nil {
		return Address{}, fmt.Errorf("%q: %w; use srv+%s://name", text, err, a.Scheme)
	}
	a.Host = host
	return a, nil
}

func (a Address) parseHosts(text, list string, port uint16) (Address, error) {
	for item := range strings.SplitSeq(list, ",") {
		server, err := parseHostPort(item, port)
		if err != nil {
			return Address{}, fmt.Errorf("%q: %w", text, err)
		}
		if slices.Contains(a.Hosts, server) {
			return Address{}, fmt.Errorf("%q names %s twice; name it once", text, server)
		}
		a.Hosts = append(a.Hosts, server)
	}
	if len(a.Hosts) > maxHosts {
		return Address{}, fmt.Errorf("the URL has %d hosts; use up to %d", len(a.Hosts), maxHosts)
	}
	a.Host, a.Port = a.Hosts[0].Host, a.Hosts[0].Port
	return a, nil
}

// parseHostPort reads a host with or without port.
func parseHostPort(text string, byDefault uint16) (HostPort, error) {
	name, port := splitPort(text)
	host, err := checkHost(name)
	if err != nil {
		return HostPort{}, fmt.Errorf("%w; %s", err, urlForms)
	}
	if port = strings.TrimPrefix(port, ":"); port == "" {
		return HostPort{host, byDefault}, nil
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return HostPort{}, fmt.Errorf("there is no port %s; use 1 to 65535", port)
	}
	return HostPort{host, uint16(number)}, nil
}

// name is a URL without its scheme, for people: host:port, the path of a socket, or a name.
func name(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	return rest
}

// checkHost checks a host name or address without port, and returns it in lower case without a
// final dot.
func checkHost(host string) (string, error) {
	folded := strings.ToLower(strings.TrimSuffix(host, "."))
	if folded == "" {
		return "", errors.New("the host is missing")
	}
	if inner, ok := strings.CutPrefix(folded, "["); ok {
		inner, closed := strings.CutSuffix(inner, "]")
		if addr, err := netip.ParseAddr(inner); !closed || err != nil || !addr.Is6() || addr.Zone() != "" {
			return "", fmt.Errorf("%q is not an IPv6 address", host)
		}
		return folded, nil
	}
	if len(folded) > maxHost {
		return "", fmt.Errorf("the host is longer than %d bytes", maxHost)
	}
	for label := range strings.SplitSeq(folded, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || !only(label, isHostByte) {
			return "", fmt.Errorf("%q is not a host name", host)
		}
	}
	return folded, nil
}

// only says whether s consists of such bytes.
func only(s string, such func(byte) bool) bool {
	for i := range len(s) {
		if !such(s[i]) {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isHostByte(c byte) bool { return isAlphanumeric(c) || c == '-' || c == '_' }

// isNameByte is for names of routes, mirrors and targets: they go into headers, metric labels and
// the text form as they are.
func isNameByte(c byte) bool { return isAlphanumeric(c) || strings.IndexByte("-._/:[]", c) >= 0 }

// isTokenByte is for methods and header names (RFC 9110, section 5.6.2).
func isTokenByte(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}
