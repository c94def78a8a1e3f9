package test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"tain.dev/tain/test/wire"
)

// nginxConf is a live service with an answer of every framing: known length, none, chunked. Without
// gzip_proxied it would not compress for whom a proxy speaks.
const nginxConf = `
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log access.log;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  keepalive_requests 1000000;
  client_max_body_size 0;
  server {
    listen %s;
    root root;
    location = /item    { default_type application/json; return 200 '{"id":7,"name":"green tea"}'; }
    location = /error   { return 500 "no\n"; }
    location = /moved   { return 301 /item; }
    location = /empty   { return 204; }
    location = /page.txt { gzip on; gzip_proxied any; gzip_types text/plain; gzip_min_length 1; }
    location /files/    { dav_methods PUT DELETE; }
  }
}
`

// nginx is a running live service.
type nginx struct {
	addr, url, dir string
	process        *exec.Cmd
}

func startNginx(t *testing.T) *nginx {
	t.Helper()
	n := &nginx{addr: wire.FreeAddr(t), dir: t.TempDir()}
	n.url = "http://" + n.addr
	for _, dir := range []string{"root", "root/files", "logs"} {
		if err := os.Mkdir(filepath.Join(n.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	n.write(t, "nginx.conf", fmt.Appendf(nil, nginxConf, n.addr))
	n.write(t, "root/big.bin", randomBytes(1<<20))
	n.write(t, "root/page.txt", bytes.Repeat([]byte("Tea is kept in a dry place.\n"), 4000))
	n.start(t)
	return n
}

// start starts nginx, again after stop.
func (n *nginx) start(t *testing.T) {
	t.Helper()
	var log wire.Buffer
	n.process = exec.Command(wire.Need(t, "nginx"), "-p", n.dir, "-c", "nginx.conf", "-e", "stderr")
	n.process.Stderr = &log
	if err := n.process.Start(); err != nil {
		t.Fatalf("starting nginx: %v", err)
	}
	process := n.process
	t.Cleanup(func() { end(process) })
	wire.Until(t, "nginx", func() bool {
		answer, err := http.Get(n.url + "/item")
		if err == nil {
			answer.Body.Close()
		}
		return err == nil
	})
}

// stop ends nginx at once, with all of its connections.
func (n *nginx) stop() { end(n.process) }

func end(process *exec.Cmd) {
	// Both fail when the process has ended already, which is as well.
	_ = process.Process.Signal(syscall.SIGKILL)
	_ = process.Wait()
}

func (n *nginx) write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(n.dir, name), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// read returns a file that nginx wrote, or nil when there is none.
func (n *nginx) read(name string) []byte {
	data, err := os.ReadFile(filepath.Join(n.dir, name))
	if err != nil {
		return nil
	}
	return data
}

// randomBytes returns bytes that are the same in every run.
func randomBytes(size int) []byte {
	data := make([]byte, size)
	rng := rand.NewChaCha8([32]byte{1})
	_, _ = rng.Read(data) // never fails
	return data
}
