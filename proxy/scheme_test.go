package proxy

import (
	"crypto/tls"
	"net/http"
	"testing"
)

// One process redirects who comes without TLS, and serves who comes with it, in both versions of HTTP.
func TestScheme(t *testing.T) {
	const table = "route to-https\nscheme http\nredirect scheme https\nroute shop\npath /tea\nbackend http://"
	r := start(t, plain(), table+startEcho(t), noOffer)
	f := func(url string, conf *tls.Config, status int, location string) {
		t.Helper()
		for version := 1; version <= 2; version++ {
			transport := &http.Transport{TLSClientConfig: conf.Clone(), Protocols: new(http.Protocols), DisableKeepAlives: true}
			transport.Protocols.SetHTTP1(version == 1)
			transport.Protocols.SetHTTP2(version == 2)
			transport.Protocols.SetUnencryptedHTTP2(version == 2 && conf == nil)
			req, err := http.NewRequestWithContext(t.Context(), "GET", url+"/tea?cups=2", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = "shop:8080"
			resp, err := transport.RoundTrip(req)
			if err != nil {
				t.Fatalf("%s over HTTP/%d: %v", url, version, err)
			}
			resp.Body.Close()
			if got := resp.Header.Get("Location"); resp.ProtoMajor != version || resp.StatusCode != status || got != location {
				t.Errorf("%s over HTTP/%d: %s %s to %q, want %d to %q", url, version, resp.Proto, resp.Status, got, status, location)
			}
		}
	}
	f("http://"+r.addr, nil, http.StatusFound, "https://shop/tea?cups=2")
	f("https://"+r.addr, r.secure(t, nil), http.StatusOK, "")
}
