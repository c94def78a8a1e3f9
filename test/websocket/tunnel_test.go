package websocket

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"tain.dev/tain/test/faulty"
	"tain.dev/tain/test/wire"
)

// byEachWay runs a test once for each way, before a server at live.
func byEachWay(t *testing.T, live, settings string, test func(t *testing.T, r *rig, dial func(t *testing.T, path, fields string) *client)) {
	target, err := faulty.Start("ok")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(target.Close)
	r := start(t, live, "http://"+target.Addr, settings)
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			test(t, r, func(t *testing.T, path, fields string) *client { return way.dial(r, t, path, fields) })
		})
	}
	r.checkBooks(t, target)
	r.Stop(t)
}

// TestHandshake finds what both sides say of themselves untouched.
func TestHandshake(t *testing.T) {
	byEachWay(t, startEcho(t), "", func(t *testing.T, _ *rig, dial func(t *testing.T, path, fields string) *client) {
		f := func(path, fields, name, want string) {
			t.Helper()
			c := dial(t, path, fields)
			if got := c.header.Get(name); c.status != http.StatusSwitchingProtocols || got != want {
				t.Errorf("%s with %q: status %d, %s is %q, want %q", path, fields, c.status, name, got, want)
			}
			c.leaves()
		}
		f("/", "Sec-WebSocket-Protocol: chat, superchat\r\n", "Saw-Sec-WebSocket-Protocol", "chat, superchat")
		f("/", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x; y=\"z\"\r\n", "Saw-Sec-WebSocket-Extensions", `permessage-deflate; client_max_window_bits, x; y="z"`)
		f("/", "Sec-WebSocket-Extensions: a\r\nSec-WebSocket-Extensions: b\r\n", "Saw-Sec-WebSocket-Extensions", "a + b")
		f("/", "Origin: https://shop.example\r\n", "Saw-Origin", "https://shop.example")
		f("/", "Cookie: a=b\r\n", "Saw-Cookie", "a=b")
		f("/?Sec-WebSocket-Protocol=superchat", "", "Sec-WebSocket-Protocol", "superchat")
		f("/?Sec-WebSocket-Extensions=permessage-deflate%3B+server_no_context_takeover", "", "Sec-WebSocket-Extensions", "permessage-deflate; server_no_context_takeover")
		f("/?Set-Cookie=c%3Dd", "", "Set-Cookie", "c=d")
	})
}

// TestRefused gets what the server says instead, and no tunnel.
func TestRefused(t *testing.T) {
	byEachWay(t, startEcho(t), "", func(t *testing.T, r *rig, dial func(t *testing.T, path, fields string) *client) {
		for _, status := range []int{400, 401, 403, 404, 426, 503} {
			c := dial(t, fmt.Sprint("/refuse/", status), "")
			if c.status != status || c.header.Get("Sec-WebSocket-Version") != "13" {
				t.Errorf("status %d and %v, want %d and what the server supports", c.status, c.header, status)
			}
		}
	})
}

// TestNoExtendedConnect has a backend of HTTP/2 that knows no tunnels. Users hear that, in the same words by
// each way.
func TestNoExtendedConnect(t *testing.T) {
	live := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the server got %s %s", r.Method, r.RequestURI)
	}))
	live.Config.Protocols = new(http.Protocols)
	live.Config.Protocols.SetUnencryptedHTTP2(true)
	live.Start()
	t.Cleanup(live.Close)
	byEachWay(t, "h2c://"+live.Listener.Addr().String(), "", func(t *testing.T, _ *rig, dial func(t *testing.T, path, fields string) *client) {
		c := dial(t, "/", "")
		text, err := c.in.ReadString('\n')
		if c.status != http.StatusBadGateway || text != "tain: the backend does not switch protocols\n" {
			t.Errorf("status %d and %q, %v; want 502, and that the backend does not switch protocols", c.status, text, err)
		}
	})
}

// TestNoTunnelAfterRefusal sends on as if there were a tunnel. What is no request goes nowhere, and what
// is one is a request of its own.
func TestNoTunnelAfterRefusal(t *testing.T) {
	live, target := wire.Listen(t, "live"), wire.Listen(t, "target")
	r := start(t, "http://"+live.Addr, "http://"+target.Addr, "")
	live.Accepts() // tain looks whether live is there
	const refusal = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
	var server *wire.Peer
	shake := func(behind string) (user *wire.Peer) {
		user = wire.Dial(t, "user", r.Addr)
		user.Sends(handshake("/", "") + behind)
		if server == nil {
			server = live.Accepts() // and the connection is kept
		}
		head := server.GetsUntil("\r\n\r\n")
		if !strings.HasPrefix(head, "GET / HTTP/1.1\r\n") || !strings.Contains(head, "\r\nSec-WebSocket-Key: "+nonce+"\r\n") {
			t.Errorf("live got %q", head)
		}
		server.Sends(refusal)
		user.Gets(refusal)
		return user
	}
	user := shake(string(appendFrame(nil, frame{op: text, payload: "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"})))
	user.SeesBreak()
	server.GetsNothing()

	user = shake("GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
	if head := server.GetsUntil("\r\n\r\n"); !strings.HasPrefix(head, "GET /next HTTP/1.1\r\n") || strings.Contains(head, "Upgrade") {
		t.Errorf("live got %q", head)
	}
	server.Sends("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	user.Gets("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
}

// TestAtOnce has a server that greets together with its 101, and clients that speak before they have it.
func TestAtOnce(t *testing.T) {
	byEachWay(t, startEcho(t), "", func(t *testing.T, r *rig, dial func(t *testing.T, path, fields string) *client) {
		c := dial(t, "/greet", "")
		c.gets(frame{op: text, payload: "welcome"})
		c.leaves()
	})
	live := startEcho(t)
	r := start(t, live, live, "")
	user := wire.Dial(t, "user", r.Addr)
	hello := frame{op: text, payload: "hello"}
	user.Sends(handshake("/", "") + string(appendFrame(nil, hello)))
	if head := user.GetsUntil("\r\n\r\n"); !strings.HasPrefix(head, "HTTP/1.1 101 ") {
		t.Errorf("the user got %q", head)
	}
	hello.bare = true
	user.Gets(string(appendFrame(nil, hello)))
}

// TestServerCloses has the server say goodbye first, with each kind of code.
func TestServerCloses(t *testing.T) {
	byEachWay(t, startEcho(t), "", func(t *testing.T, _ *rig, dial func(t *testing.T, path, fields string) *client) {
		for _, code := range []int{1000, 1001, 1008, 1011, 1012, 1013, 3000, 4999, 1005, 1006, 1015} { // the last three must not be, and go through
			c := dial(t, fmt.Sprint("/close/", code), "")
			c.sends(frame{op: text, payload: "x"})
			c.isClosedWith(code)
		}
	})
}

// TestDeflate compresses messages as in the examples of RFC 7692, section 7.2.3: the second one refers to
// the first.
func TestDeflate(t *testing.T) {
	byEachWay(t, startWS(t), "", func(t *testing.T, _ *rig, dial func(t *testing.T, path, fields string) *client) {
		c := dial(t, "/", "Sec-WebSocket-Extensions: permessage-deflate\r\n")
		if got := c.header.Get("Sec-WebSocket-Extensions"); got != "permessage-deflate" {
			t.Fatalf("the server took the extensions %q", got)
		}
		const first, second = "\xf2\x48\xcd\xc9\xc9\x07\x00", "\xf2\x00\x11\x00\x00"
		c.sends(frame{op: text, payload: first, rsv: 4}, frame{op: text, payload: second, rsv: 4},
			frame{op: text, payload: first[:3], rsv: 4, open: true}, frame{op: ping}, frame{op: more, payload: first[3:]},
			frame{op: text, payload: "Hello"}) // not compressed
		var dict []byte
		for n := range 4 {
			f, err := readFrame(c.in)
			if f.op == pong {
				f, err = readFrame(c.in)
			}
			if err != nil || f.rsv != 4 {
				t.Fatalf("answer %d is %v and %v, want a compressed one", n+1, f, err)
			}
			in := flate.NewReaderDict(strings.NewReader(f.payload+"\x00\x00\xff\xff\x01\x00\x00\xff\xff"), dict)
			message, err := io.ReadAll(in)
			if err != nil || string(message) != "Hello" {
				t.Errorf("answer %d is %q and %v, want Hello", n+1, message, err)
			}
			dict = append(dict, message...)
		}
		c.leaves()
	})
}

// byHand runs a test of one tunnel by each way, to a server that is played by hand.
func byHand(t *testing.T, settings string, test func(t *testing.T, c *client, server *wire.Peer)) {
	live := wire.Listen(t, "live")
	looked := make(chan *wire.Peer)
	go func() { looked <- live.Accepts() }() // tain looks whether live is there
	byEachWay(t, "http://"+live.Addr, settings, func(t *testing.T, _ *rig, dial func(t *testing.T, path, fields string) *client) {
		if looked != nil {
			<-looked
			looked = nil
		}
		servers := make(chan *wire.Peer, 1)
		go func() { // the dial below waits for this
			server := live.Accepts()
			_, rest, _ := strings.Cut(server.GetsUntil("\r\n\r\n"), "Sec-WebSocket-Key: ")
			key, _, _ := strings.Cut(rest, "\r\n")
			server.Sends("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept(key) + "\r\n\r\n")
			servers <- server
		}()
		c := dial(t, "/", "")
		test(t, c, (<-servers).In(t))
	})
}

// TestBytes carries what looks like nothing, both ways at once, and finds every byte as it was.
func TestBytes(t *testing.T) {
	byHand(t, "", func(t *testing.T, c *client, server *wire.Peer) {
		const size = 4 << 20
		up, down := randomBytes(size, 1), randomBytes(size, 2)
		var sides sync.WaitGroup
		sides.Go(func() { io.Copy(c.out, bytes.NewReader(up)); c.ends() })
		sides.Go(func() { io.Copy(server.Conn(), bytes.NewReader(down)); server.Conn().CloseWrite() })
		sides.Go(func() { checkBytes(t, "the server", server.Conn(), up) })
		sides.Go(func() { checkBytes(t, "the client", c.in, down) })
		sides.Wait()
	})
}

func randomBytes(size int, seed byte) []byte {
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(data) // never fails
	return data
}

func checkBytes(t *testing.T, who string, in io.Reader, want []byte) {
	got, err := io.ReadAll(in)
	if err != nil || sha256.Sum256(got) != sha256.Sum256(want) {
		t.Errorf("%s got %d bytes and %v, want the %d that were sent", who, len(got), err, len(want))
	}
}

// TestHalfClose ends one side of a tunnel; the other goes on.
func TestHalfClose(t *testing.T) {
	t.Run("client first", func(t *testing.T) {
		byHand(t, "", func(t *testing.T, c *client, server *wire.Peer) {
			c.send("last")
			c.ends()
			server.Gets("last")
			server.SeesEnd()
			server.Sends("more")
			server.Ends()
			checkBytes(t, "the client", c.in, []byte("more"))
		})
	})
	t.Run("server first", func(t *testing.T) {
		byHand(t, "", func(t *testing.T, c *client, server *wire.Peer) {
			server.Sends("last")
			server.Ends()
			checkBytes(t, "the client", c.in, []byte("last"))
			c.ends()
			server.SeesBreak()
		})
	})
}

// TestBreaks breaks a tunnel on one side. The other side must not take that for an end.
func TestBreaks(t *testing.T) {
	t.Run("client", func(t *testing.T) {
		byHand(t, "", func(t *testing.T, c *client, server *wire.Peer) {
			c.send("x")
			server.Gets("x")
			c.breaks()
			server.SeesBreak()
		})
	})
	t.Run("server", func(t *testing.T) {
		byHand(t, "", func(t *testing.T, c *client, server *wire.Peer) {
			c.send("x")
			server.Gets("x")
			server.Resets()
			if rest, err := io.ReadAll(c.in); len(rest) > 0 || err == nil {
				t.Errorf("the client got %q and %v, want that the tunnel breaks", rest, err)
			}
		})
	})
}

// TestSilence leaves a tunnel alone for longer than anything else may wait.
func TestSilence(t *testing.T) {
	const settings = "headTimeout: 200ms, bodyTimeout: 200ms, idleTimeout: 200ms, responseTimeout: 200ms, writeTimeout: 200ms"
	byHand(t, settings, func(t *testing.T, c *client, server *wire.Peer) {
		server.Conn().SetReadDeadline(time.Now().Add(1500 * time.Millisecond))
		if n, err := server.Conn().Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("the server got %d bytes and %v in the silence", n, err)
		}
		c.send("still there?")
		server.Gets("still there?")
		server.Sends("yes")
		server.Ends()
		checkBytes(t, "the client", c.in, []byte("yes"))
		c.ends()
	})
}

// TestManyTunnels talks over many at a time.
func TestManyTunnels(t *testing.T) {
	byEachWay(t, startEcho(t), "", func(t *testing.T, r *rig, dial func(t *testing.T, path, fields string) *client) {
		var clients []*client
		for range 50 {
			clients = append(clients, dial(t, "/", ""))
		}
		for n := range 10 {
			for i, c := range clients {
				c.sends(frame{op: text, payload: fmt.Sprint(i, n)})
			}
			for i, c := range clients {
				c.gets(frame{op: text, payload: fmt.Sprint(i, n)})
			}
		}
		for _, c := range clients {
			c.leaves()
		}
	})
}

// TestStop stops tain with tunnels open. They get the time of --drain, and then break.
func TestStop(t *testing.T) {
	live := startEcho(t)
	r := start(t, live, live, "")
	var clients []*client
	for _, way := range ways {
		clients = append(clients, way.dial(r, t, "/", ""))
	}
	stopped := make(chan struct{})
	go func() { r.Stop(t); close(stopped) }()
	wire.Until(t, "the drain", func() bool { return strings.Contains(r.Log.String(), "draining") })
	for _, c := range clients {
		still := frame{op: text, payload: "still here"}
		c.sends(still)
		c.gets(still)
	}
	for _, c := range clients {
		c.seesBreak()
	}
	<-stopped
}
