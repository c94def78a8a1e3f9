package http2

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"tain.dev/tain/http1"
)

// A message is an answer as a test compares it.
type message struct {
	status        int
	body, trailer string
}

// ask sends a request on a new stream and reads the whole answer.
func ask(t testing.TB, c *Conn, head, body, trailer string) (m message) {
	t.Helper()
	s := c.Open()
	if s == nil {
		t.Error("no room for a stream")
		return m
	}
	defer s.Close()
	end := body == "" && trailer == ""
	if err := s.WriteRequest([]byte(head), "http", end); err != nil {
		t.Error(err)
		return m
	}
	if !end {
		if err := s.SendLast([]byte(body), []byte(trailer)); err != nil {
			t.Error(err)
			return m
		}
	}
	return readAnswer(t, s)
}

func readAnswer(t testing.TB, s *Stream) (m message) {
	t.Helper()
	var resp http1.Response
	for resp.Status < 200 {
		if err := s.ReadHead(); err != nil {
			t.Error(err)
			return m
		}
		if err := resp.Parse(s.Head(), nil); err != nil {
			t.Errorf("%q: %v", s.Head(), err)
			return m
		}
		if resp.Status == http.StatusSwitchingProtocols {
			break
		}
	}
	m.status = resp.Status
	for {
		p := s.Buffered()
		m.body += string(p)
		s.Consume(len(p))
		if err := s.Fill(); err == io.EOF {
			break
		} else if err != nil {
			t.Error(err)
			return m
		}
	}
	m.trailer = string(s.Trailer())
	return m
}

const get = "GET /hello HTTP/1.1\r\nHost: example.com\r\n"

func TestClientAndServer(t *testing.T) {
	r := newRig(t)
	addr := r.serve(nil, echo)
	r.in(func() {
		c := r.client(addr, nil)
		for range 3 {
			if got := ask(t, c, get, "", ""); got != (message{200, "hello", ""}) {
				t.Errorf("%+v", got)
			}
			got := ask(t, c, "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n", "ping", "a: b\r\n")
			if got != (message{200, "ping", "a: b\r\n"}) {
				t.Errorf("%+v", got)
			}
		}
		c.Shutdown()
	})
	if heard := r.heard(); heard != "" {
		t.Errorf("refused: %s", heard)
	}
}

func TestClientOfNetHTTP(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		w.Header().Set("Trailer", "X-After")
		w.Write(body)
		w.Header().Set("X-After", req.Trailer.Get("X-Before"))
	}))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	defer server.Close()
	r := newRig(t)
	r.in(func() {
		c := r.client(server.Listener.Addr().String(), nil)
		got := ask(t, c, "POST / HTTP/1.1\r\nHost: a\r\nTrailer: X-Before\r\n", "ping", "X-Before: b\r\n")
		if got != (message{200, "ping", "x-after: b\r\n"}) {
			t.Errorf("%+v", got)
		}
	})
}
