package netloop

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"tain.dev/tain/test/pki"
)

// certified is a server's and a client's side of TLS that trust each other.
func certified(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	ca := pki.New(t)
	server = &tls.Config{
		Certificates:                []tls.Certificate{ca.Issue(t, "a.example").TLS(t)},
		NextProtos:                  []string{"h2", "http/1.1"},
		DynamicRecordSizingDisabled: true,
	}
	client = &tls.Config{RootCAs: ca.Pool(), ServerName: "a.example", DynamicRecordSizingDisabled: true}
	return server, client
}

// secured makes serve run on connections that are secured as conf says. failed, which may be nil,
// hears of handshakes that were not completed.
func securing(conf *tls.Config, serve func(*Conn), failed func(error)) func(*Conn) {
	return func(c *Conn) {
		if c.TLS() == nil {
			if err := c.Secure(conf, true, patience); err != nil {
				if failed != nil {
					failed(err)
				}
				c.Close()
				return
			}
		}
		serve(c)
	}
}

// dialTLS connects with the standard library and shakes hands.
func dialTLS(t testing.TB, addr netip.AddrPort, conf *tls.Config) *tls.Conn {
	t.Helper()
	c := tls.Client(dial(t, addr), conf)
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSecureEcho(t *testing.T) {
	f := func(version uint16) {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			r := newRig(t, nil)
			server, client := certified(t)
			client.MinVersion, client.MaxVersion = version, version
			c := dialTLS(t, r.listen(securing(server, echo, func(err error) { t.Error(err) })), client)
			for _, text := range []string{"a", "hello", strings.Repeat("x", BufferSize), strings.Repeat("y", 3*BufferSize+1)} {
				write(t, c, text)
				expect(t, c, text)
			}
			c.CloseWrite()
			expectEnd(t, c)
		})
	}
	f(tls.VersionTLS12)
	f(tls.VersionTLS13)
}

// TestSecureEchoStream sends much through little: both sides park in turn, and nothing may be lost.
func TestSecureEchoStream(t *testing.T) {
	r := newRig(t, nil)
	server, client := certified(t)
	raw, tcp := r.pair(securing(server, echo, nil), false)
	theirs := tls.Client(tcp, client)
	sent := make([]byte, 8<<20)
	random := rand.NewChaCha8([32]byte{3})
	random.Read(sent)
	go func() {
		for p := sent; len(p) > 0; {
			n := min(len(p), 1+int(random.Uint64()%50000))
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
	r.until("it is closed", raw.Closed)
	r.on(func() {
		if in, out := raw.TakeTraffic(); in != uint64(len(sent)) || out != uint64(len(sent)) {
			t.Errorf("%d bytes in, %d out, want %d of each: those that are not encrypted", in, out, len(sent))
		}
		if len(r.outboxes) == 0 {
			t.Error("the queue was not given back")
		}
	})
}

// TestSecureBothSides has a loop at both ends.
func TestSecureBothSides(t *testing.T) {
	r := newRig(t, nil)
	server, client := certified(t)
	client.NextProtos = []string{"http/1.1"}
	addr := r.listen(securing(server, func(c *Conn) {
		if state := c.TLS(); state.ServerName != "a.example" || state.NegotiatedProtocol != "http/1.1" {
			t.Errorf("the server has %q, %q", state.ServerName, state.NegotiatedProtocol)
		}
		echo(c)
	}, nil))
	r.in(func() {
		c, err := r.Dial(tcp(addr), patience)
		if err != nil {
			t.Error(err)
			return
		}
		if c.TLS() != nil {
			t.Error("a cleartext connection has TLS")
		}
		if err := c.Secure(client, false, patience); err != nil {
			t.Error(err)
			return
		}
		if state := c.TLS(); state.NegotiatedProtocol != "http/1.1" || !state.HandshakeComplete || state.Version != tls.VersionTLS13 || c.TLS() != state {
			t.Errorf("the client has %+v", state)
		}
		if c.timer.at != 0 {
			t.Error("the deadline of the handshake goes on")
		}
		if err := c.Send2([]byte("hello, "), []byte("world")); err != nil {
			t.Error(err)
		}
		for len(c.Buffered()) < 12 {
			if err := c.Fill(); err != nil {
				t.Errorf("fill: %v", err)
				return
			}
		}
		if string(c.Buffered()) != "hello, world" {
			t.Errorf("read %q", c.Buffered())
		}
		c.CloseWrite()
		c.Consume(12)
		if err := c.Fill(); err != io.EOF {
			t.Errorf("fill: %v, want the end", err)
		}
		c.Close()
	})
}

// secureDial is a secured connection of the loop's to a server, in the running coroutine.
func (r *rig) secureDial(addr netip.AddrPort, conf *tls.Config) *Conn {
	c, err := r.Dial(tcp(addr), patience)
	if err == nil {
		err = c.Secure(conf, false, patience)
	}
	if err != nil {
		r.Error(err)
		c.Close()
	}
	return c
}

// TestSecureSendParksAndResumes holds back-pressure, and that little is encrypted ahead of it.
func TestSecureSendParksAndResumes(t *testing.T) {
	f := func(name string, send func(c *Conn, p []byte) error) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			server, client := certified(t)
			text := noise(4 << 20)
			ours, tcp := r.pair(securing(server, func(c *Conn) {
				if err := send(c, text); err != nil {
					t.Errorf("send: %v", err)
				}
				c.Close()
			}, nil), true)
			theirs := tls.Client(tcp, client)
			if err := theirs.Handshake(); err != nil {
				t.Fatal(err)
			}
			r.until("the handler waits for room", func() bool { return ours.tls != nil && ours.writer != nil })
			r.on(func() {
				if n := ours.out.len(); n == 0 || n > maxAhead+BufferSize+100 {
					t.Errorf("%d bytes are encrypted ahead", n)
				}
				if n := ours.tls.plain.len(); n > maxAhead && name != "Queue" {
					t.Errorf("%d bytes wait to be encrypted", n)
				}
			})
			got, err := io.ReadAll(theirs)
			if err != nil || !bytes.Equal(got, text) {
				t.Errorf("%d of %d bytes arrived, %v", len(got), len(text), err)
			}
			r.on(func() {
				if _, out := ours.TakeTraffic(); out != uint64(len(text)) {
					t.Errorf("%d bytes were counted, want %d", out, len(text))
				}
			})
		})
	}
	f("Send", (*Conn).Send)
	f("Send2", func(c *Conn, p []byte) error { return c.Send2(p[:len(p)/3], p[len(p)/3:]) })
	f("Send2 with a short head", func(c *Conn, p []byte) error { return c.Send2(p[:1], p[1:]) })
	f("Send2 with nothing first", func(c *Conn, p []byte) error { return c.Send2(nil, p) })
	f("Queue", func(c *Conn, p []byte) error {
		c.Queue(p)
		return untilDrained(c)
	})
}

// untilDrained waits until what is queued on c has gone.
func untilDrained(c *Conn) error {
	c.OnDrain = func(*Conn) { c.writer.Wake() }
	for c.Queued() > 0 {
		if err := c.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// TestSecureWaitsEnd ends the waits of a secured connection in every way.
func TestSecureWaitsEnd(t *testing.T) {
	parks := map[string]func(*Conn) error{
		"Fill":  (*Conn).Fill,
		"Send":  func(c *Conn) error { return c.Send(make([]byte, 8<<20)) },
		"Send2": func(c *Conn) error { return c.Send2(make([]byte, 10), make([]byte, 8<<20)) },
		"Wait":  (*Conn).Wait,
	}
	f := func(name string, want error, end func(r *rig, task *Task, c *Conn, theirs *net.TCPConn)) {
		for call, park := range parks {
			t.Run(name+"/"+call, func(t *testing.T) {
				r := newRig(t, fakeClock)
				server, client := certified(t)
				var task *Task
				ended := make(chan error, 1)
				ours, theirs := r.pair(securing(server, func(c *Conn) {
					task = r.Current()
					c.SetDeadline(time.Minute)
					ended <- park(c)
					c.Close()
				}, nil), true)
				if err := tls.Client(theirs, client).Handshake(); err != nil {
					t.Fatal(err)
				}
				r.until("it waits", func() bool { return task != nil && (ours.reader != nil || ours.writer != nil) })
				end(r, task, ours, theirs)
				if err := wait(t, ended, "the end"); !errors.Is(err, want) && !(want == unix.ECONNRESET && errors.Is(err, unix.EPIPE)) {
					t.Errorf("it ended with %v, want %v", err, want)
				}
			})
		}
	}
	f("deadline", ErrTimeout, func(r *rig, _ *Task, _ *Conn, _ *net.TCPConn) { r.advance(time.Minute + tick) })
	f("cancel", ErrCanceled, func(r *rig, task *Task, _ *Conn, _ *net.TCPConn) { r.on(task.Cancel) })
	f("close", ErrClosed, func(r *rig, _ *Task, c *Conn, _ *net.TCPConn) { r.on(c.Close) })
	f("reset", unix.ECONNRESET, func(_ *rig, _ *Task, _ *Conn, theirs *net.TCPConn) { reset(theirs) })
}

// TestSecureEnds tells a proper end from a connection that was cut.
func TestSecureEnds(t *testing.T) {
	f := func(name string, want error, end func(c *Conn)) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			server, client := certified(t)
			addr := r.listen(securing(server, func(c *Conn) {
				c.Fill()
				c.Consume(len(c.Buffered()))
				c.Queue([]byte("some of it"))
				end(c)
			}, nil))
			r.in(func() {
				c := r.secureDial(addr, client)
				defer c.Close()
				c.Send([]byte("x"))
				err := c.Fill()
				for err == nil {
					err = c.Fill()
				}
				if !errors.Is(err, want) || c.Fill() != err {
					t.Errorf("it ended with %v, want %v", err, want)
				}
				if text := string(c.Buffered()); want != unix.ECONNRESET && text != "some of it" {
					t.Errorf("read %q", text)
				}
			})
		})
	}
	f("close", io.EOF, (*Conn).Close)
	f("close of the writing side", io.EOF, func(c *Conn) {
		c.CloseWrite()
		c.CloseWrite()
		discard(c)
	})
	f("abort", unix.ECONNRESET, (*Conn).Abort)
	f("cut between records", io.ErrUnexpectedEOF, func(c *Conn) {
		c.flush()
		c.tls = nil
		c.Close()
	})
	f("cut in a record", io.ErrUnexpectedEOF, func(c *Conn) {
		c.flush()
		c.Queue([]byte("the rest of it"))
		c.tls.encrypt()
		send(c.fd, c.out.first()[:10])
		c.dropQueued()
		c.tls = nil
		c.Close()
	})
}

// TestSecureHalfClose holds that who has said everything can be answered, in both directions.
func TestSecureHalfClose(t *testing.T) {
	r := newRig(t, nil)
	server, client := certified(t)
	_, tcp := r.pair(securing(server, func(c *Conn) {
		err := c.Fill()
		for err == nil {
			err = c.Fill()
		}
		if err != io.EOF || c.Broken() {
			t.Errorf("fill: %v, want the end; broken: %v", err, c.Broken())
		}
		c.Send(c.Buffered())
		c.Close()
	}, nil), false)
	theirs := tls.Client(tcp, client)
	write(t, theirs, "question")
	theirs.CloseWrite()
	tcp.CloseWrite()
	expect(t, theirs, "question")
	expectEnd(t, theirs)
}

// counter counts the records that it reads.
type counter struct {
	net.Conn
	seen    wire
	records int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.seen.in = append(c.seen.in, p[:n]...)
	for room := make([]byte, 1<<17); c.seen.ready(); {
		if c.seen.left == 0 {
			c.records++
		}
		c.seen.Read(room)
	}
	return n, err
}

// TestFramesOfATurnAreOneRecord holds that what is queued, or sent in two pieces, is encrypted once.
func TestFramesOfATurnAreOneRecord(t *testing.T) {
	f := func(name string, want int, send func(c *Conn)) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			server, client := certified(t)
			server.SessionTicketsDisabled = true
			ours, tcp := r.pair(securing(server, func(c *Conn) {
				c.Fill()
				send(c)
				discard(c)
			}, nil), false)
			under := &counter{Conn: tcp}
			theirs := tls.Client(under, client)
			if err := theirs.Handshake(); err != nil {
				t.Fatal(err)
			}
			r.until("it is secured", func() bool { return ours.tls != nil })
			under.records = 0
			write(t, theirs, "x")
			expect(t, theirs, strings.Repeat("frame", 3000))
			if under.records != want {
				t.Errorf("it came in %d records, want %d", under.records, want)
			}
		})
	}
	frame := []byte("frame")
	f("Queue", 1, func(c *Conn) {
		for range 3000 {
			c.Queue(frame)
		}
	})
	f("Send", 1, func(c *Conn) { c.Send(bytes.Repeat(frame, 3000)) })
	f("Send2", 1, func(c *Conn) { c.Send2(bytes.Repeat(frame, 1000), bytes.Repeat(frame, 2000)) })
	f("Queue and Send", 2, func(c *Conn) {
		c.Queue(bytes.Repeat(frame, 1000))
		c.Send(bytes.Repeat(frame, 2000))
	})
}

// TestSecureIdle holds that records which came together are each handled, and that an idle
// connection has borrowed nothing.
func TestSecureIdle(t *testing.T) {
	r := newRig(t, nil)
	server, client := certified(t)
	runs := 0
	ours, tcp := r.pair(securing(server, func(c *Conn) {
		runs++
		if len(c.Buffered()) == 0 && c.Fill() != nil {
			c.Close()
			return
		}
		c.Send(c.Buffered()[:1])
		c.Consume(1)
		c.Idle()
	}, nil), false)
	under := &clump{Conn: tcp}
	theirs := tls.Client(under, client)
	if err := theirs.Handshake(); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"a", "bc", "d", strings.Repeat("e", 20)} {
		write(t, theirs, text)
	}
	tcp.Write(under.held) // with the end of the handshake, all at once
	expect(t, theirs, "abcd"+strings.Repeat("e", 20))
	r.until("it is idle", func() bool { return ours.idle })
	r.on(func() {
		if ours.buf != nil || ours.tls.raw != nil || ours.tls.wire.in != nil || ours.tls.plain != nil || ours.out != nil {
			t.Error("an idle connection holds a buffer")
		}
		if runs < 24 {
			t.Errorf("%d runs", runs)
		}
	})
}

// TestSecureInPool holds what ends the wait of a client's connection in its pool, and what does not.
func TestSecureInPool(t *testing.T) {
	f := func(name string, usable bool, happen func(f *forger) []byte) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			server, client := certified(t)
			server.SessionTicketsDisabled = true
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			dialled := make(chan *Conn, 1)
			r.begin(func() {
				c := r.secureDial(addrOf(ln.Addr()), client)
				c.Idle()
				dialled <- c
			})
			theirs, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer theirs.Close()
			forged := takeOver(t, server, "SERVER_TRAFFIC_SECRET_0", func(conf *tls.Config) *tls.Conn { return tls.Server(theirs, conf) })
			ours := wait(t, dialled, "the connection")
			theirs.Write(happen(forged))
			if !usable {
				r.until("it is closed", ours.Closed)
				return
			}
			r.until("it is taken in", func() bool { return !ours.readable && ours.tls.wire.in == nil })
			r.in(func() {
				if !ours.Use() {
					t.Error("it can't be used")
				}
				theirs.Write(forged.record(typeData, []byte("answer")))
				if err := ours.Fill(); err != nil || string(ours.Buffered()) != "answer" {
					t.Errorf("read %q, %v", ours.Buffered(), err)
				}
				if ours.tls.raw != nil {
					t.Error("a buffer was kept")
				}
			})
		})
	}
	f("nothing", true, func(f *forger) []byte { return nil })
	f("a key update", true, (*forger).update)
	f("bytes", false, func(f *forger) []byte { return f.record(typeData, []byte("unasked")) })
	f("bytes behind a key update", false, func(f *forger) []byte { return append(f.update(), f.record(typeData, []byte("unasked"))...) })
	f("the end", false, func(f *forger) []byte { return f.record(typeAlert, []byte{1, 0}) })
	f("an alert", false, func(f *forger) []byte { return f.record(typeAlert, []byte{2, 80}) })
	f("nonsense", false, func(f *forger) []byte { return []byte("HTTP/1.1 408 Request Timeout\r\n\r\n") })
}

// TestSecureDrain sends a stream by OnDrain alone, with the end behind it.
func TestSecureDrain(t *testing.T) {
	r := newRig(t, nil)
	server, client := certified(t)
	text := noise(4 << 20)
	rest := text
	more := func(c *Conn) {
		n := min(1<<20, len(rest))
		c.Queue(rest[:n])
		if rest = rest[n:]; len(rest) == 0 {
			c.CloseWrite()
		}
	}
	_, tcp := r.pair(securing(server, func(c *Conn) {
		c.OnDrain = more
		more(c)
		discard(c)
	}, nil), true)
	got, err := io.ReadAll(tls.Client(tcp, client))
	if err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d of %d bytes arrived, %v", len(got), len(text), err)
	}
}
