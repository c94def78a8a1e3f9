package wire

import (
	"io"
	"net/http"
	"testing"
)

func TestServeHTTP(t *testing.T) {
	addr := ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) })
	f := func(want string, choose func(*http.Protocols)) {
		t.Helper()
		transport := &http.Transport{Protocols: new(http.Protocols)}
		defer transport.CloseIdleConnections()
		choose(transport.Protocols)
		client := http.Client{Transport: transport, Timeout: patience}
		if status, got := Take(client.Get("http://" + addr)); status != http.StatusOK || got != want {
			t.Errorf("status %d and %s, want %s", status, got, want)
		}
	}
	f("HTTP/1.1", func(p *http.Protocols) { p.SetHTTP1(true) })
	f("HTTP/2.0", func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) })
}
