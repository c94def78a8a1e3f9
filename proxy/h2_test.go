package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"

	"tain.dev/tain/route"
	"tain.dev/tain/test/wire"
	"tain.dev/tain/traffic"
)

// h2client asks over one connection of HTTP/2, in the clear.
func (r *rig) h2client(t testing.TB) *http.Client {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: framePatience}
}

// Large bodies go through both ways at the same time, many on one connection, with their trailers,
// byte for byte.
func TestLargeBodiesOverHTTP2(t *testing.T) {
	body := make([]byte, 3<<20)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(body)
	echo := func(client *http.Client, url string, n int) error {
		req, err := http.NewRequest("POST", url, io.MultiReader(bytes.NewReader(body[:n]))) // of a length that is not told
		if err != nil {
			return err
		}
		req.Trailer = http.Header{"X-Sum": {"7"}}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		if want := fmt.Sprint(n, nil, "7"); err != nil || !bytes.Equal(got, body[:n]) || resp.Trailer.Get("X-Sum") != want {
			return fmt.Errorf("%d of %d bytes came back, with the trailer %v, %v", len(got), n, resp.Trailer, err)
		}
		return nil
	}
	backend := startEcho(t)
	for _, scheme := range []string{"http", "h2c"} {
		r := start(t, plain(), "route all\nbackend "+scheme+"://"+backend, nil)
		client := r.h2client(t)
		var all sync.WaitGroup
		for _, n := range []int{0, 1, 16 << 10, 100_000, 1 << 20, 3 << 20} {
			for range 4 {
				all.Go(func() {
					if err := echo(client, "http://"+r.addr+"/", n); err != nil {
						t.Errorf("%s: %v", scheme, err)
					}
				})
			}
		}
		all.Wait()
		wire.Becomes(t, "errors", "", r.errors)
		client.CloseIdleConnections()
	}
}

// Many requests at once over one connection do not mix, whatever becomes of the others.
func TestManyStreams(t *testing.T) {
	const streams, rounds = 64, 5
	r := start(t, plain(), "route all\nbackend http://"+startEcho(t), nil)
	client := r.h2client(t)
	var all sync.WaitGroup
	for i := range streams {
		all.Go(func() {
			for round := range rounds {
				ctx, cancel := context.WithCancel(t.Context())
				text := strings.Repeat(fmt.Sprintf("%d,%d;", i, round), 1+i*round)
				req, _ := http.NewRequestWithContext(ctx, "POST", "http://"+r.addr+"/", strings.NewReader(text))
				if i%4 == 3 { // they give up
					cancel()
				}
				resp, err := client.Do(req)
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Errorf("stream %d: %v", i, err)
				}
				if err == nil {
					if got, err := io.ReadAll(resp.Body); ctx.Err() == nil && (err != nil || string(got) != text) {
						t.Errorf("stream %d gets %.40q, want %.40q; %v", i, got, text, err)
					}
					resp.Body.Close()
				}
				cancel()
			}
		})
	}
	all.Wait()
	client.CloseIdleConnections()
}

// Live is held back by a user whose window is closed, and that holds back no other stream.
func TestBackPressureOverHTTP2(t *testing.T) {
	const most = 16 << 20 // what the kernel keeps
	r := start(t, plain(), allToLive, noOffer)
	user := r.h2user(t, "user", "SETTINGS INITIAL_WINDOW_SIZE=10")
	user.sends("HEADERS 1 end GET /\r\n")
	live := r.live.Accepts()
	live.Gets(get)
	live.Sends("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
	if n := fill(live); n > most {
		t.Errorf("%d bytes of an answer were taken that nobody reads", n)
	}
	user.gets("HEADERS 1 200\ncontent-length: 1000000000\nDATA 1 ..........\n")
	user.sends("HEADERS 3 end GET /\r\n")
	other := r.live.Accepts()
	other.Gets(get)
	other.Sends(noContent)
	user.gets("HEADERS 3 end 204\n")
	user.sends("RST_STREAM 1 CANCEL\r\n")
	live.SeesBreak()
	user.Closes()
}

// A hook that panics costs the stream of that request, and no other.
func TestPanicsOverHTTP2(t *testing.T) {
	memory, err := traffic.NewMemory(1 << 16)
	if err != nil {
		t.Fatal(err)
	}
	f := func(scheme, path string) {
		t.Helper()
		offer := func(_ int, _ *route.Route, q *route.Request, _ *traffic.Arrival) *traffic.Exchange {
			if q.Path == "/offer" {
				panic("BUG: on purpose")
			}
			x := &traffic.Exchange{}
			progress, panicked := q.Path == "/progress", false
			x.Progress = func() {
				if progress && !panicked && x.Request.Size == 4 {
					panicked = true
					panic("BUG: on purpose")
				}
			}
			x.Reset(memory)
			return x
		}
		r := start(t, plain(), "route all\nbackend "+scheme+"://"+startEcho(t), offer)
		r.wantBugs = 1
		user := r.h2user(t, "user", "")
		user.sends("HEADERS 1 POST /\r\nDATA 1 hello\r\n")
		user.sends("HEADERS 3 POST " + path + "\r\nDATA 3 ab\r\n")
		r.turns()
		user.sends("DATA 3 cd\r\nDATA 1 end !\r\n")
		answered, reset := false, false
		for !answered || !reset {
			if err := user.next(); err != nil {
				t.Fatal(err)
			}
			for _, e := range user.got {
				answered = answered || e.stream == 1 && e.end
				reset = reset || e.stream == 3 && e.kind == "RST_STREAM"
			}
		}
		user.Closes()
		wire.Until(t, "the user to be gone", func() bool { return r.Counts().Clients == 0 })
		wire.Until(t, "the captures to be freed", func() bool { return memory.Used() == 0 })
	}
	for _, scheme := range []string{"http", "h2c"} {
		f(scheme, "/offer")
		f(scheme, "/progress")
	}
}
