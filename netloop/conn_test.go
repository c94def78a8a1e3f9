package netloop

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestEcho(t *testing.T) {
	r := newRig(t, nil)
	c := dial(t, r.listen(echo))
	for _, text := range []string{"a", "hello", strings.Repeat("x", BufferSize), strings.Repeat("y", 3*BufferSize+1)} {
		write(t, c, text)
		expect(t, c, text)
	}
	c.CloseWrite()
	expectEnd(t, c)
}

// TestEchoStream sends much through little: both sides park in turn, and nothing may be lost.
func TestEchoStream(t *testing.T) {
	r := newRig(t, nil)
	_, theirs := r.pair(echo, false)
	sent := make([]byte, 32<<20)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(sent)
	go func() {
		for p := sent; len(p) > 0; {
			n := min(len(p), 1+int(random.Uint64()%200000))
			if _, err := theirs.Write(p[:n]); err != nil {
				t.Errorf("write: %v", err)
			}
			p = p[n:]
		}
		theirs.CloseWrite()
	}()
	got, err := io.ReadAll(theirs)
	if err != nil || !bytes.Equal(got, sent) {
		t.Fatalf("%d of %d bytes came back, %v", len(got), len(sent), err)
	}
}

func TestFillTakesWhatComes(t *testing.T) {
	r := newRig(t, nil)
	filled := make(chan string)
	more := make(chan struct{})
	ours, theirs := r.pair(func(c *Conn) {
		for c.Fill() == nil {
			text := string(c.Buffered())
			go func() { filled <- text }()
		}
		c.Close()
		close(more)
	}, false)
	want := ""
	for _, part := range []string{"one", " two", " three"} {
		write(t, theirs, part)
		want += part
		if got := wait(t, filled, "bytes"); got != want {
			t.Fatalf("buffered %q, want %q", got, want)
		}
	}
	theirs.CloseWrite()
	wait(t, more, "the end")
	r.on(func() {
		if in, out := ours.TakeTraffic(); in != uint64(len(want)) || out != 0 {
			t.Errorf("%d bytes in, %d out", in, out)
		}
	})
}

func TestConsume(t *testing.T) {
	r := newRig(t, nil)
	_, theirs := r.pair(func(c *Conn) {
		defer c.Close()
		for len(c.Buffered()) < 6 {
			if err := c.Fill(); err != nil {
				t.Errorf("fill: %v", err)
				return
			}
		}
		c.Consume(2)
		c.Send(c.Buffered())
		c.Consume(4)
		c.Send(c.Buffered())
	}, false)
	write(t, theirs, "abcdef")
	expect(t, theirs, "cdef")
	expectEnd(t, theirs)
}

func TestLimit(t *testing.T) {
	f := func(limit, want int) {
		t.Helper()
		r := newRig(t, nil)
		full := make(chan int, 1)
		_, theirs := r.pair(func(c *Conn) {
			c.SetLimit(limit)
			var err error
			for err == nil {
				err = c.Fill()
			}
			if !errors.Is(err, ErrFull) {
				t.Errorf("fill: %v", err)
			}
			full <- len(c.Buffered())
			c.Consume(1)
			if err := c.Fill(); err != nil {
				t.Errorf("fill after a byte was consumed: %v", err)
			}
			c.Close()
		}, false)
		go theirs.Write(make([]byte, 2*want))
		if got := wait(t, full, "a full buffer"); got != want {
			t.Errorf("limit %d: %d bytes were buffered, want %d", limit, got, want)
		}
	}
	f(BufferSize, BufferSize)
	f(64<<10, 64<<10)
	f(50000, 50000)
	f(100, BufferSize)
}

// TestSendParksAndResumes holds back-pressure: a peer that does not read stops the handler, one
// that reads again moves it.
func TestSendParksAndResumes(t *testing.T) {
	f := func(name string, send func(c *Conn, p []byte) error) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			text := make([]byte, 8<<20)
			rand.NewChaCha8([32]byte{2}).Read(text)
			ours, theirs := r.pair(func(c *Conn) {
				if err := send(c, text); err != nil {
					t.Errorf("send: %v", err)
				}
				c.Close()
			}, true)
			write(t, theirs, "go")
			r.until("the handler waits for room", func() bool { return ours.writer != nil })
			r.until("it still does", func() bool { return ours.writer != nil })
			got, err := io.ReadAll(theirs)
			// The unread "go" makes the close a reset, after all was sent.
			if err != nil && !errors.Is(err, unix.ECONNRESET) || !bytes.Equal(got, text) {
				t.Errorf("%d of %d bytes arrived, %v", len(got), len(text), err)
			}
			r.on(func() {
				if _, out := ours.TakeTraffic(); out != uint64(len(text)) {
					t.Errorf("%d bytes were counted, want %d", out, len(text))
				}
			})
		})
	}
	drain := func(c *Conn) { c.Fill(); c.Consume(len(c.Buffered())) }
	f("Send", func(c *Conn, p []byte) error { drain(c); return c.Send(p) })
	f("Send2", func(c *Conn, p []byte) error { drain(c); return c.Send2(p[:len(p)/3], p[len(p)/3:]) })
	f("Send2 with a short head", func(c *Conn, p []byte) error { drain(c); return c.Send2(p[:1], p[1:]) })
	f("Send2 with nothing first", func(c *Conn, p []byte) error { drain(c); return c.Send2(nil, p) })
	f("Send2 with nothing second", func(c *Conn, p []byte) error { drain(c); return c.Send2(p, nil) })
}

func TestHalfClose(t *testing.T) {
	r := newRig(t, nil)
	_, theirs := r.pair(func(c *Conn) {
		var err error
		for err == nil {
			err = c.Fill()
		}
		if err != io.EOF {
			t.Errorf("fill: %v, want the end", err)
		}
		if c.Broken() {
			t.Error("a half-closed connection counts as broken")
		}
		c.Send(c.Buffered()) // the other direction is open still
		c.CloseWrite()
		c.Close()
		c.CloseWrite()
		c.Abort()
	}, false)
	write(t, theirs, "question")
	theirs.CloseWrite()
	expect(t, theirs, "question")
	expectEnd(t, theirs)
}

func TestResetWhileParked(t *testing.T) {
	f := func(name string, park func(*Conn) error) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			ended := make(chan error, 1)
			ours, theirs := r.pair(func(c *Conn) {
				c.Fill()
				c.Consume(len(c.Buffered()))
				ended <- park(c)
				if !c.Broken() {
					t.Error("a connection that was reset is not broken")
				}
				c.Close()
			}, true)
			write(t, theirs, "go")
			r.until("the handler waits", func() bool { return ours.received > 0 && (ours.reader != nil || ours.writer != nil) })
			reset(theirs)
			err := wait(t, ended, "the wait to end")
			if !errors.Is(err, unix.ECONNRESET) && !errors.Is(err, unix.EPIPE) {
				t.Errorf("it ended with %v", err)
			}
		})
	}
	f("Fill", (*Conn).Fill)
	f("Send", func(c *Conn) error { return c.Send(make([]byte, 8<<20)) })
	f("Wait", (*Conn).Wait)
}

// reset closes a connection in a way that its peer sees as a reset.
func reset(c *net.TCPConn) {
	c.SetLinger(0)
	c.Close()
}

func TestAbortResets(t *testing.T) {
	r := newRig(t, nil)
	_, theirs := r.pair(func(c *Conn) {
		c.Fill()
		c.Consume(len(c.Buffered()))
		c.Send([]byte("half of"))
		c.Abort()
	}, false)
	write(t, theirs, "go")
	if _, err := io.ReadAll(theirs); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("reading an aborted answer: %v", err)
	}
}

func TestDeadlines(t *testing.T) {
	f := func(name string, want error, park func(*Conn) error) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, fakeClock)
			ended := make(chan error, 1)
			ours, theirs := r.pair(func(c *Conn) {
				c.Fill()
				c.Consume(len(c.Buffered()))
				c.SetDeadline(10 * time.Second)
				ended <- park(c)
				c.Close()
			}, true)
			write(t, theirs, "go")
			r.until("the handler waits", func() bool { return ours.received > 0 && (ours.reader != nil || ours.writer != nil) })
			r.advance(9 * time.Second)
			select {
			case err := <-ended:
				t.Fatalf("ended early: %v", err)
			default:
			}
			r.advance(time.Second + tick)
			if err := wait(t, ended, "the deadline"); err != want {
				t.Errorf("it ended with %v, want %v", err, want)
			}
		})
	}
	f("Fill", ErrTimeout, (*Conn).Fill)
	f("Send", ErrTimeout, func(c *Conn) error { return c.Send(make([]byte, 8<<20)) })
	f("Send2", ErrTimeout, func(c *Conn) error { return c.Send2(make([]byte, 4<<20), make([]byte, 4<<20)) })
	f("Wait", ErrTimeout, (*Conn).Wait)
	f("every later wait", ErrTimeout, func(c *Conn) error {
		c.Fill()
		return c.Fill()
	})
}

func TestDeadlineMoved(t *testing.T) {
	r := newRig(t, fakeClock)
	var waits int
	ours, theirs := r.pair(func(c *Conn) {
		for {
			c.SetDeadline(10 * time.Second)
			if err := c.Fill(); err != nil {
				if err != ErrTimeout {
					t.Errorf("fill: %v", err)
				}
				c.SetDeadline(0)
				if err := c.Fill(); err != nil {
					t.Errorf("without a deadline, fill: %v", err)
				}
				echo(c)
				return
			}
			waits++
		}
	}, false)
	for i := range 5 {
		write(t, theirs, "x")
		r.until("the byte is taken", func() bool { return waits == i+1 && ours.reader != nil })
		r.advance(9 * time.Second)
	}
	r.advance(time.Second + tick)
	r.until("the deadline passed", func() bool { return !ours.timedOut && ours.reader != nil })
	r.advance(time.Hour)
	write(t, theirs, "y")
	expect(t, theirs, "xxxxxy")
}

func TestIdleDeadlineCloses(t *testing.T) {
	r := newRig(t, fakeClock)
	closed := make(chan struct{})
	ours, theirs := r.pair(func(c *Conn) {
		c.Fill()
		c.Consume(len(c.Buffered()))
		c.SetDeadline(time.Minute)
		c.Idle()
	}, false)
	r.on(func() { ours.OnClose = func(*Conn) { close(closed) } })
	write(t, theirs, "a")
	r.until("it is idle", func() bool { return ours.received == 1 && ours.idle })
	r.advance(59 * time.Second)
	write(t, theirs, "b") // it is alive, and that moves the deadline
	r.until("it is idle", func() bool { return ours.received == 2 && ours.idle })
	r.advance(59 * time.Second)
	select {
	case <-closed:
		t.Fatal("closed early")
	default:
	}
	r.advance(time.Second + tick)
	wait(t, closed, "the close")
	expectEnd(t, theirs)
}

// TestIdleHoldsNoMemory looks at what a thousand idle connections own.
func TestIdleHoldsNoMemory(t *testing.T) {
	r := newRig(t, nil)
	addr := r.listen(func(c *Conn) {
		c.Fill()
		c.Send(c.Buffered())
		c.Consume(len(c.Buffered()))
		c.Idle()
	})
	const conns = 1000
	for range conns {
		c := dial(t, addr)
		write(t, c, "hello")
		expect(t, c, "hello")
	}
	r.until("all are idle", func() bool { return r.idleConns() == conns })
	r.on(func() {
		for _, c := range r.conns {
			if c != nil && (c.buf != nil || c.reader != nil || c.writer != nil || c.timer.linked) {
				t.Fatal("an idle connection holds a buffer, a coroutine or a timer")
			}
		}
		if len(r.free) > 10 || len(r.buffers) > 10 {
			t.Errorf("one connection at a time was busy; %d coroutines and %d buffers were made", len(r.free), len(r.buffers))
		}
	})
}

func TestIdleWithBytesGoesOn(t *testing.T) {
	r := newRig(t, nil)
	_, theirs := r.pair(func(c *Conn) {
		if len(c.Buffered()) == 0 && c.Fill() != nil {
			c.Close()
			return
		}
		c.Send(c.Buffered()[:1])
		c.Consume(1)
		c.Idle() // one handler for each byte
	}, false)
	write(t, theirs, "abcde")
	expect(t, theirs, "abcde")
}

func TestCloseWhileParked(t *testing.T) {
	f := func(name string, park func(*Conn) error) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			ended := make(chan error, 1)
			ours, theirs := r.pair(func(c *Conn) {
				c.Fill()
				c.Consume(len(c.Buffered()))
				ended <- park(c)
			}, true)
			write(t, theirs, "go")
			r.until("the handler waits", func() bool { return ours.received > 0 && (ours.reader != nil || ours.writer != nil) })
			closes := 0
			r.on(func() {
				ours.OnClose = func(*Conn) { closes++ }
				ours.Close()
				ours.Close()
			})
			if err := wait(t, ended, "the wait to end"); err != ErrClosed {
				t.Errorf("it ended with %v", err)
			}
			r.in(func() {
				for _, err := range []error{ours.Fill(), ours.Send([]byte("x")), ours.Send2([]byte("x"), []byte("y")), ours.Wait()} {
					if err != ErrClosed {
						t.Errorf("on a closed connection: %v", err)
					}
				}
				ours.Idle()
				if !ours.Closed() || closes != 1 || ours.idle {
					t.Errorf("closed: %v, %d times, idle: %v", ours.Closed(), closes, ours.idle)
				}
			})
		})
	}
	f("Fill", (*Conn).Fill)
	f("Send", func(c *Conn) error { return c.Send(make([]byte, 8<<20)) })
	f("Send2", func(c *Conn) error { return c.Send2(make([]byte, 4<<20), make([]byte, 4<<20)) })
	f("Wait", (*Conn).Wait)
}

// TestCloseOfAFastStream closes a connection whose handler has given way with bytes in hand.
func TestCloseOfAFastStream(t *testing.T) {
	r := newRig(t, nil)
	ended := make(chan error, 1)
	_, theirs := r.pair(func(c *Conn) {
		for len(c.Buffered()) < BufferSize {
			if err := c.Fill(); err != nil {
				t.Errorf("fill: %v", err)
			}
		}
		c.Consume(BufferSize)
		r.Current().spent = readsPerTurn - 1 // the next read gives way
		r.Go(c.Close)
		err := c.Fill()
		if err == nil && len(c.Buffered()) == 0 {
			t.Error("Fill returned without bytes")
		}
		ended <- err
	}, false)
	if _, err := theirs.Write(make([]byte, 4*BufferSize)); err != nil {
		t.Fatal(err)
	}
	if err := wait(t, ended, "the close"); err != ErrClosed {
		t.Errorf("fill: %v", err)
	}
}
