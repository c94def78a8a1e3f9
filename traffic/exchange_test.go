package traffic

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// message captures a body in pieces of the given size.
func message(m *Memory, limit, piece int, head string, body []byte) *Exchange {
	x := &Exchange{}
	x.Reset(m)
	r := &x.Response
	r.Limit = limit
	r.SetHead([]byte(head))
	for p := range slices.Chunk(body, max(piece, 1)) {
		r.Append(p)
	}
	return x
}

func TestMessage(t *testing.T) {
	f := func(limit, piece, size, captured int) {
		t.Helper()
		body := random(size, 5)
		x := message(newMemory(t, 100), limit, piece, "HTTP/1.1 200 OK\r\n", body)
		r := &x.Response
		var scratch []byte
		if got := r.Head(&scratch); string(got) != "HTTP/1.1 200 OK\r\n" {
			t.Errorf("head %q", got)
		}
		if r.Size != int64(size) || r.Captured() != captured || r.Truncated() != (captured < size) {
			t.Errorf("limit %d, %d bytes by %d: size %d, captured %d, truncated %v", limit, size, piece, r.Size, r.Captured(), r.Truncated())
		}
		if got := r.Body(&scratch); !bytes.Equal(got, body[:captured]) {
			t.Errorf("limit %d, %d bytes by %d: another body of %d bytes", limit, size, piece, len(got))
		}
		var pieces []byte
		var c Cursor
		for p := r.NextBody(&c); p != nil; p = r.NextBody(&c) {
			pieces = append(pieces, p...)
		}
		if !bytes.Equal(pieces, body[:captured]) {
			t.Errorf("limit %d, %d bytes by %d: read piece by piece, the body is another", limit, size, piece)
		}
		x.Release()
	}
	f(10000, 1000, 0, 0)
	f(10000, 1000, 1, 1)
	f(10000, 1000, 5000, 5000)
	f(10000, 1000, 10000, 10000)
	f(10000, 1000, 10001, 10000)
	f(10000, 999, 20000, 10000)
	f(10000, 20000, 20000, 10000)
	f(0, 100, 1000, 0)
}

// TestMessageWithoutMemory holds that a refusal ends the capture: a later, smaller piece must not
// close the gap.
func TestMessageWithoutMemory(t *testing.T) {
	m := newMemory(t, 2)
	x := message(m, 1<<20, 1000, "head", random(1000, 6))
	r := &x.Response
	if r.Append(random(2*BlockSize, 7)) {
		t.Error("more than the budget was captured")
	}
	if r.Append([]byte("small")) {
		t.Error("a body with a gap was captured")
	}
	if r.Captured() != 1000 || r.Size != 1000+2*BlockSize+5 || !r.Truncated() {
		t.Errorf("captured %d of %d", r.Captured(), r.Size)
	}
	if y := message(m, 0, 1, "", nil); y.Response.SetHead(random(2*BlockSize, 8)) {
		t.Error("a head over the budget was captured")
	}
	x.Release()
	if m.Used() != 0 {
		t.Errorf("%d bytes are used after the release", m.Used())
	}
}

func TestSameBody(t *testing.T) {
	const limit = 5000
	var one, two []byte
	f := func(name string, a, b *Exchange, same, known bool) {
		t.Helper()
		for _, swap := range []bool{false, true} {
			if swap {
				a, b = b, a
			}
			if s, k := a.Response.SameBody(&b.Response, &one, &two); s != same || k != known {
				t.Errorf("%s: same %v, known %v; want %v, %v", name, s, k, same, known)
			}
		}
	}
	m := newMemory(t, 1000)
	capture := func(piece int, body []byte) *Exchange { return message(m, limit, piece, "head", body) }
	small, large := random(3000, 9), random(20000, 10)
	changed := func(body []byte, at int) []byte {
		body = bytes.Clone(body)
		body[at]++
		return body
	}
	f("none", capture(1, nil), capture(1, nil), true, true)
	f("small", capture(100, small), capture(999, small), true, true)
	f("small, the last byte differs", capture(100, small), capture(999, changed(small, 2999)), false, true)
	f("one is shorter", capture(100, small), capture(100, small[:2999]), false, true)
	f("large", capture(100, large), capture(7777, large), true, true)
	f("large, in one piece", capture(1, large), capture(len(large), large), true, true)
	f("large, the beginning differs", capture(100, large), capture(7777, changed(large, 10)), false, true)
	f("large, the rest differs", capture(100, large), capture(7777, changed(large, 19999)), false, true)
	f("large, just after the limit", capture(100, large), capture(100, changed(large, limit)), false, true)
	f("another head", capture(100, large), message(m, limit, 100, "another head", large), true, true)
	f("cut elsewhere", capture(100, large), message(m, limit-1, 100, "head", large), false, false)
	f("cut elsewhere, another length", capture(100, large), message(m, limit-1, 100, "head", large[1:]), false, true)
}

func TestHoldAndRelease(t *testing.T) {
	m := newMemory(t, 100)
	recycled := 0
	progressed := 0
	x := &Exchange{Recycle: func(*Exchange) { recycled++ }, Progress: func() { progressed++ }}
	for round := 1; round <= 3; round++ {
		x.Reset(m)
		if x.ID != 0 || x.Status != 0 || x.Done || x.Request.Size != 0 || x.Response.Captured() != 0 || x.Recycle == nil || x.Progress == nil {
			t.Fatalf("round %d: Reset left %+v", round, x)
		}
		x.ID, x.Status, x.Done, x.Fault = 7, 200, true, "live"
		x.Request.Limit, x.Response.Limit = 10000, 10000
		x.Request.SetHead([]byte("GET / HTTP/1.1\r\n"))
		x.Request.Append(random(5000, 1))
		x.Response.Append(random(20000, 2))
		x.Hold()
		x.Hold()
		x.Release()
		x.Release()
		if recycled != round-1 || m.Used() == 0 {
			t.Fatalf("round %d: recycled %d times while it was held", round, recycled)
		}
		x.Release()
		if recycled != round || m.Used() != 0 {
			t.Fatalf("round %d: recycled %d times, %d bytes are used", round, recycled, m.Used())
		}
	}
	unbound := &Exchange{}
	unbound.Reset(m)
	unbound.Release()
	if progressed != 0 {
		t.Error("Progress is for its carrier to call")
	}
}

// TestReleaseOnManyGoroutines holds that the last one recycles, once.
func TestReleaseOnManyGoroutines(t *testing.T) {
	m := newMemory(t, 100)
	var recycled atomic.Int32
	for range 100 {
		x := &Exchange{Recycle: func(*Exchange) { recycled.Add(1) }}
		x.Reset(m)
		x.Response.Limit = 1000
		x.Response.Append(random(1000, 3))
		var all sync.WaitGroup
		const holders = 8
		for range holders - 1 {
			x.Hold()
		}
		for range holders {
			all.Go(func() {
				if x.Response.Captured() != 1000 {
					t.Error("it was freed while it was held")
				}
				x.Release()
			})
		}
		all.Wait()
	}
	if recycled.Load() != 100 || m.Used() != 0 {
		t.Errorf("recycled %d times, want 100; %d bytes are used", recycled.Load(), m.Used())
	}
}

func TestCaptureDoesNotAllocate(t *testing.T) {
	m := newMemory(t, 100)
	x := &Exchange{}
	head, body := []byte("GET / HTTP/1.1\r\nHost: shop\r\n"), random(3000, 4)
	var scratch []byte
	run := func() {
		x.Reset(m)
		x.Request.Limit = 10000
		x.Request.SetHead(head)
		x.Request.Append(body)
		x.Response.Trailer = append(x.Response.Trailer, "grpc-status: 0\r\n"...)
		x.Request.Head(&scratch)
		x.Request.Body(&scratch)
		var c Cursor
		for x.Request.NextBody(&c) != nil {
		}
		for range Fields(head) {
		}
		for range Lines(x.Response.Trailer) {
		}
		x.Release()
	}
	run()
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations for a captured message", n)
	}
}

// TestTrailersDoNotOutliveTheirExchange holds that an exchange begins without the trailers of the one
// before, and that the storage of a large one is let go.
func TestTrailersDoNotOutliveTheirExchange(t *testing.T) {
	f := func(lines string, kept bool) {
		t.Helper()
		x := &Exchange{}
		x.Request.Trailer, x.Response.Trailer = []byte(lines), []byte(lines)
		x.Reset(nil)
		for _, got := range [][]byte{x.Request.Trailer, x.Response.Trailer} {
			if len(got) != 0 || (cap(got) > 0) != kept {
				t.Errorf("of %d bytes of trailers, %d are left, with room for %d", len(lines), len(got), cap(got))
			}
		}
	}
	f("", false)
	f("grpc-status: 0\r\n", true)
	f("a: "+strings.Repeat("b", keptTrailer)+"\r\n", false)
}

func TestLines(t *testing.T) {
	var got []string
	for name, value := range Lines([]byte("grpc-status: 5\r\ngrpc-message:no such order\r\ncut")) {
		got = append(got, string(name)+"="+string(value))
	}
	if want := []string{"grpc-status=5", "grpc-message=no such order", "cut="}; !slices.Equal(got, want) {
		t.Errorf("the lines are %q, want %q", got, want)
	}
	for range Lines(nil) {
		t.Error("no lines have a field")
	}
}

func TestFields(t *testing.T) {
	f := func(head string, want ...string) {
		t.Helper()
		var got []string
		for name, value := range Fields([]byte(head)) {
			got = append(got, string(name)+"="+string(value))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q has the fields %q, want %q", head, got, want)
		}
	}
	f("")
	f("GET / HTTP/1.1\r\n")
	f("GET / HTTP/1.1\r\nHost: shop\r\n", "Host=shop")
	f("GET / HTTP/1.1\r\nHost: shop\r\nA:1\r\nA: \t2\r\nEmpty:\r\nTime: 12:30\r\n", "Host=shop", "A=1", "A=2", "Empty=", "Time=12:30")
	for range Fields([]byte("GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\n")) {
		break
	}
}

func TestPairFinish(t *testing.T) {
	m := newMemory(t, 10)
	var order []string
	exchange := func(name string) *Exchange {
		x := &Exchange{Recycle: func(*Exchange) { order = append(order, name) }}
		x.Reset(m)
		return x
	}
	p := &Pair{Live: exchange("live"), Mirror: exchange("mirror")}
	var reason Uncompared
	p.Settle = func(q *Pair, why Uncompared) {
		if q != p || len(order) > 0 {
			t.Error("the pair is settled before its exchanges go")
		}
		reason = why
	}
	p.Finish(UncomparedBacklog)
	if reason != UncomparedBacklog || !slices.Equal(order, []string{"live", "mirror"}) {
		t.Errorf("settled as %v, released %v", reason, order)
	}
}
