package http2

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"tain.dev/tain/netloop"
	"tain.dev/tain/test/pki"
)

// secured is a server's side of TLS that offers HTTP/2 alone.
func secured(t *testing.T) (server, client *tls.Config) {
	ca := pki.New(t)
	pair := ca.Issue(t, "127.0.0.1")
	cert, err := tls.LoadX509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	server = &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2"}, DynamicRecordSizingDisabled: true}
	client = &tls.Config{RootCAs: ca.Pool(), NextProtos: []string{"h2"}, ServerName: "127.0.0.1", DynamicRecordSizingDisabled: true}
	return server, client
}

// TestTLSServer has the standard library ask over TLS, with large bodies both ways, and sees the
// connection end in the proper way.
func TestTLSServer(t *testing.T) {
	serverConf, clientConf := secured(t)
	r := newRig(t)
	addr := r.listen(func(nc *netloop.Conn) {
		if err := nc.Secure(serverConf, true, patience); err != nil {
			t.Error(err)
			nc.Close()
			return
		}
		Serve(nc, &Settings{Refused: r.hear}, echo)
	})
	transport := &http.Transport{TLSClientConfig: clientConf, ForceAttemptHTTP2: true}
	client := &http.Client{Transport: transport, Timeout: patience}
	body := noise(3 << 20)
	for range 3 {
		resp, err := client.Post("https://"+addr+"/", "x", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !bytes.Equal(got, body) || err != nil || resp.ProtoMajor != 2 {
			t.Errorf("%s: %d bytes, %v", resp.Proto, len(got), err)
		}
	}
	r.on(r.Retire)
	if heard := r.heard(); heard != "" {
		t.Errorf("refused %q", heard)
	}
	transport.CloseIdleConnections()
}

func TestTLSClient(t *testing.T) {
	serverConf, clientConf := secured(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Trailer", "X-After")
		io.Copy(w, req.Body)
		w.Header().Set("X-After", req.Trailer.Get("X-After"))
	}))
	server.TLS = serverConf
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	r := newRig(t)
	r.in(func() {
		nc, err := r.Dial(netloop.Addr{AddrPort: netip.MustParseAddrPort(server.Listener.Addr().String())}, patience)
		if err != nil {
			t.Error(err)
			return
		}
		if err := nc.Secure(clientConf, false, patience); err != nil {
			t.Error(err)
			return
		}
		c := NewClient(nc, nil)
		askOf(t, r, c, "POST / HTTP/1.1\r\nHost: a\r\nTrailer: X-After\r\n", "X-After: done\r\n")
		c.Shutdown()
	})
}
