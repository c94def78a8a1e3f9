package route

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

const scheme = "http://"

// ParseURL checks the URL of a backend or target, and returns it as http://host:port in lower case.
func ParseURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", fmt.Errorf("%q is not a URL; use http://host:port", text)
	}
	switch u.Scheme {
	case "http":
	case "https", "h2", "h2c", "grpc", "grpcs", "http+unix", "unix":
		return "", fmt.Errorf("not yet supported: %q; use http://host:port", text)
	default:
		return "", fmt.Errorf("%q has no scheme that is known; use http://host:port", text)
	}
	if u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return "", fmt.Errorf("%q has more than a host and a port; use http://host:port", text)
	}
	host, err := checkHost(u.Host[:len(u.Host)-len(portOf(u))])
	if err != nil {
		return "", fmt.Errorf("%q: %w; use http://host:port", text, err)
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return "", fmt.Errorf("%q: there is no port %s; use 1 to 65535", text, port)
	}
	return scheme + host + ":" + strconv.FormatUint(number, 10), nil
}

// portOf is the port of u with its colon, which may stand alone.
func portOf(u *url.URL) string {
	_, port := splitPort(u.Host)
	return port
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
