package http2

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/test/wire"
)

// tool finds a program, without which the test is skipped, or fails in CI.
func tool(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin") {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed", name)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// noise is a body that no mistake leaves as it is.
func noise(n int) []byte {
	random := rand.NewChaCha8([32]byte{})
	b := make([]byte, n)
	random.Read(b)
	return b
}

func cleartext() *http.Protocols {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	return p
}

// TestNetHTTPClient has the standard library ask, many requests at a time.
func TestNetHTTPClient(t *testing.T) {
	r := newRig(t)
	addr := r.serve(nil, echo)
	client := &http.Client{Transport: &http.Transport{Protocols: cleartext()}, Timeout: patience}
	defer client.CloseIdleConnections()
	body := noise(3 << 20)
	f := func(n int) error {
		req, err := http.NewRequest("POST", "http://"+addr+"/x?y", bytes.NewReader(body[:n]))
		if err != nil {
			return err
		}
		req.ContentLength = -1 // so that trailers may follow
		req.Trailer = http.Header{"X-After": {"done"}}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		if !bytes.Equal(got, body[:n]) || err != nil || resp.ProtoMajor != 2 || resp.Trailer.Get("X-After") != "done" {
			return fmt.Errorf("%s: %d bytes, %v, trailer %v", resp.Proto, len(got), err, resp.Trailer)
		}
		return nil
	}
	errs := make(chan error)
	sizes := []int{1, 1000, 16 << 10, 16<<10 + 1, 100_000, 1 << 20, 3 << 20}
	for _, n := range sizes {
		for range 4 {
			go func() { errs <- f(n) }()
		}
	}
	for range 4 * len(sizes) {
		if err := wire.Await(t, errs, "an answer"); err != nil {
			t.Error(err)
		}
	}
	if heard := r.heard(); heard != "" {
		t.Errorf("refused %q", heard)
	}
}

// exchange sends a body and reads the answer's at the same time.
func exchange(r *rig, s *Stream, head string, body []byte, trailer string) (got []byte, err error) {
	if err := s.WriteRequest([]byte(head), "http", false); err != nil {
		return nil, err
	}
	sending, main := true, r.Current()
	r.Go(func() {
		if sendErr := s.SendLast(body, []byte(trailer)); sendErr != nil {
			r.Error(sendErr)
		}
		sending = false
		main.Wake()
	})
	m, err := readAnswer(s)
	for sending {
		main.Wait()
	}
	if m.status != 200 || m.trailer != strings.ToLower(trailer) {
		err = fmt.Errorf("%d, trailer %q, %v", m.status, m.trailer, err)
	}
	return []byte(m.body), err
}

// askOf sends bodies of all sizes to a server that sends them back, all at a time.
func askOf(t *testing.T, r *rig, c *Conn, head, trailer string) {
	body := noise(1 << 20)
	left, main := 0, r.Current()
	for _, n := range []int{1, 1000, 16 << 10, 16<<10 + 1, 100_000, 1 << 20} {
		left++
		r.Go(func() {
			s := c.Open()
			got, err := exchange(r, s, head, body[:n], trailer)
			if err != nil || !bytes.Equal(got, body[:n]) {
				t.Errorf("%d bytes of %d came back, %v", len(got), n, err)
			}
			s.Close()
			left--
			main.Wake()
		})
	}
	for left > 0 {
		main.Wait()
	}
}

func TestNetHTTPServer(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Trailer", "X-After")
		if _, err := io.Copy(w, req.Body); err != nil {
			t.Error(err)
		}
		w.Header().Set("X-After", req.Trailer.Get("X-After"))
	}))
	server.Config.Protocols = cleartext()
	server.Start()
	defer server.Close()
	r := newRig(t)
	r.in(func() {
		c := r.client(server.Listener.Addr().String(), nil)
		askOf(t, r, c, "POST / HTTP/1.1\r\nHost: a\r\nTrailer: X-After\r\n", "X-After: done\r\n")
		c.Shutdown()
	})
}

func TestCurl(t *testing.T) {
	curl := tool(t, "curl")
	r := newRig(t)
	addr := r.serve(nil, echo)
	body := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(body, noise(1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(want string, args ...string) {
		t.Helper()
		args = append(args, "--http2-prior-knowledge", "-sS", "--max-time", "20", "-w", "%{http_version}")
		out, err := exec.Command(curl, args...).Output()
		if err != nil || string(out) != want+"2" {
			t.Errorf("%d bytes, want %d and the version: %v", len(out), len(want), err)
		}
	}
	f(string(noise(1<<20)), "--data-binary", "@"+body, "http://"+addr+"/a")
	f("hello", "http://"+addr+"/hello")
}

func TestH2load(t *testing.T) {
	h2load := tool(t, "h2load")
	r := newRig(t)
	addr := r.serve(nil, echo)
	out, err := exec.Command(h2load, "-n", "5000", "-c", "4", "-m", "32", "http://"+addr+"/hello").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "5000 succeeded, 0 failed, 0 errored, 0 timeout") {
		t.Errorf("%v\n%s", err, out)
	}
	if heard := r.heard(); heard != "" {
		t.Errorf("refused %q", heard)
	}
}

// run starts a server, and returns once it listens.
func run(t *testing.T, addr string, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	for end := time.Now().Add(patience); ; {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%v: %v\n%s", cmd, err, out.String())
		}
	}
}

// freeAddr is an address that nobody listens at.
func freeAddr(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func TestNghttpd(t *testing.T) {
	nghttpd, err := exec.LookPath("nghttpd")
	if err != nil {
		t.Skip("nghttpd is not installed") // nor is it in CI
	}
	addr, dir := freeAddr(t), t.TempDir()
	_, port, _ := net.SplitHostPort(addr)
	run(t, addr, nghttpd, "--no-tls", "--echo-upload", "-d", dir, "--address", "127.0.0.1", "--trailer", "x-after: done", port)
	r := newRig(t)
	r.in(func() {
		c := r.client(addr, nil)
		askOf(t, r, c, "POST / HTTP/1.1\r\nHost: a\r\n", "x-after: done\r\n")
	})
}

func TestNginx(t *testing.T) {
	nginx := tool(t, "nginx")
	addr, dir := freeAddr(t), t.TempDir()
	file := noise(2 << 20)
	if err := os.WriteFile(filepath.Join(dir, "file"), file, 0o644); err != nil {
		t.Fatal(err)
	}
	os.Chmod(dir, 0o755)
	conf := fmt.Sprintf("daemon off; master_process off; pid %s/pid; error_log stderr; events {}\n"+
		"http { access_log off; client_body_temp_path %s/b; proxy_temp_path %s/p; fastcgi_temp_path %s/f; uwsgi_temp_path %s/u; scgi_temp_path %s/s;\n"+
		"server { listen %s http2; root %s; location /early { return 403 no; } } }\n", dir, dir, dir, dir, dir, dir, addr, dir)
	if err := os.WriteFile(filepath.Join(dir, "conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, addr, nginx, "-c", filepath.Join(dir, "conf"), "-p", dir, "-e", "stderr")
	r := newRig(t)
	r.in(func() {
		c := r.client(addr, nil)
		for range 3 {
			if got := ask(t, c, "GET /file HTTP/1.1\r\nHost: a\r\n", "", ""); got.status != 200 || got.body != string(file) {
				t.Errorf("%d, %d bytes", got.status, len(got.body))
			}
			if got := ask(t, c, "HEAD /file HTTP/1.1\r\nHost: a\r\n", "", ""); got != (message{200, "", ""}) {
				t.Errorf("%+v", got)
			}
			if got := ask(t, c, "POST /early HTTP/1.1\r\nHost: a\r\n", "a body that nobody reads", ""); got != (message{403, "no", ""}) {
				t.Errorf("%+v", got)
			}
		}
	})
}
