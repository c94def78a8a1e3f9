package proxyproto

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tain.dev/tain/test/wire"
)

const haproxyConf = `
global
  log stderr local0
defaults
  mode tcp
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend in
  bind %[1]s
  unique-id-format the-id
  default_backend out
backend out
  server one %[2]s %[3]s
`

// start runs a program until the test ends, and waits until it accepts connections.
func start(t *testing.T, addr string, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	var log wire.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s said: %s", name, log.String())
		}
	})
	wire.Until(t, name, func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

func configFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "conf")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// read reads a header from a connection, and what follows it up to the end of a line.
func read(c net.Conn) (Header, string, error) {
	var b []byte
	chunk := make([]byte, 7) // so that it comes in pieces
	for {
		h, n, err := Parse(b)
		if err == nil {
			rest, err := bufio.NewReader(io.MultiReader(strings.NewReader(string(b[n:])), c)).ReadString('\n')
			return h, rest, err
		}
		if !errors.Is(err, ErrMore) {
			return h, "", err
		}
		n, err = c.Read(chunk)
		if err != nil {
			return h, "", err
		}
		b = append(b, chunk[:n]...)
	}
}

func TestHAProxySends(t *testing.T) {
	haproxy := wire.Need(t, "haproxy")
	f := func(option string) Header {
		t.Helper()
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		addr := wire.FreeAddr(t)
		start(t, addr, haproxy, "-db", "-f", configFile(t, fmt.Sprintf(haproxyConf, addr, ln.Addr(), option)))
		client, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		fmt.Fprint(client, "hello\n")
		for { // the first connection is that of start
			c, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			h, rest, err := read(c)
			c.Close()
			if h.Source.String() != client.LocalAddr().String() {
				continue
			}
			if err != nil || h.Dest != netip.MustParseAddrPort(addr) || rest != "hello\n" {
				t.Errorf("%s: %+v, %q, %v", option, h, rest, err)
			}
			return h
		}
	}
	f("send-proxy")
	f("send-proxy-v2")
	h := f("send-proxy-v2 proxy-v2-options crc32c,unique-id")
	if string(h.UniqueID) != "the-id" {
		t.Errorf("unique id %q", h.UniqueID)
	}
}

const nginxConf = `
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events {}
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {
    listen %s proxy_protocol;
    location / { return 200 "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port"; }
  }
}
`

func TestNginxReceives(t *testing.T) {
	nginx, addr, dir := wire.Need(t, "nginx"), wire.FreeAddr(t), t.TempDir()
	start(t, addr, nginx, "-p", dir, "-e", "stderr", "-c", configFile(t, fmt.Sprintf(nginxConf, addr)))
	f := func(header []byte, want string) {
		t.Helper()
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "%sGET / HTTP/1.0\r\n\r\n", header)
		got, err := io.ReadAll(c)
		_, body, _ := strings.Cut(string(got), "\r\n\r\n")
		if err != nil || body != want {
			t.Errorf("%q: %q, %v; want %q", header, body, err, want)
		}
	}
	full := four
	full.ALPN, full.Authority, full.UniqueID = []byte("h2"), []byte("a.example"), []byte("id")
	f(full.AppendV1(nil), "192.0.2.1 56324 198.51.100.1 443")
	f(full.AppendV2(nil), "192.0.2.1 56324 198.51.100.1 443")
	f(six.AppendV1(nil), "2001:db8::1 1 2001:db8::2 65535")
	f(six.AppendV2(nil), "2001:db8::1 1 2001:db8::2 65535")
	f((&Header{}).AppendV1(nil), "   ")
	f((&Header{Local: true}).AppendV2(nil), "   ")
}
