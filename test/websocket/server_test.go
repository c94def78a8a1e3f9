package websocket

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"tain.dev/tain/test/wire"
)

// accept is the answer to a key, of RFC 6455, section 4.2.2.
func accept(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// startEcho starts a server that returns every message, and keeps to the letter of RFC 6455. Its paths:
//
//	/?query          answers with the parameters of the query as fields, too
//	/close/4000      closes with that code when it has got a message
//	/refuse/403      refuses the handshake with that status
//	/greet           greets in the same write as its 101
func startEcho(t *testing.T) (url string) {
	s := httptest.NewServer(http.HandlerFunc(serveEcho))
	t.Cleanup(s.Close)
	return s.URL
}

func serveEcho(w http.ResponseWriter, r *http.Request) {
	if status, ok := strings.CutPrefix(r.URL.Path, "/refuse/"); ok {
		code, _ := strconv.Atoi(status) // the test's own
		w.Header().Set("Sec-WebSocket-Version", "13")
		w.WriteHeader(code)
		io.WriteString(w, "no")
		return
	}
	key := r.Header.Get("Sec-WebSocket-Key")
	raw, err := base64.StdEncoding.DecodeString(key)
	if r.Method != "GET" || !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") || !strings.EqualFold(r.Header.Get("Connection"), "upgrade") ||
		r.Header.Get("Sec-WebSocket-Version") != "13" || err != nil || len(raw) != 16 {
		http.Error(w, fmt.Sprintf("not a handshake: %s %v", r.Method, r.Header), http.StatusBadRequest)
		return
	}
	c, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	head := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept(key) + "\r\n"
	head += fields(r.URL.Query())
	// What the server saw of the handshake goes back, so that the test can see it.
	for _, name := range []string{"Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Origin", "Cookie"} {
		head += "Saw-" + name + ": " + strings.Join(r.Header.Values(name), " + ") + "\r\n"
	}
	out := []byte(head + "\r\n")
	if r.URL.Path == "/greet" {
		out = appendFrame(out, frame{op: text, payload: "welcome", bare: true})
	}
	if _, err := c.Write(out); err == nil {
		e := echo{conn: c, in: buffered.Reader}
		if code, ok := strings.CutPrefix(r.URL.Path, "/close/"); ok {
			e.closeWith, _ = strconv.Atoi(code) // the test's own
		}
		e.run()
	}
}

func fields(query url.Values) (lines string) {
	for name, values := range query {
		for _, value := range values {
			lines += name + ": " + value + "\r\n"
		}
	}
	return lines
}

// echo is one connection of the server.
type echo struct {
	conn      net.Conn
	in        *bufio.Reader
	op        byte // of the message that has begun, 0 if none has
	message   strings.Builder
	closeWith int // code to close with at the first message, 0 to go on
}

// violation is a close code that says what the client did wrong, or that it closed.
type violation int

// run reads frames until one side closes.
func (e *echo) run() {
	for {
		f, err := readFrame(e.in)
		if err != nil {
			return
		}
		if code := e.take(f); code != 0 {
			e.close(int(code), "")
			return
		}
		if f.op == shut {
			return
		}
	}
}

func (e *echo) send(f frame) {
	f.bare = true
	e.conn.Write(appendFrame(nil, f)) // a broken connection is noticed by the next read
}

// close says goodbye first, and waits for the client's answer.
func (e *echo) close(code int, reason string) {
	e.send(frame{op: shut, payload: closing(code, reason)})
	for {
		if f, err := readFrame(e.in); err != nil || f.op == shut {
			return
		}
	}
}

func closing(code int, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, uint16(code))) + reason
}

// take handles one frame.
func (e *echo) take(f frame) violation {
	if f.bare || f.rsv != 0 || f.op > bin && f.op < shut || f.op > pong {
		return 1002
	}
	if f.op >= shut {
		return e.takeControl(f)
	}
	switch {
	case (f.op == more) != (e.op != 0):
		return 1002
	case f.op != more:
		e.op = f.op
	}
	e.message.WriteString(f.payload)
	if f.open {
		return 0
	}
	whole := frame{op: e.op, payload: e.message.String()}
	e.op = 0
	e.message.Reset()
	if whole.op == text && !utf8.ValidString(whole.payload) {
		return 1007
	}
	if e.closeWith != 0 {
		return violation(e.closeWith)
	}
	e.send(whole)
	return 0
}

func (e *echo) takeControl(f frame) violation {
	switch {
	case f.open || len(f.payload) > 125:
		return 1002
	case f.op == ping:
		e.send(frame{op: pong, payload: f.payload})
	case f.op == shut && len(f.payload) == 0:
		e.send(frame{op: shut})
	case f.op == shut && (len(f.payload) == 1 || !validCode(int(binary.BigEndian.Uint16([]byte(f.payload))))):
		return 1002
	case f.op == shut && !utf8.ValidString(f.payload[2:]):
		return 1007
	case f.op == shut:
		e.send(frame{op: shut, payload: f.payload[:2]})
	}
	return 0
}

// validCode says which codes a close frame may have: those that are registered, and those of libraries
// and applications.
func validCode(code int) bool {
	return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006 || code >= 3000 && code <= 4999
}

// startWS starts an echo server of Node's ws.
func startWS(t *testing.T) (url string) { return "http://" + startNode(t, "testdata/ws.js") }

// startWSH2 starts one that is reached over HTTP/2 alone.
func startWSH2(t *testing.T) (url string) { return "h2c://" + startNode(t, "testdata/ws-h2.js") }

// startNode runs a server that needs ws, and that says its port in its first line.
func startNode(t *testing.T, script string) (addr string) {
	t.Helper()
	command := exec.Command(wire.Need(t, "node"), script)
	command.Env = append(command.Environ(), "NODE_PATH=/usr/share/nodejs") // where Debian has ws
	var out, log wire.Buffer
	command.Stdout, command.Stderr = &out, &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() { command.Process.Kill() })
	wire.Until(t, "ws to listen", func() bool {
		select {
		case err := <-ended:
			if os.Getenv("CI") == "" && strings.Contains(log.String(), "Cannot find module 'ws'") {
				t.Skip("Node's ws is not installed; .ci/run installs it")
			}
			t.Fatalf("ws ended: %v\n%s", err, log.String())
		default:
		}
		return strings.Contains(out.String(), "\n")
	})
	return "127.0.0.1:" + strings.TrimSpace(out.String())
}
