package netloop

import (
	"testing"
	"time"
)

// BenchmarkEcho is a round trip between two handlers on one loop: two parks, two sends, two
// receives. It allocates nothing.
func BenchmarkEcho(b *testing.B) {
	r := newRig(b, nil)
	addr := r.listen(echo)
	b.ReportAllocs()
	r.in(func() {
		c, err := r.Dial(tcp(addr), time.Second)
		if err != nil {
			b.Error(err)
			return
		}
		defer c.Close()
		roundTrips(b, c)
	})
}

// roundTrips sends a message and waits for its echo, as often as b says.
func roundTrips(b *testing.B, c *Conn) {
	message := []byte("hello")
	for b.Loop() {
		if err := c.Send(message); err != nil {
			b.Error(err)
			return
		}
		for len(c.Buffered()) < len(message) {
			if err := c.Fill(); err != nil {
				b.Error(err)
				return
			}
		}
		c.Consume(len(message))
	}
}

// BenchmarkTask is the start and the end of a coroutine from the loop's stock.
func BenchmarkTask(b *testing.B) {
	r := newRig(b, nil)
	b.ReportAllocs()
	r.in(func() {
		task := r.Current()
		wake := task.Wake
		for b.Loop() {
			r.Go(wake)
			task.Wait()
		}
	})
}

func BenchmarkWheelSet(b *testing.B) {
	f := func(name string, d func(i int64) int64) {
		b.Run(name, func(b *testing.B) {
			var w wheel
			timers := make([]Timer, 1024)
			b.ReportAllocs()
			for i := int64(0); b.Loop(); i++ {
				w.set(&timers[i&1023], int64(time.Second)+d(i))
			}
		})
	}
	f("later", func(i int64) int64 { return i })
	f("anywhere", func(i int64) int64 { return i * 7919 % int64(time.Minute) })
}

func BenchmarkSubmit(b *testing.B) {
	r := newRig(b, nil)
	ran := 0
	fn := func() { ran++ }
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		r.Submit(fn)
		n++
	}
	r.until("all ran", func() bool { return ran == n })
}

// BenchmarkSecureEcho is BenchmarkEcho over TLS 1.3.
func BenchmarkSecureEcho(b *testing.B) {
	r := newRig(b, nil)
	server, client := certified(b)
	addr := r.listen(securing(server, echo, nil))
	b.ReportAllocs()
	r.in(func() {
		c, err := r.Dial(tcp(addr), time.Second)
		if err == nil {
			err = c.Secure(client, false, patience)
		}
		if err != nil {
			b.Error(err)
			return
		}
		defer c.Close()
		roundTrips(b, c)
	})
}

// BenchmarkQueuedEcho is BenchmarkEcho with answers that are queued.
func BenchmarkQueuedEcho(b *testing.B) {
	r := newRig(b, nil)
	addr := r.listen(func(c *Conn) {
		for c.Fill() == nil {
			c.Queue(c.Buffered())
			c.Consume(len(c.Buffered()))
		}
		c.Close()
	})
	b.ReportAllocs()
	r.in(func() {
		c, err := r.Dial(tcp(addr), time.Second)
		if err != nil {
			b.Error(err)
			return
		}
		defer c.Close()
		roundTrips(b, c)
	})
}

// TestEchoDoesNotAllocate holds what the benchmarks measure. crypto/tls allocates 24 bytes for each
// record that it reads.
func TestEchoDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	f := func(name string, echo func(*testing.B), most int64) {
		t.Helper()
		if result := testing.Benchmark(echo); result.AllocsPerOp() > most || result.N == 0 {
			t.Errorf("%s: %d allocations a round trip in %d", name, result.AllocsPerOp(), result.N)
		}
	}
	f("cleartext", BenchmarkEcho, 0)
	f("queued", BenchmarkQueuedEcho, 0)
	f("TLS", BenchmarkSecureEcho, 2)
}
