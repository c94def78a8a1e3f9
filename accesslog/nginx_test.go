package accesslog

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tain.dev/tain/test/wire"
)

const nginxConf = `
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events {}
http {
  log_format json escape=json '{"agent": "$http_user_agent", "none": "$http_nothing"}';
  access_log access.log combined;
  access_log json.log json;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server { listen %s; location / { return 200 "hello\n"; } }
}
`

// TestAsNginx sends requests with awkward bytes to nginx and compares its log with ours.
func TestAsNginx(t *testing.T) {
	nginx, addr, dir := wire.Need(t, "nginx"), wire.FreeAddr(t), t.TempDir()
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, nginxConf, addr), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(nginx, "-p", dir, "-e", "stderr", "-c", conf)
	var said wire.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	wire.Until(t, "nginx", func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	var entries []*Entry
	for _, agent := range []string{"plain/1.0 (x; y)", `"quoted" \ back`, "caf\xc3\xa9 \xff\x80", "tab\tdel\x7f", "-"} {
		e := &Entry{
			Client: netip.MustParseAddrPort("127.0.0.1:1"), Method: []byte("GET"), Target: []byte("/a%22b?c=d%00"), Proto: "HTTP/1.0",
			Status: 200, BytesOut: 6, UserAgent: []byte(agent), Referer: []byte("http://a/?" + agent),
		}
		entries = append(entries, e)
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "%s %s %s\r\nUser-Agent: %s\r\nReferer: %s\r\n\r\n", e.Method, e.Target, e.Proto, e.UserAgent, e.Referer)
		if _, err := c.Read(make([]byte, 1000)); err != nil {
			t.Fatalf("%v; nginx said %s", err, said.String())
		}
		c.Close()
	}
	sent := len(entries)
	compare := func(file, setting string, entries []*Entry) {
		t.Helper()
		var want []string
		wire.Until(t, "the log", func() bool {
			want = strings.SplitAfter(readFile(t, filepath.Join(dir, file)), "\n")
			return len(want) == sent+1
		})
		time := regexp.MustCompile(`\[.*?\]`)
		for i, e := range entries {
			if got := lineOf(t, setting, e); time.ReplaceAllString(got, "") != time.ReplaceAllString(want[i], "") {
				t.Errorf("%snginx has\n%s", got, want[i])
			}
		}
	}
	compare("access.log", "combined", entries)
	// nginx leaves bytes that are not UTF-8 in its JSON, so that only the first lines can be equal.
	compare("json.log", `{"agent": "$http_user_agent", "none": "$request_id"}`, entries[:2])
}
