// Package examples holds configurations that run as they stand. Its tests start every one, and do
// what their READMEs say.
package examples

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"tain.dev/tain/test/wire"
)

func TestMain(m *testing.M) { os.Exit(wire.Main(m)) }

// TestExamples checks each example as it stands, then runs it with free ports in place of the
// written ones and a healthy server behind each, asks it one request, and waits for its copies.
func TestExamples(t *testing.T) {
	f := func(name, host, path string, copies int) {
		t.Run(name, func(t *testing.T) {
			if out, err := exec.Command(wire.Binary, "check", "-f", name).CombinedOutput(); err != nil {
				t.Fatalf("tain check: %v\n%s", err, out)
			}
			s := newStage(t, name, nil)
			s.start(t, ".")
			for range 20 { // a sample may leave out one
				ask(t, s.url(t, "8080")+path, host)
			}
			s.waitForCopies(t, copies)
		})
	}
	f("quick-start", "localhost", "/", 20)
	f("candidate-and-baseline", "localhost", "/api/orders/7", 0) // a tenth: it may be none
	f("several-services", "orders.example.com", "/", 20)
	f("several-services", "shop.example.com", "/orders/7", 20)
	f("several-services", "a.search.example.com", "/?q=tea", 0) // no header of the region
}

// TestReadmes does what the READMEs of examples say, with the services that they speak of.
func TestReadmes(t *testing.T) {
	f := func(name string, around services, further func(*testing.T, *stage)) {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, name, around)
			s.play(t)
			if further != nil {
				further(t, s)
			}
		})
	}
	f("tls", nil, func(t *testing.T, s *stage) { s.waitForCopies(t, 4) })
	f("http2", services{"9000": echo, "9443": echoSecurely}, nil)
	copied := make(chan string, 8)
	f("grpc", services{"9000": echoMessages(nil), "9001": echoMessages(copied)}, streamMessages(copied))
	f("websocket", services{"9000": echoFrames}, sendFrames)
	f("copies", services{"9000": echo, "9001": remember, "9002": remember}, nil)
	f("edge", services{"9000": echo, "9001": echo, "9002": nobody}, noticeNothing)
}

// noticeNothing holds that a health check has found a server that is down, and no user has.
func noticeNothing(t *testing.T, s *stage) {
	wire.Until(t, "tain to say that a server is not well", func() bool {
		return strings.Contains(s.tain.Log.String(), "server is not well, says its health check")
	})
	if _, metrics := s.tain.Get("/metrics"); !strings.Contains(metrics, `tain_proxy_requests_total{class="5xx"} 0`) {
		t.Errorf("a user met an error:\n%s", metrics)
	}
}

// waitForCopies waits until a target has answered at least so many copies.
func (s *stage) waitForCopies(t *testing.T, copies int) {
	t.Helper()
	answered := regexp.MustCompile(`"answered":(\d+)`)
	wire.Until(t, fmt.Sprintf("%d copies", copies), func() bool {
		_, books := s.tain.Get("/api/v1/mirrors")
		for _, m := range answered.FindAllStringSubmatch(books, -1) {
			var n int
			if fmt.Sscan(m[1], &n); n >= copies {
				return true
			}
		}
		return false
	})
}

func ask(t *testing.T, url, host string) {
	t.Helper()
	q, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Host = host
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || !strings.HasPrefix(string(text), "{") {
		t.Fatalf("%s of %s: %s, %q, %v", url, host, answer.Status, text, err)
	}
}
