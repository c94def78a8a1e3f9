package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tain.dev/tain/config"
	"tain.dev/tain/route"
	"tain.dev/tain/traffic"
)

// TestShownCopies compares the head that is shown with the one that is sent, where the credentials happen
// to be what is shown of them.
func TestShownCopies(t *testing.T) {
	dir := t.TempDir()
	f := func(lines, target string) {
		t.Helper()
		for _, name := range []string{"mine", "ours"} {
			file := filepath.Join(dir, name)
			if err := os.WriteFile(file, []byte("<"+file+">\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		text := "route shop\npath /a/*\nbackend http://live\nmirror v2 100%\n" + lines + "\nto http://target\n" + target + "\n"
		table, errs := route.Parse(strings.ReplaceAll(text, "@", dir+"/"))
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		r := table.Routes()[0]
		m := r.Mirrors[0]
		cfg := config.Defaults()
		s := &scene{cfg: &cfg}
		line, host := "GET /a/b?x=1&key=user HTTP/1.1\r\n", "Host: shop.example.com\r\n"
		head := line + host + "Authorization: user\r\nX-Key: user\r\nAccept: */*\r\n"
		in := &arrived{Request: &route.Request{}, Arrival: &traffic.Arrival{Head: []byte(head), LineEnd: len(line), HostEnd: len(line + host)}}
		shape, err := route.NewShape(r, m, &m.Targets[0], cfg.Mirror.Marker, cfg.Mirror.Instance+"/v2")
		if err != nil {
			t.Fatal(err)
		}
		sent := string(shape.Append(nil, in.Head, in.LineEnd, in.HostEnd, 1))
		sent = strings.ReplaceAll(sent, "%3C"+strings.ReplaceAll(dir, "/", "%2F")+"%2F", "<"+dir+"/")
		sent = strings.ReplaceAll(sent, "%3E", ">")
		shown := s.copy(r, m, &m.Targets[0], in)
		if got := strings.Join(shown.Head, "\r\n") + "\r\n"; got != sent || shown.Reason != "" {
			t.Errorf("%s\nis shown as\n%s%s\nand sent as\n%s", text, got, shown.Why, sent)
		}
	}
	f("", "")
	f("credentials drop usual\nbear Authorization @ours prefix \"Bearer \"", "")
	f("credentials drop usual\nbear Authorization @ours", "bear authorization @mine\nbear X-Key @mine")
	f("bear-query key @ours\ncopy-query set a 1", "bear-query other @mine")
	f("bear-query key @ours\nbear-query Key @ours", "bear-query key @mine")
	f("copy-header set X-A 1\ncopy-header add X-B 2\ncopy-header default X-Key 3\nbear Authorization @ours\ncopy-path prefix /c\nhost-as -shadow", "")
}

// FuzzRequestFile holds that every file becomes one head, and that the rest is the body.
func FuzzRequestFile(f *testing.F) {
	f.Add([]byte("PUT /a HTTP/1.1\nHost: a\n\nbody\n\nmore"))
	f.Add([]byte("PUT /a HTTP/1.1\r\nHost: a:80\r\nContent-Length: 4\r\n\r\nbody"))
	f.Add([]byte("GET /"))
	f.Add([]byte("\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		a := &asked{}
		err := a.parse(data)
		a.connect()
		switch {
		case err != nil:
		case !strings.HasSuffix(string(a.head), "\r\n\r\n"):
			t.Errorf("the head %q has no end", a.head)
		case !strings.HasSuffix(string(data), string(a.body)):
			t.Errorf("the body %q is not the end of %q", a.body, data)
		case a.port == 0:
			t.Errorf("%q has no port", a.head)
		}
	})
}
