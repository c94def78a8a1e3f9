package examples

import (
	"bufio"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"tain.dev/tain/test/faulty"
)

// healthy is a server that answers small JSON to everything.
func healthy(t *testing.T, _ string) (port string) { return misbehaving(t, "ok") }

// nobody refuses every connection.
func nobody(t *testing.T, _ string) (port string) { return misbehaving(t, "refuse") }

func misbehaving(t *testing.T, mode string) (port string) {
	t.Helper()
	s, err := faulty.Start(mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	_, port, _ = net.SplitHostPort(s.Addr)
	return port
}

// serve serves HTTP/1.1, and HTTP/2 with prior knowledge, over TLS if there is a conf.
func serve(t *testing.T, handle http.HandlerFunc, conf *tls.Config) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handle, TLSConfig: conf, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	go func() {
		if conf != nil {
			_ = server.ServeTLS(l, "", "")
		} else {
			_ = server.Serve(l)
		}
	}()
	t.Cleanup(func() { _ = server.Close() })
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

// echo answers with the request line.
func echo(t *testing.T, _ string) (port string) { return serve(t, echoLine, nil) }

func echoLine(w http.ResponseWriter, q *http.Request) {
	fmt.Fprintf(w, "%s %s %s\n", q.Method, q.RequestURI, q.Proto)
}

// remember answers with the request line, and tells what it got last to whoever asks for /last: what is
// the same for all who ask with curl is left out.
func remember(t *testing.T, _ string) (port string) {
	var last atomic.Pointer[string]
	return serve(t, func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/last" {
			if text := last.Load(); text != nil {
				io.WriteString(w, *text)
			}
			return
		}
		var text strings.Builder
		fmt.Fprintf(&text, "%s %s %s\nHost: %s\n", q.Method, q.RequestURI, q.Proto, q.Host)
		for _, common := range []string{"Accept", "User-Agent", "Via", "X-Forwarded-Host", "X-Forwarded-Proto"} {
			q.Header.Del(common)
		}
		q.Header.Write(&text)
		whole := text.String()
		last.Store(&whole)
		echoLine(w, q)
	}, nil)
}

// echoSecurely is echo over TLS, with the certificate that the README makes.
func echoSecurely(t *testing.T, dir string) (port string) {
	return serve(t, echoLine, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "backend.pem"), filepath.Join(dir, "backend.key"))
		return &pair, err
	}})
}

// echoMessages is a service of gRPC that answers every message with itself, as soon as it has it, and
// tells of it.
func echoMessages(tell chan<- string) func(t *testing.T, dir string) (port string) {
	handle := func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		w.WriteHeader(http.StatusOK)
		flush := http.NewResponseController(w).Flush
		for err := flush(); err == nil; err = flush() {
			message, err := readMessage(q.Body)
			if err != nil {
				break
			}
			if tell != nil {
				tell <- string(message[5:])
			}
			if _, err := w.Write(message); err != nil {
				return
			}
		}
		w.Header().Set("Grpc-Status", "0")
	}
	return func(t *testing.T, _ string) (port string) { return serve(t, handle, nil) }
}

// readMessage reads a message of gRPC, with the five bytes that say how long it is.
func readMessage(from io.Reader) (message []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return nil, err
	}
	message = make([]byte, 5+int(head[3])<<8+int(head[4]))
	copy(message, head[:])
	_, err = io.ReadFull(from, message[5:])
	return message, err
}

// echoFrames speaks WebSocket (RFC 6455) as far as short messages need it, and answers each with itself.
func echoFrames(t *testing.T, _ string) (port string) {
	return serve(t, func(w http.ResponseWriter, q *http.Request) {
		conn, both, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		sum := sha1.Sum([]byte(q.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		fmt.Fprintf(both, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			base64.StdEncoding.EncodeToString(sum[:]))
		for both.Flush() == nil {
			kind, payload, err := readFrame(both.Reader)
			if err != nil {
				return
			}
			both.Write(append([]byte{kind, byte(len(payload))}, payload...))
		}
	}, nil)
}

// readFrame reads a short frame, and unmasks it.
func readFrame(from *bufio.Reader) (kind byte, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return 0, nil, err
	}
	var mask [4]byte
	if head[1]&0x80 != 0 {
		if _, err := io.ReadFull(from, mask[:]); err != nil {
			return 0, nil, err
		}
	}
	payload = make([]byte, head[1]&0x7f)
	_, err = io.ReadFull(from, payload)
	for i := range payload {
		payload[i] ^= mask[i%4]
	}
	return head[0], payload, err
}
