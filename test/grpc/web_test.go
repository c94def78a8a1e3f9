package grpc

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"tain.dev/tain/test/pki"
	"tain.dev/tain/test/wire"
)

// webServer speaks gRPC-Web, of which it knows as much as tain: nothing. It answers with what it got,
// and behind it the frame that takes the place of trailers.
type webServer struct {
	*httptest.Server
	mu  sync.Mutex
	got []string // "content type: body" of each request
}

// webTrailer says that the call succeeded.
const webTrailer = "\x80\x00\x00\x00\x0fgrpc-status:0\r\n"

func startWebServer(t *testing.T) *webServer {
	t.Helper()
	s := new(webServer)
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.Protocols = protocols(true, true)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func (s *webServer) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	kind := q.Header.Get("Content-Type")
	s.mu.Lock()
	s.got = append(s.got, kind+": "+string(body))
	s.mu.Unlock()
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(append(body, webFrames(kind, webTrailer)...))
}

// take returns what the server got since the last time.
func (s *webServer) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := s.got
	s.got = nil
	return got
}

// webFrames encodes frames as a content type wants them.
func webFrames(kind, frames string) []byte {
	if strings.HasPrefix(kind, "application/grpc-web-text") {
		return base64.StdEncoding.AppendEncode(nil, []byte(frames))
	}
	return []byte(frames)
}

// protocols are HTTP/1.1, and HTTP/2 with and without TLS.
func protocols(one, two bool) *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(one)
	p.SetHTTP2(two)
	p.SetUnencryptedHTTP2(two)
	return p
}

// TestWeb sends gRPC-Web through tain, whose bytes must stay as they are.
func TestWeb(t *testing.T) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	message := "\x00\x00\x00\x01\x00" + string(every)
	f := func(name, users, scheme string) {
		t.Run(name, func(t *testing.T) {
			live, target := startWebServer(t), startWebServer(t)
			tain, client := startWeb(t, users, strings.Replace(live.URL, "http", scheme, 1), strings.Replace(target.URL, "http", scheme, 1))
			for _, kind := range []string{"application/grpc-web+proto", "application/grpc-web-text"} {
				sent := webFrames(kind, message)
				answer, err := client.Post(tain.URL+"/shop.Orders/Get", kind, bytes.NewReader(sent))
				if err != nil {
					t.Fatal(err)
				}
				if want := users == "http"; want != (answer.ProtoMajor == 1) {
					t.Errorf("the answer is one of %s", answer.Proto)
				}
				want := string(sent) + string(webFrames(kind, webTrailer))
				if status, body := wire.Take(answer, nil); status != http.StatusOK || body != want || answer.Header.Get("Content-Type") != kind {
					t.Errorf("%s is answered by %d %v %q, want %q", kind, status, answer.Header, body, want)
				}
				books := tain.Settled(t)
				want = kind + ": " + string(sent)
				for who, got := range map[string][]string{"live": live.take(), "the target": target.take()} {
					if len(got) != 1 || got[0] != want {
						t.Errorf("%s got %q, want %q", who, got, want)
					}
				}
				if books["compared"] != books["seen"] {
					t.Errorf("not every call was compared: %v", books)
				}
			}
			tain.Stop(t)
		})
	}
	f("HTTP/1.1", "http", "http")
	f("HTTP/2 in the clear", "h2c", "h2c")
	f("HTTP/2 over TLS", "h2", "h2c")
	f("HTTP/2 over TLS to HTTP/1.1", "h2", "http")
	f("HTTP/1.1 to HTTP/2", "http", "h2c")
}

// startWeb starts tain for users who ask by http, h2c or h2, and returns a client that does.
func startWeb(t *testing.T, users, live, target string) (*wire.Tain, *http.Client) {
	t.Helper()
	ca := pki.New(t)
	transport := &http.Transport{Protocols: protocols(users == "http", users != "http"), TLSClientConfig: &tls.Config{RootCAs: ca.Pool()}}
	t.Cleanup(transport.CloseIdleConnections)
	tain := wire.StartFile(t, file(t, users == "h2", ca, live, target))
	if users == "h2" {
		tain.URL = "https://" + tain.Addr
	}
	return tain, &http.Client{Transport: transport, Timeout: patience}
}
