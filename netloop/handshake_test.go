package netloop

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/test/pki"
)

// clientHello is the first flight of a client.
func clientHello(t testing.TB, conf *tls.Config) []byte {
	t.Helper()
	a, b := net.Pipe()
	go tls.Client(a, conf).Handshake()
	hello := make([]byte, 16<<10)
	n, err := b.Read(hello)
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
	b.Close()
	return hello[:n]
}

// noneShakes waits until no goroutine runs a handshake.
func noneShakes(t testing.TB) {
	t.Helper()
	stacks := make([]byte, 1<<20)
	for end := time.Now().Add(patience); ; runtime.Gosched() {
		if n := runtime.Stack(stacks, true); !bytes.Contains(stacks[:n], []byte("(*handshake).run")) {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the goroutine of a handshake was left behind")
		}
	}
}

// TestHandshakeFaults lets clients misbehave in all ways, beside a good one.
func TestHandshakeFaults(t *testing.T) {
	server, client := certified(t)
	hello := clientHello(t, client)
	f := func(name, want string, misbehave func(r *rig, c *net.TCPConn)) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, fakeClock)
			failed := make(chan error, 1)
			addr := r.listen(securing(server, echo, func(err error) { failed <- err }))
			bad := dial(t, addr)
			misbehave(r, bad)
			if err := wait(t, failed, "the failure"); !strings.Contains(err.Error(), want) {
				t.Errorf("it failed with %v, want %q", err, want)
			}
			good := dialTLS(t, addr, client)
			write(t, good, "hello")
			expect(t, good, "hello")
			r.until("the bad one is closed", func() bool { return r.countConns() == 1 })
			noneShakes(t)
			r.on(func() {
				if len(r.buffers) == 0 {
					t.Error("buffers were not given back")
				}
			})
		})
	}
	f("garbage", "does not look like a TLS handshake", func(r *rig, c *net.TCPConn) { write(t, c, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n") })
	f("SSLv2", "SSLv2", func(r *rig, c *net.TCPConn) { c.Write([]byte{0x80, 0x2e, 1, 3, 1, 0, 21, 0}) })
	f("a record that is too long", "oversized record", func(r *rig, c *net.TCPConn) { c.Write([]byte{22, 3, 1, 0xff, 0xff, 1, 0}) })
	f("a message that is too long", "exceeds maximum", func(r *rig, c *net.TCPConn) { c.Write([]byte{22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff}) })
	f("half a hello and silence", "deadline passed", func(r *rig, c *net.TCPConn) {
		c.Write(hello[:len(hello)/2])
		r.until("it is taken", func() bool { return r.waitingForMore() == 1 })
		r.advance(patience - time.Second)
		r.until("it is waited for", func() bool { return r.waitingForMore() == 1 })
		r.advance(time.Second + tick)
	})
	f("a hello and silence", "deadline passed", func(r *rig, c *net.TCPConn) {
		c.Write(hello)
		if _, err := io.ReadFull(c, make([]byte, 1000)); err != nil {
			t.Error(err)
		}
		r.until("it is waited for", func() bool { return r.waitingForMore() == 1 })
		r.advance(patience + tick)
	})
	f("half a hello and the end", "closed the connection during the handshake", func(r *rig, c *net.TCPConn) {
		c.Write(hello[:len(hello)/2])
		c.CloseWrite()
	})
	f("four bytes and the end", "closed the connection during the handshake", func(r *rig, c *net.TCPConn) {
		c.Write(hello[:4])
		c.CloseWrite()
	})
	f("half a hello and a reset", "reset", func(r *rig, c *net.TCPConn) {
		c.Write(hello[:len(hello)/2])
		r.until("it is taken", func() bool { return r.waitingForMore() == 1 })
		reset(c)
	})
	f("an alert", "user canceled", func(r *rig, c *net.TCPConn) { c.Write([]byte{21, 3, 1, 0, 2, 2, 90}) })
	f("a client that does not trust us", "bad certificate", func(r *rig, c *net.TCPConn) {
		conf := client.Clone()
		conf.RootCAs = x509.NewCertPool()
		if err := tls.Client(c, conf).Handshake(); err == nil {
			t.Error("it trusts us")
		}
	})
	f("no common version", "unsupported versions", func(r *rig, c *net.TCPConn) {
		conf := client.Clone()
		conf.MinVersion, conf.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		if err := tls.Client(c, conf).Handshake(); err == nil || !strings.Contains(err.Error(), "protocol version") {
			t.Errorf("the client was told %v", err)
		}
	})
}

// waitingForMore is how many handlers wait for bytes.
func (r *rig) waitingForMore() (n int) {
	for _, c := range r.conns {
		if c != nil && c.reader != nil {
			n++
		}
	}
	return n
}

// TestHandshakeIsGivenUp ends handshakes from this side.
func TestHandshakeIsGivenUp(t *testing.T) {
	_, client := certified(t)
	f := func(name string, want error, end func(r *rig, task *Task, user *Conn, c *Conn)) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			silent := r.listen(func(c *Conn) { c.Fill(); c.Consume(len(c.Buffered())); c.Fill() })
			user, theirs := r.pair(nil, false)
			var dialled *Conn
			task, ended := r.parked(func() error {
				user.Use()
				r.Guard(user)
				c, err := r.Dial(tcp(silent), patience)
				if err != nil {
					return err
				}
				dialled = c
				err = c.Secure(client, false, patience)
				c.Close()
				return err
			})
			r.until("it waits", func() bool { return dialled != nil && dialled.reader != nil })
			if name == "guard" {
				reset(theirs)
			} else {
				end(r, task, user, dialled)
			}
			if err := wait(t, ended, "the end"); !errors.Is(err, want) {
				t.Errorf("it ended with %v, want %v", err, want)
			}
			noneShakes(t)
		})
	}
	f("cancel", ErrCanceled, func(r *rig, task *Task, _, _ *Conn) { r.on(task.Cancel) })
	f("close", ErrClosed, func(r *rig, _ *Task, _, c *Conn) { r.on(c.Close) })
	f("stop", ErrClosed, func(r *rig, _ *Task, _, _ *Conn) { r.end() })
	f("guard", ErrGuard, nil)
}

// TestHandshakeGivenUpWhileItComputes ends one whose goroutine does not wait for the loop.
func TestHandshakeGivenUpWhileItComputes(t *testing.T) {
	f := func(name string, end func(r *rig, c *Conn, theirs *net.TCPConn)) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			server, client := certified(t)
			computing, release := make(chan struct{}), make(chan struct{})
			server.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
				close(computing)
				<-release
				return nil, hello.Context().Err()
			}
			failed := make(chan error, 1)
			ours, theirs := r.pair(securing(server, echo, func(err error) { failed <- err }), false)
			theirs.Write(clientHello(t, client))
			wait(t, computing, "the computation")
			end(r, ours, theirs)
			wait(t, failed, "the end") // before the goroutine is ready
			close(release)
			noneShakes(t)
		})
	}
	f("close", func(r *rig, c *Conn, _ *net.TCPConn) { r.on(c.Close) })
	f("reset", func(_ *rig, _ *Conn, theirs *net.TCPConn) { reset(theirs) })
	f("stop", func(r *rig, _ *Conn, _ *net.TCPConn) { r.end() })
}

// TestNoGoroutineBeforeTheHello holds that who only connects, or connects and says nothing, costs
// no goroutine.
func TestNoGoroutineBeforeTheHello(t *testing.T) {
	r := newRig(t, fakeClock)
	server, _ := certified(t)
	failed := make(chan error, 1)
	ours, theirs := r.pair(nil, false)
	r.on(func() {
		ours.Use()
		r.Go(func() { failed <- ours.Secure(server, true, time.Second) })
	})
	r.until("it waits", func() bool { return ours.reader != nil })
	noneShakes(t)
	r.advance(time.Second + tick)
	if err := wait(t, failed, "the deadline"); err != ErrTimeout {
		t.Errorf("secure: %v", err)
	}
	_ = theirs
}

// TestSlowClientsHoldNoSlot lets more clients than may compute stop in the middle.
func TestSlowClientsHoldNoSlot(t *testing.T) {
	r := newRig(t, nil)
	server, client := certified(t)
	hello := clientHello(t, client)
	addr := r.listen(securing(server, echo, nil))
	slow := 4 * cap(computing())
	for i := range slow {
		if c := dial(t, addr); i%2 == 0 {
			c.Write(hello)
			io.ReadFull(c, make([]byte, 1000))
		} else {
			c.Write(hello[:len(hello)/2])
		}
	}
	r.until("all are waited for", func() bool { return r.waitingForMore() == slow })
	good := dialTLS(t, addr, client)
	write(t, good, "hello")
	expect(t, good, "hello")
	if n := len(computing()); n != 0 {
		t.Errorf("%d slots are taken", n)
	}
	r.end()
	noneShakes(t)
}

// TestHandshakeByteByByte cuts the client's flights as finely as can be.
func TestHandshakeByteByByte(t *testing.T) {
	r := newRig(t, nil)
	server, client := certified(t)
	c := tls.Client(crumbs{dial(t, r.listen(securing(server, echo, nil)))}, client)
	write(t, c, "hello")
	expect(t, c, "hello")
}

// crumbs writes byte by byte.
type crumbs struct{ net.Conn }

func (c crumbs) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := c.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

// TestBytesWithTheLastFlight has the request in one segment with the end of the handshake.
func TestBytesWithTheLastFlight(t *testing.T) {
	f := func(text string) {
		t.Helper()
		r := newRig(t, nil)
		server, client := certified(t)
		under := &clump{Conn: dial(t, r.listen(securing(server, echo, nil)))}
		c := tls.Client(under, client)
		if err := c.Handshake(); err != nil {
			t.Fatal(err)
		}
		write(t, c, text)
		under.Conn.Write(under.held)
		expect(t, c, text)
	}
	f("hello")
	f(strings.Repeat("x", 100000))
}

// clump holds back what is written behind the first flight.
type clump struct {
	net.Conn
	begun bool
	held  []byte
}

func (c *clump) Write(p []byte) (int, error) {
	if !c.begun {
		c.begun = true
		return c.Conn.Write(p)
	}
	c.held = append(c.held, p...)
	return len(p), nil
}

// TestSecureBehindCleartext secures a connection whose first bytes are not TLS, such as a PROXY
// header, with the hello in the same segment.
func TestSecureBehindCleartext(t *testing.T) {
	r := newRig(t, nil)
	server, client := certified(t)
	const header = "PROXY UNKNOWN\r\n"
	ours, theirs := r.pair(func(c *Conn) {
		for len(c.Buffered()) < len(header) {
			if err := c.Fill(); err != nil {
				t.Errorf("fill: %v", err)
				return
			}
		}
		c.Consume(len(header))
		securing(server, echo, nil)(c)
	}, false)
	c := tls.Client(&prefixed{theirs, header}, client)
	write(t, c, "hello")
	expect(t, c, "hello")
	r.on(func() {
		if in, out := ours.TakeTraffic(); in != uint64(len(header)+5) || out != 5 {
			t.Errorf("%d bytes in and %d out were counted, not those that are not encrypted", in, out)
		}
	})
}

// prefixed writes something before all else.
type prefixed struct {
	net.Conn
	prefix string
}

func (c *prefixed) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(append([]byte(c.prefix), p...))
	n -= len(c.prefix)
	c.prefix = ""
	return n, err
}

func TestResumption(t *testing.T) {
	f := func(version uint16) {
		t.Helper()
		r := newRig(t, nil)
		server, client := certified(t)
		client.MinVersion, client.MaxVersion = version, version
		client.ClientSessionCache = tls.NewLRUClientSessionCache(10)
		resumed := make(chan bool, 2)
		addr := r.listen(securing(server, func(c *Conn) {
			resumed <- c.TLS().DidResume
			echo(c)
		}, nil))
		for i := range 2 {
			c := dialTLS(t, addr, client)
			write(t, c, "hello")
			expect(t, c, "hello")
			c.Close()
			if got := wait(t, resumed, "the handshake"); got != (i == 1) {
				t.Errorf("%s, connection %d: resumed: %v", tls.VersionName(version), i, got)
			}
		}
	}
	f(tls.VersionTLS12)
	f(tls.VersionTLS13)
}

// TestUntrustedServers holds that a client can tell what is wrong with a certificate.
func TestUntrustedServers(t *testing.T) {
	ca := pki.New(t)
	f := func(name string, pair pki.Pair, check func(error) bool) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			told := make(chan error, 1)
			server := &tls.Config{Certificates: []tls.Certificate{pair.TLS(t)}}
			addr := r.listen(securing(server, echo, func(err error) { told <- err }))
			client := &tls.Config{RootCAs: ca.Pool(), ServerName: "a.example"}
			r.in(func() {
				c, err := r.Dial(tcp(addr), patience)
				if err != nil {
					t.Error(err)
					return
				}
				err = c.Secure(client, false, patience)
				var bad *tls.CertificateVerificationError
				if !errors.As(err, &bad) || !check(err) {
					t.Errorf("the client: %v", err)
				}
				if !c.Broken() || c.TLS() != nil || c.Send([]byte("secret")) == nil || c.Fill() == nil {
					t.Error("the connection can still be used")
				}
				c.Queue([]byte("secret"))
				c.Close()
			})
			if err := wait(t, told, "the server to be told"); !strings.Contains(err.Error(), "bad certificate") && !strings.Contains(err.Error(), "certificate") {
				t.Errorf("the server: %v", err)
			}
		})
	}
	f("unknown authority", pki.SelfSigned(t, "a.example"), func(err error) bool {
		var unknown x509.UnknownAuthorityError
		return errors.As(err, &unknown)
	})
	f("wrong name", ca.Issue(t, "b.example"), func(err error) bool {
		var wrong x509.HostnameError
		return errors.As(err, &wrong)
	})
	f("expired", ca.Expired(t, "a.example"), func(err error) bool {
		var invalid x509.CertificateInvalidError
		return errors.As(err, &invalid) && invalid.Reason == x509.Expired
	})
}

// TestClientCertificateRefused holds that a client hears, on its first read in TLS 1.3, that it
// should have shown a certificate.
func TestClientCertificateRefused(t *testing.T) {
	r := newRig(t, nil)
	server, client := certified(t)
	server.ClientAuth = tls.RequireAnyClientCert
	addr := r.listen(securing(server, echo, nil))
	r.in(func() {
		c, err := r.Dial(tcp(addr), patience)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		if err := c.Secure(client, false, patience); err != nil {
			t.Error(err)
		}
		if err := c.Fill(); err == nil || !strings.Contains(err.Error(), "certificate required") || !c.Broken() {
			t.Errorf("fill: %v", err)
		}
		if again := c.Fill(); again == nil {
			t.Error("the second read has no error")
		}
	})
}

// TestConfigSeesAddresses holds what callbacks of a configuration may ask for.
func TestConfigSeesAddresses(t *testing.T) {
	r := newRig(t, nil)
	server, client := certified(t)
	seen := make(chan [2]net.Addr, 1)
	server.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		seen <- [2]net.Addr{hello.Conn.LocalAddr(), hello.Conn.RemoteAddr()}
		return nil, nil
	}
	addr := r.listen(securing(server, echo, nil))
	c := dialTLS(t, addr, client)
	if got := wait(t, seen, "the addresses"); got[0].String() != addr.String() || got[1].String() != c.LocalAddr().String() {
		t.Errorf("it saw %v", got)
	}
}

func TestPanicInTheHandshake(t *testing.T) {
	var log syncBuffer
	r := newRig(t, func(r *rig) { r.log = slog.New(slog.NewTextHandler(&log, nil)) })
	server, client := certified(t)
	server.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { panic("the test's own") }
	failed := make(chan error, 1)
	addr := r.listen(securing(server, echo, func(err error) { failed <- err }))
	if err := tls.Client(dial(t, addr), client).Handshake(); err == nil {
		t.Error("the client was served")
	}
	if err := wait(t, failed, "the failure"); !strings.Contains(err.Error(), "the test's own") {
		t.Errorf("it failed with %v", err)
	}
	if !strings.Contains(log.String(), "the test's own") {
		t.Errorf("logged: %s", log.String())
	}
	if len(computing()) != 0 {
		t.Error("it has taken its slot with it")
	}
}

// TestDeadlineIsRestored holds that what was set before a handshake holds after it.
func TestDeadlineIsRestored(t *testing.T) {
	r := newRig(t, fakeClock)
	server, client := certified(t)
	ended := make(chan error, 1)
	addr := r.listen(func(c *Conn) {
		c.SetDeadline(time.Minute)
		if err := c.Secure(server, true, time.Second); err != nil {
			t.Error(err)
		}
		ended <- c.Fill()
		c.Close()
	})
	dialTLS(t, addr, client)
	r.until("it waits for a request", func() bool {
		return r.waitingForMore() == 1 && slices.ContainsFunc(r.conns, func(c *Conn) bool { return c != nil && c.tls != nil })
	})
	r.advance(30 * time.Second)
	select {
	case err := <-ended:
		t.Fatalf("ended early: %v", err)
	default:
	}
	r.advance(30*time.Second + tick)
	if err := wait(t, ended, "the deadline"); err != ErrTimeout {
		t.Errorf("fill: %v", err)
	}
}
