package netloop

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// discard takes what comes and ends with the connection.
func discard(c *Conn) {
	for c.Fill() == nil {
		c.Consume(len(c.Buffered()))
	}
	c.Close()
}

func noise(n int) []byte {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n)}).Read(p)
	return p
}

// TestQueueGoesOutTogether holds that what several coroutines queue in a turn is one segment.
func TestQueueGoesOutTogether(t *testing.T) {
	r := newRig(t, nil)
	ours, theirs := r.pair(discard, false)
	drained := 0
	r.on(func() {
		ours.OnDrain = func(*Conn) { drained++ }
		for _, text := range []string{"one ", "two ", "", "three"} {
			r.Go(func() { ours.Queue([]byte(text)) })
		}
	})
	got := make([]byte, 100)
	if n, err := theirs.Read(got); err != nil || string(got[:n]) != "one two three" {
		t.Errorf("the first read got %q, %v", got[:n], err)
	}
	r.on(func() {
		if ours.Queued() != 0 || ours.out != nil || len(r.outboxes) != 1 || len(r.buffers) == 0 {
			t.Error("the queue was not given back")
		}
		if drained != 1 {
			t.Errorf("drained %d times", drained)
		}
		if _, out := ours.TakeTraffic(); out != 13 {
			t.Errorf("%d bytes were counted, want 13", out)
		}
	})
}

// TestQueueOutsideOfCoroutines queues where no task makes the loop go round.
func TestQueueOutsideOfCoroutines(t *testing.T) {
	r := newRig(t, nil)
	ours, theirs := r.pair(discard, false)
	r.on(func() { ours.Queue([]byte("by a submission")) })
	expect(t, theirs, "by a submission")
	var timer Timer
	r.on(func() { r.After(&timer, time.Millisecond, func() { ours.Queue([]byte("by a timer")) }) })
	expect(t, theirs, "by a timer")
}

// TestQueueIsHeld fills the window, and then lets the peer read.
func TestQueueIsHeld(t *testing.T) {
	r := newRig(t, nil)
	ours, theirs := r.pair(discard, true)
	text := noise(4 << 20)
	drained := 0
	r.on(func() {
		ours.OnDrain = func(c *Conn) {
			if c != ours || r.Current() != nil || c.Queued() != 0 {
				t.Error("drained with bytes in the queue, or in a coroutine")
			}
			drained++
		}
		ours.Queue(text[:1<<20])
	})
	r.until("a part has gone", func() bool { return ours.Queued() < 1<<20 })
	r.on(func() {
		if ours.Queued() == 0 || ours.writable {
			t.Error("the window took it all")
		}
		ours.Queue(text[1<<20:])
	})
	got := make([]byte, len(text))
	if n, err := io.ReadFull(theirs, got); err != nil || !bytes.Equal(got, text) {
		t.Fatalf("%d of %d bytes arrived, %v", n, len(text), err)
	}
	r.until("it is drained", func() bool { return drained > 0 })
	r.on(func() {
		if drained != 1 || ours.out != nil || len(r.buffers) < 100 {
			t.Errorf("drained %d times, %d buffers were given back", drained, len(r.buffers))
		}
		if len(r.outboxes) != 0 {
			t.Error("the list of a very long queue is kept")
		}
	})
}

// TestDrainQueuesMore sends a stream by OnDrain alone.
func TestDrainQueuesMore(t *testing.T) {
	r := newRig(t, nil)
	ours, theirs := r.pair(discard, true)
	text := noise(8 << 20)
	rest := text
	more := func(c *Conn) {
		n := min(1<<20, len(rest))
		c.Queue(rest[:n])
		if rest = rest[n:]; len(rest) == 0 {
			c.CloseWrite()
		}
	}
	r.on(func() {
		ours.OnDrain = more
		more(ours)
	})
	got, err := io.ReadAll(theirs)
	if err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d of %d bytes arrived, %v", len(got), len(text), err)
	}
}

// TestDrainGivesWay holds that a stream by OnDrain whose peer takes all at once does not keep the loop.
func TestDrainGivesWay(t *testing.T) {
	r := newRig(t, nil)
	ours, theirs := r.pair(discard, false)
	go io.Copy(io.Discard, theirs)
	drained := 0
	r.on(func() {
		ours.OnDrain = func(c *Conn) {
			drained++
			c.Queue([]byte("x"))
		}
		ours.OnDrain(ours)
	})
	r.until("it goes on", func() bool { return drained > 100 }) // and others run meanwhile
}

// TestSendKeepsTheOrder sends behind what is queued, which the window does not take at once.
func TestSendKeepsTheOrder(t *testing.T) {
	f := func(name string, send func(c *Conn, p []byte) error) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			ours, theirs := r.pair(discard, true)
			text := noise(3 << 20)
			drained := make(chan struct{}, 1)
			_, sent := r.parked(func() error {
				ours.OnDrain = func(c *Conn) {
					select {
					case drained <- struct{}{}:
					default:
					}
				}
				ours.Queue(text[:1<<20])
				if err := send(ours, text[1<<20:2<<20]); err != nil {
					return err
				}
				ours.Queue(text[2<<20:])
				ours.CloseWrite()
				return nil
			})
			r.until("the sender waits", func() bool { return ours.writer != nil })
			got, err := io.ReadAll(theirs)
			if err != nil || !bytes.Equal(got, text) {
				t.Errorf("%d of %d bytes arrived, %v", len(got), len(text), err)
			}
			if err := wait(t, sent, "the sender"); err != nil {
				t.Error(err)
			}
			wait(t, drained, "the drain")
		})
	}
	f("Send", (*Conn).Send)
	f("Send2", func(c *Conn, p []byte) error { return c.Send2(p[:10], p[10:]) })
}

func TestCloseSendsWhatIsQueued(t *testing.T) {
	f := func(text string, end func(*Conn), want string, wantErr error) {
		t.Helper()
		r := newRig(t, nil)
		ours, theirs := r.pair(discard, false)
		r.on(func() {
			ours.Queue([]byte(text))
			end(ours)
			ours.Queue([]byte("more"))
			if ours.Queued() != 0 || ours.out != nil {
				t.Errorf("a closed connection has %d bytes queued", ours.Queued())
			}
		})
		got, err := io.ReadAll(theirs)
		if string(got) != want || !errors.Is(err, wantErr) {
			t.Errorf("read %q, %v; want %q, %v", got, err, want, wantErr)
		}
	}
	f("goodbye", (*Conn).Close, "goodbye", nil)
	f("goodbye", (*Conn).Abort, "", unix.ECONNRESET)
	f("", (*Conn).Close, "", nil)
}

// TestQueueOfAResetConnection holds that the error of a flush reaches everybody.
func TestQueueOfAResetConnection(t *testing.T) {
	r := newRig(t, nil)
	ours, theirs := r.pair(nil, true)
	other, _ := r.pair(nil, false)
	r.on(func() {
		ours.Use()
		other.Use()
		ours.Queue(noise(4 << 20))
	})
	_, filled := r.parked(ours.Fill)
	_, sent := r.parked(func() error { return ours.Send([]byte("behind it")) })
	_, guarded := r.parked(func() error {
		r.Guard(ours)
		return other.Fill()
	})
	r.until("all wait", func() bool { return ours.reader != nil && ours.writer != nil && other.reader != nil })
	reset(theirs)
	if err := wait(t, guarded, "the guarded one"); err != ErrGuard {
		t.Errorf("who works for it: %v", err)
	}
	for name, ch := range map[string]<-chan error{"Fill": filled, "Send": sent} {
		if err := wait(t, ch, name); !errors.Is(err, unix.ECONNRESET) && !errors.Is(err, unix.EPIPE) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r.in(func() {
		ours.Queue([]byte("more"))
		if ours.Queued() != 0 || !ours.Broken() {
			t.Errorf("a broken connection has %d bytes queued, broken: %v", ours.Queued(), ours.Broken())
		}
		if ours.Fill() == nil || ours.Wait() == nil || ours.Send([]byte("x")) == nil {
			t.Error("a broken connection is of use")
		}
	})
}

// TestFailureOfAnIdleConnection holds that a handler hears of it, and that a pool loses it.
func TestFailureOfAnIdleConnection(t *testing.T) {
	r := newRig(t, nil)
	failure := errors.New("the test's own")
	heard := make(chan error, 1)
	handled, theirs := r.pair(func(c *Conn) {
		err := c.Fill()
		for err == nil {
			c.Consume(1)
			err = c.Fill()
		}
		heard <- err
		c.Close()
	}, false)
	pooled, _ := r.pair(nil, false)
	write(t, theirs, "x")
	r.until("the byte is taken", func() bool { return handled.reader != nil })
	r.on(func() {
		pooled.Use()
		pooled.Idle()
		handled.fail(failure)
		handled.fail(errors.New("a later one"))
		pooled.fail(failure)
		if !pooled.Closed() {
			t.Error("it waits in its pool")
		}
	})
	if err := wait(t, heard, "the failure"); err != failure {
		t.Errorf("the handler heard %v", err)
	}
}

func TestSetHandler(t *testing.T) {
	r := newRig(t, nil)
	addr := r.listen(func(c *Conn) {
		c.Send([]byte("hello"))
		c.CloseWrite()
		discard(c)
	})
	low := make(chan bool, 1)
	r.in(func() {
		c, err := r.Dial(tcp(addr), patience)
		if err != nil {
			t.Error(err)
			return
		}
		c.SetHandler(func(c *Conn) {
			for c.Fill() == nil {
			}
			if string(c.Buffered()) != "hello" {
				t.Errorf("read %q", c.Buffered())
			}
			low <- r.Current().low
			c.Close()
		}, true)
		c.Send([]byte("x"))
		c.Idle()
	})
	if !wait(t, low, "the handler of a dialled connection") {
		t.Error("it runs as a live one")
	}
}

func TestRetire(t *testing.T) {
	r := newRig(t, nil)
	addr := r.listen(echo)
	idle, busy := dial(t, addr), dial(t, addr)
	write(t, busy, "x")
	expect(t, busy, "x")
	asked, theirs := r.pair(nil, false)
	retired := 0
	r.on(func() {
		asked.SetHandler(discard, false)
		asked.OnRetire = func(c *Conn) {
			retired++
			c.Queue([]byte("go away"))
		}
	})
	dialled := make(chan *Conn, 1)
	r.in(func() {
		c, err := r.Dial(tcp(addr), patience)
		if err != nil {
			t.Error(err)
			return
		}
		c.SetHandler(discard, false)
		c.Idle()
		dialled <- c
	})
	ours := wait(t, dialled, "a connection")
	r.until("all are there", func() bool { return r.countConns() == 5 })
	r.on(r.Retire)
	expectEnd(t, idle)
	expect(t, theirs, "go away")
	write(t, busy, "y")
	expect(t, busy, "y")
	r.on(func() {
		if retired != 1 || asked.Closed() {
			t.Errorf("it was asked %d times, closed: %v", retired, asked.Closed())
		}
		if ours.broken {
			t.Error("a dialled connection was retired")
		}
	})
}

// TestOutboxAgainstModel pushes, gathers and drops at random.
func TestOutboxAgainstModel(t *testing.T) {
	l := &Loop{}
	var o *outbox
	var model bytes.Buffer
	random := rand.New(rand.NewPCG(4, 4))
	for range 20000 {
		if n := random.IntN(3 * BufferSize); random.IntN(2) == 0 && model.Len() < 1<<20 {
			p := noise(1 + n)
			o = l.push(o, p)
			model.Write(p)
		} else if o != nil {
			n = min(n, o.len())
			o = l.drop(o, n)
			model.Next(n)
		}
		if o.len() != model.Len() {
			t.Fatalf("%d bytes, want %d", o.len(), model.Len())
		}
		if (o == nil) != (model.Len() == 0) {
			t.Fatal("an empty outbox was kept")
		}
		if o != nil && !bytes.HasPrefix(model.Bytes(), o.first()) {
			t.Fatal("the first bytes are others")
		}
	}
	if o != nil {
		o = l.drop(o, o.len())
	}
	if o != nil || len(l.outboxes) != 1 {
		t.Errorf("%d outboxes were given back", len(l.outboxes))
	}
}
