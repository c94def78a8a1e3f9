package test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"tain.dev/tain/test/wire"
)

// client is a user that sees every answer as it is.
var client = &http.Client{
	Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 8},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// ownFields are the header fields that say who answered and when, not what.
var ownFields = []string{"Date", "Connection", "Keep-Alive", "Via"}

// seen is what a user gets.
type seen struct {
	status int
	header http.Header
	body   []byte
}

func ask(t *testing.T, method, url string, body []byte, header http.Header) seen {
	t.Helper()
	r, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(r.Header, header)
	answer, err := client.Do(r)
	if err != nil {
		t.Errorf("%s %s: %v", method, url, err)
		return seen{}
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Errorf("%s %s: reading the answer: %v", method, url, err)
	}
	for _, name := range ownFields {
		answer.Header.Del(name)
	}
	return seen{answer.StatusCode, answer.Header, got}
}

// asUsual asks for all that live has, directly and through tain, and fails the test unless the
// answers are the same. It returns how many requests tain saw, and how many of them are safe.
func asUsual(t *testing.T, live *nginx, p *wire.Tain) (all, safe int) {
	t.Helper()
	f := func(method, path string, body []byte, header http.Header) {
		t.Helper()
		want := ask(t, method, live.url+path, body, header)
		got := ask(t, method, p.URL+path, body, header)
		all++
		if method == "GET" || method == "HEAD" {
			safe++
		}
		if got.status != want.status || !bytes.Equal(got.body, want.body) {
			t.Errorf("%s %s: status %d and %d bytes, want %d and the %d bytes of live", method, path, got.status, len(got.body), want.status, len(want.body))
		}
		if g, w := fmt.Sprint(got.header), fmt.Sprint(want.header); g != w {
			t.Errorf("%s %s: the header is\n%s\nwant\n%s", method, path, g, w)
		}
	}
	tag := ask(t, "GET", live.url+"/big.bin", nil, nil).header.Get("ETag")
	f("GET", "/item", nil, nil)
	f("HEAD", "/item", nil, nil)
	f("GET", "/big.bin", nil, nil)
	f("HEAD", "/big.bin", nil, nil)
	f("GET", "/big.bin", nil, http.Header{"Range": {"bytes=100-199"}})
	f("GET", "/big.bin", nil, http.Header{"If-None-Match": {tag}})
	f("GET", "/page.txt", nil, http.Header{"Accept-Encoding": {"gzip"}}) // chunked
	f("GET", "/missing", nil, nil)
	f("GET", "/error", nil, nil)
	f("GET", "/moved", nil, nil)
	f("GET", "/empty", nil, nil)
	f("GET", "/item?a=%20b&c=%2F", nil, nil)
	f("POST", "/item", []byte(`{"quantity":1}`), nil)
	f("DELETE", "/files/none", nil, nil)
	return all, safe
}

// hammer sends n requests for the same small answer over 8 connections.
func hammer(t *testing.T, p *wire.Tain, n int) {
	t.Helper()
	var users sync.WaitGroup
	for range 8 {
		users.Go(func() {
			for range n / 8 {
				if got := ask(t, "GET", p.URL+"/item", nil, nil); got.status != 200 || string(got.body) != `{"id":7,"name":"green tea"}` {
					t.Errorf("GET /item: status %d, body %q", got.status, got.body)
					return
				}
			}
		})
	}
	users.Wait()
}

var wrkRequests = regexp.MustCompile(`(\d+) requests in`)

// wrk loads tain as fast as it goes for a second, and fails the test on any request that was not
// answered with 2xx. It returns how many were answered.
func wrk(t *testing.T, p *wire.Tain) int {
	t.Helper()
	out, err := exec.Command(wire.Need(t, "wrk"), "-t1", "-c16", "-d1s", p.URL+"/item").CombinedOutput()
	if err != nil {
		t.Fatalf("wrk: %v\n%s", err, out)
	}
	if bytes.Contains(out, []byte("Non-2xx")) || bytes.Contains(out, []byte("Socket errors")) {
		t.Errorf("wrk saw errors:\n%s", out)
	}
	count := wrkRequests.FindSubmatch(out)
	if count == nil {
		t.Fatalf("wrk says nothing about its requests:\n%s", out)
	}
	n, _ := strconv.Atoi(string(count[1])) // only digits match
	if n == 0 {
		t.Errorf("wrk got no answer:\n%s", out)
	}
	return n
}

// upload puts size bytes through tain with curl, which asks for 100 Continue, and fails the test
// unless exactly they lie on live's disk.
func upload(t *testing.T, live *nginx, p *wire.Tain, size int) {
	t.Helper()
	data := randomBytes(size)
	from := filepath.Join(t.TempDir(), "upload.bin")
	if err := os.WriteFile(from, data, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(wire.Need(t, "curl"), "--silent", "--show-error", "--max-time", "60", "--header", "Expect: 100-continue",
		"--upload-file", from, "--write-out", "%{http_code}", p.URL+"/files/upload.bin").CombinedOutput()
	if code := strings.TrimSpace(string(out)); err != nil || code != "201" && code != "204" {
		t.Errorf("uploading %d bytes: %v, %s; want 201 or 204", size, err, out)
	}
	if got := live.read("root/files/upload.bin"); !bytes.Equal(got, data) {
		t.Errorf("live has %d bytes of the upload, want the %d that were sent", len(got), size)
	}
}
