package smuggling

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"tain.dev/tain/test/wire"
)

// sight is a request as a server saw it.
type sight struct {
	Method, Target, Host, Body string
	Upgrade                    string
	Status                     int
	Port                       int `json:",omitempty"` // of the server, in the first line that Node says
}

// whole says that the request was well-formed, and arrived to its end. nginx answers TRACE by itself.
func (s sight) whole() bool {
	return s.Status == http.StatusOK || s.Status == http.StatusMethodNotAllowed
}

// String is the same for two servers that saw the same request.
func (s sight) String() string {
	return fmt.Sprintf("%s %s host=%s %.200q", s.Method, s.Target, s.Host, s.Body)
}

// upstream is a server that notes what it sees. It notes a request before or shortly after it has
// answered it.
type upstream struct {
	name, url string
	stop      func() // ends it in good order, with all noted

	mu     sync.Mutex // guards the fields below
	sights []sight
}

func (u *upstream) note(s sight) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sights = append(u.sights, s)
}

// seen returns the whole requests that were seen since the first n sights, and how many sights there
// are now.
func (u *upstream) seen(n int) (whole []sight, now int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, s := range u.sights[n:] {
		if s.whole() {
			whole = append(whole, s)
		}
	}
	return whole, len(u.sights)
}

// startGo starts a server of net/http.
func startGo(t *testing.T) *upstream {
	server := &http.Server{DisableGeneralOptionsHandler: true}
	return runGo(t, &upstream{name: "go"}, "http", server)
}

// startGoH2 starts one that speaks nothing but HTTP/2, in the clear.
func startGoH2(t *testing.T) *upstream {
	server := &http.Server{DisableGeneralOptionsHandler: true, Protocols: new(http.Protocols)}
	server.Protocols.SetUnencryptedHTTP2(true)
	return runGo(t, &upstream{name: "go-h2"}, "h2c", server)
}

func runGo(t *testing.T, u *upstream, scheme string, server *http.Server) *upstream {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u.url = scheme + "://" + l.Addr().String()
	server.Handler = http.HandlerFunc(u.serve)
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	u.stop = func() { server.Shutdown(context.Background()) }
	return u
}

func (u *upstream) serve(w http.ResponseWriter, r *http.Request) {
	s := sight{Method: r.Method, Target: r.RequestURI, Host: r.Host, Upgrade: r.Header.Get("Upgrade"), Status: http.StatusOK}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.Status = http.StatusBadRequest
	}
	s.Body = string(body)
	u.note(s)
	w.Header().Set("Saw", r.Method+" "+r.RequestURI)
	io.WriteString(w, "seen\n")
}

// startNode starts the server of testdata/upstream.js.
func startNode(t *testing.T) *upstream {
	u := &upstream{name: "node"}
	u.run(t, exec.Command(wire.Need(t, "node"), "testdata/upstream.js"), syscall.SIGTERM)
	wire.Until(t, "Node to listen", func() bool {
		u.mu.Lock()
		defer u.mu.Unlock()
		if len(u.sights) == 0 {
			return false
		}
		u.url = fmt.Sprintf("http://127.0.0.1:%d", u.sights[0].Port)
		u.sights = nil
		return true
	})
	return u
}

// startNginx starts nginx with testdata/nginx.conf.
func startNginx(t *testing.T) *upstream { return runNginx(t, "nginx", "http", "") }

// startNginxH2 starts one that speaks HTTP/2, in the clear.
func startNginxH2(t *testing.T) *upstream { return runNginx(t, "nginx-h2", "h2c", "http2") }

func runNginx(t *testing.T, name, scheme, protocol string) *upstream {
	dir, addr := t.TempDir(), wire.FreeAddr(t)
	conf, err := os.ReadFile("testdata/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	filled := strings.NewReplacer("$addr", addr, "$protocol", protocol, "$dir", dir).Replace(string(conf))
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(filled), 0o600); err != nil {
		t.Fatal(err)
	}
	u := &upstream{name: name, url: scheme + "://" + addr}
	u.run(t, exec.Command(wire.Need(t, "nginx"), "-p", dir, "-c", "nginx.conf", "-e", "stderr"), syscall.SIGQUIT)
	wire.Until(t, "nginx to listen", func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return u
}

// run starts a program that says what it sees on standard output, and that the signal ends.
func (u *upstream) run(t *testing.T, command *exec.Cmd, end os.Signal) {
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var log wire.Buffer
	command.Stderr = &log
	if err := command.Start(); err != nil {
		t.Fatalf("starting %s: %v", u.name, err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var s sight
			if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
				t.Errorf("%s says %q: %v", u.name, lines.Bytes(), err)
			}
			u.note(s)
		}
	}()
	u.stop = func() {
		command.Process.Signal(end)
		<-read
		command.Wait()
	}
	t.Cleanup(func() {
		command.Process.Kill()
		<-read
		command.Wait()
		if t.Failed() {
			t.Logf("%s logged:\n%s", u.name, log.String())
		}
	})
}
