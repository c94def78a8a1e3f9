//go:build linux

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// startOrigin serves an [origin] in this process.
func startOrigin(t *testing.T) *server {
	s := httptest.NewUnstartedServer(newOrigin())
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return &server{name: "origin", addr: strings.TrimPrefix(s.URL, "http://")}
}

// TestPatternRepeatsNothing holds that a digest notices a block that is lost or in another's place,
// and that the size of the reads does not matter.
func TestPatternRepeatsNothing(t *testing.T) {
	const block = 64 << 10
	whole, err := io.ReadAll(newPattern(4*block + 100))
	if err != nil || len(whole) != 4*block+100 {
		t.Fatalf("%d bytes: %v", len(whole), err)
	}
	for i := range 4 {
		for j := range i {
			if bytes.Equal(whole[i*block:(i+1)*block], whole[j*block:(j+1)*block]) {
				t.Errorf("blocks %d and %d are the same", j, i)
			}
		}
	}
	var pieces bytes.Buffer
	if _, err := io.CopyBuffer(struct{ io.Writer }{&pieces}, newPattern(4*block+100), make([]byte, 777)); err != nil || !bytes.Equal(pieces.Bytes(), whole) {
		t.Errorf("read in small pieces, the pattern is another one: %v", err)
	}
}

// TestStreaming streams without a tain in between.
func TestStreaming(t *testing.T) {
	const size = 3_000_000
	b := &bench{ctx: t.Context()}
	f := func(p protocol, upload bool) {
		t.Helper()
		live := startOrigin(t)
		s := &streaming{protocol: p, upload: upload, size: size, live: live, target: live, tain: admin(t, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, `{"findings":[],"total":0}`)
		})}
		s.tain.addr = live.addr
		if err := s.exchange(t.Context()); err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(newPattern(size))
		sum := sha256.Sum256(body)
		if want := (digest{size, hex.EncodeToString(sum[:]), true}); s.user != want {
			t.Errorf("%s: the user has %+v, want %+v", s.name(), s.user, want)
		}
		judge := func(books account, faulty bool, copied string) {
			t.Helper()
			faults, c, err := b.judge(s, &books)
			if err != nil || (len(faults) > 0) != faulty || c != copied {
				t.Errorf("%s, %+v: faults %q, copy %q, error %v", s.name(), books, faults, c, err)
			}
		}
		judge(account{Seen: 1, Compared: 1}, false, "the copy is identical")
		judge(account{Seen: 1}, true, "the copy differs")
		judge(account{Seen: 1, Failed: map[string]int{"memory": 1}}, false, "the copy is counted as failed{memory} 1")
		judge(account{Seen: 1, Compared: 1, Imbalance: "seen is not sent"}, true, "the copy is identical")
		s.user.Sum = "another"
		judge(account{Seen: 1, Compared: 1}, true, "the copy is identical")
	}
	f(http1, false)
	f(http1, true)
	f(http2, false)
	f(http2, true)
}

// TestOriginSaysWhatBroke holds that half a body never passes for a whole one.
func TestOriginSaysWhatBroke(t *testing.T) {
	o := startOrigin(t)
	r, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+o.addr+"/stream/half", io.MultiReader(strings.NewReader("half"), brokenReader{}))
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := http.DefaultClient.Do(r); err == nil {
		t.Fatalf("a broken upload was answered with %s", answer.Status)
	}
	d, err := (&bench{ctx: t.Context()}).digestOf(o, "half")
	if err != nil || d.Whole || d.Bytes != 4 {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := o.digest("nothing"); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("error %v, want a 404", err)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
