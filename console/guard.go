package console

import (
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// guard lets only those requests through to h that no web page of another site can have caused,
// see the package comment. configured is the address in the configuration, host:port.
func guard(configured string, h http.Handler) http.Handler {
	own, _, _ := net.SplitHostPort(configured)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secureHeaders(w.Header())
		if err := checkHost(r, own); err != nil {
			refuse(w, http.StatusForbidden, err)
			return
		}
		if err := checkSite(r); err != nil {
			refuse(w, http.StatusForbidden, err)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func secureHeaders(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
}

// checkHost refuses a Host that is neither loopback nor tain's own. A page that lets its own name
// resolve to 127.0.0.1 (DNS rebinding) is same-origin to its browser, but it can't hide its name.
// The port is not looked at: a tunnel may change it.
func checkHost(r *http.Request, own string) error {
	host := hostname(r.Host)
	if strings.EqualFold(host, "localhost") || (own != "" && strings.EqualFold(host, own)) {
		return nil
	}
	ip, err := netip.ParseAddr(host)
	if err == nil && (ip.Unmap().IsLoopback() || ip.Unmap() == localIP(r)) {
		return nil
	}
	return fmt.Errorf("the Host %q is refused: the admin API answers to localhost, loopback addresses "+
		"and its own address only, so that no web page can reach it; use one of these, "+
		"or --health for probes and scrapers", r.Host)
}

// hostname is the host of a Host header, without port and brackets.
func hostname(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
}

// localIP is the address of this machine at which the request arrived. It matters where tain
// listens on all of them.
func localIP(r *http.Request) netip.Addr {
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// checkSite refuses what a browser says comes from a page of another site: an Origin that is not
// the server's own, or a subresource that names none. Following a link is allowed.
func checkSite(r *http.Request) error {
	if origins, ok := r.Header["Origin"]; ok {
		u, err := url.Parse(origins[0])
		if err != nil || len(origins) > 1 || u.Scheme != "http" || !strings.EqualFold(u.Host, r.Host) {
			return fmt.Errorf("the Origin %q is refused: the admin API takes no requests from pages of other sites", strings.Join(origins, ", "))
		}
	}
	if r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Header.Get("Sec-Fetch-Mode") != "navigate" {
		return fmt.Errorf("a page of another site asks for %s, which is refused", r.URL.Path)
	}
	return nil
}

// maxBody bounds the body of a POST in bytes.
const maxBody = 4 << 10

// only passes requests of the method to h; HEAD counts as GET. A POST must be JSON, because that
// is what a browser never sends to another site without asking it first.
func only(method string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		asked := r.Method
		if asked == http.MethodHead {
			asked = http.MethodGet
		}
		if asked != method {
			w.Header().Set("Allow", method)
			refuse(w, http.StatusMethodNotAllowed, fmt.Errorf("%s is not possible on %s; use %s", r.Method, r.URL.Path, method))
			return
		}
		if method == http.MethodPost {
			if err := checkPost(r); err != nil {
				refuse(w, http.StatusUnsupportedMediaType, err)
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		}
		h(w, r)
	}
}

// checkPost refuses what a web page can send unasked.
func checkPost(r *http.Request) error {
	given := r.Header.Get("Content-Type")
	if t, _, err := mime.ParseMediaType(given); err != nil || t != jsonType {
		return fmt.Errorf("the Content-Type %q is refused: a POST must have Content-Type: %s", given, jsonType)
	}
	return nil
}
