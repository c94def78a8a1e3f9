package test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"tain.dev/tain/test/faulty"
	"tain.dev/tain/test/wire"
)

func startFaulty(t *testing.T, mode string) *faulty.Server {
	t.Helper()
	s, err := faulty.Start(mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// TestFaults mirrors to every kind of bad target. Users notice nothing, every request is in the
// books, and the books balance: under the load, and in the report after the drain. want names
// what must have happened to copies, want[0] being the fault's own line.
func TestFaults(t *testing.T) {
	const requests = 400
	f := func(mode string, want ...string) {
		t.Run(mode, func(t *testing.T) {
			if testing.Short() && mode != "never-answer" && mode != "reset" {
				t.Skip("one target that hangs and one that breaks are enough for -short")
			}
			live, target := startNginx(t), startFaulty(t, mode)
			p := wire.StartMirror(t, live.url, "http://"+target.Addr, "--timeout", "1s")
			all, safe := asUsual(t, live, p)
			hammer(t, p, requests)
			b := p.Books(t)
			if b["seen"] != all+requests || b["unmatched/method"] != all-safe {
				t.Errorf("%d requests seen and %d unsafe ones, want %d and %d", b["seen"], b["unmatched/method"], all+requests, all-safe)
			}
			n := wrk(t, p)
			if b := p.Books(t); b["seen"] < all+requests+n {
				t.Errorf("%d requests seen, want %d and more", b["seen"], all+requests+n)
			}
			for _, line := range want {
				if b := p.Settled(t); b[line] == 0 {
					t.Errorf("no copy is counted as %s: %v", line, b)
				}
			}
			p.Stop(t)
		})
	}
	f("ok", "answered", "compared")
	f("refuse", "failed/connect")
	f("accept-never-read", "failed/timeout")
	f("never-answer", "failed/timeout")
	f("drip", "failed/timeout")
	f("reset", "failed/reset")
	f("garbage", "failed/malformed")
	f("endless", "failed/limit")
	f("slow:20ms", "answered", "compared")
	f("close", "answered", "compared")
	f("differ", "answered", "compared")
	f("early", "answered", "compared")
}

// TestUploads sends large bodies to live while their copies get stuck at the target.
func TestUploads(t *testing.T) {
	f := func(mode string, flags ...string) {
		t.Run(mode+strings.Join(flags, ""), func(t *testing.T) {
			live, target := startNginx(t), startFaulty(t, mode)
			p := wire.StartMirror(t, live.url, "http://"+target.Addr, append(flags, "--writes")...)
			upload(t, live, p, 10_000)
			upload(t, live, p, 50<<20)
			hammer(t, p, 80)
			if b := p.Books(t); b["seen"] != 82 {
				t.Errorf("%d requests seen, want 82", b["seen"])
			}
			p.Stop(t)
		})
	}
	f("ok")
	f("ok", "--max-copy-body", "64MiB")
	f("accept-never-read", "--max-copy-body", "64MiB")
	f("accept-never-read", "--max-copy-body", "64MiB", "--mirror-memory", "1MiB")
	f("never-answer", "--max-copy-body", "64MiB")
	f("early", "--max-copy-body", "64MiB")
	f("reset", "--max-copy-body", "64MiB")
	f("refuse", "--max-copy-body", "64MiB")
}

// TestMemoryIsBounded gives the mirror next to no memory and a target that holds on to copies.
func TestMemoryIsBounded(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "never-answer")
	p := wire.StartMirror(t, live.url, "http://"+target.Addr, "--mirror-memory", "64KiB")
	wrk(t, p)
	if b := p.Books(t); b["dropped/memory"] == 0 {
		t.Errorf("no copy was dropped for memory: %v", b)
	}
	asUsual(t, live, p)
	p.Stop(t)
}

// TestTargetDies takes a healthy target away in the middle of the load.
func TestTargetDies(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "ok")
	p := wire.StartMirror(t, live.url, "http://"+target.Addr)
	var load sync.WaitGroup
	load.Go(func() { hammer(t, p, 4000) })
	wire.Until(t, "answers of the target", func() bool { return p.Books(t)["answered"] > 200 })
	target.Close()
	load.Wait()
	b := p.Settled(t)
	if b["seen"] != 4000 || b["failed"]+b["dropped"] == 0 {
		t.Errorf("want 4000 requests seen and some copies failed: %v", b)
	}
	p.Stop(t)
}

// TestLiveDies takes live away and brings it back. Users get a short 502 and nothing hangs.
func TestLiveDies(t *testing.T) {
	live, target := startNginx(t), startFaulty(t, "ok")
	p := wire.StartMirror(t, live.url, "http://"+target.Addr)
	hammer(t, p, 80)
	live.stop()
	for range 20 {
		if got := ask(t, "GET", p.URL+"/item", nil, nil); got.status != http.StatusBadGateway || len(got.body) > 500 {
			t.Errorf("without live: status %d and %d bytes, want 502 and a short body", got.status, len(got.body))
		}
	}
	live.start(t)
	hammer(t, p, 80)
	b := p.Settled(t)
	if b["seen"] != 180 {
		t.Errorf("%d requests seen, want 180: %v", b["seen"], b)
	}
	if b["compared"] < 150 || b["compared"] > 160 {
		t.Errorf("%d pairs compared, want about the 160 that live answered: %v", b["compared"], b)
	}
	p.Stop(t)
}
