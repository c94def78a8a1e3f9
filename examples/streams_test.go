package examples

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/test/wire"
)

// streamMessages calls a method with messages both ways. The next one is sent when the last has come
// back, and a copy of it has come to the target: neither waits for the end of the stream.
func streamMessages(copied <-chan string) func(*testing.T, *stage) {
	return func(t *testing.T, s *stage) {
		transport := &http.Transport{Protocols: new(http.Protocols)}
		transport.Protocols.SetUnencryptedHTTP2(true)
		defer transport.CloseIdleConnections()
		body, messages := io.Pipe()
		q, err := http.NewRequest("POST", s.url(t, "8080")+"/shop.Orders/Watch", body)
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Content-Type", "application/grpc")
		q.Header.Set("TE", "trailers")
		expect(t, copied, "") // the call of the README
		answer, err := transport.RoundTrip(q)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		for _, text := range []string{"one", "two", "three"} {
			sent := append([]byte{0, 0, 0, 0, byte(len(text))}, text...)
			if _, err := messages.Write(sent); err != nil {
				t.Fatal(err)
			}
			if got, err := readMessage(answer.Body); err != nil || !bytes.Equal(got, sent) {
				t.Fatalf("the stream answers %q with %q, %v", sent, got, err)
			}
			expect(t, copied, text)
		}
		messages.Close()
		rest, err := io.ReadAll(answer.Body)
		if status := answer.Trailer.Get("Grpc-Status"); err != nil || len(rest) > 0 || status != "0" {
			t.Errorf("the stream ends with %q, %v and the status %q, want 0", rest, err, status)
		}
		wire.Until(t, "both calls to be compared", func() bool {
			_, books := s.tain.Get("/api/v1/mirrors")
			return strings.Contains(books, `"compared":2`)
		})
	}
}

// expect waits for the next message that the target gets.
func expect(t *testing.T, copied <-chan string, want string) {
	t.Helper()
	select {
	case got := <-copied:
		if got != want {
			t.Fatalf("the target got the message %q, want %q", got, want)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("the target did not get the message %q", want)
	}
}

// sendFrames opens a WebSocket, and gets back what it sends.
func sendFrames(t *testing.T, s *stage) {
	conn, err := net.Dial("tcp", "127.0.0.1:"+s.port(t, "8080"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET /chat HTTP/1.1\r\nHost: shop.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	in := bufio.NewReader(conn)
	answer, err := http.ReadResponse(in, nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols || answer.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Fatalf("the answer is %v, %v", answer, err)
	}
	for _, text := range []string{"hello", "", strings.Repeat("x", 125)} {
		mask := "mask"
		frame := append([]byte{0x81, 0x80 | byte(len(text))}, mask...)
		for i := range text {
			frame = append(frame, text[i]^mask[i%4])
		}
		conn.Write(frame)
		if kind, payload, err := readFrame(in); err != nil || kind != 0x81 || string(payload) != text {
			t.Fatalf("%q comes back as %#x %q, %v", text, kind, payload, err)
		}
	}
	wire.Until(t, "the books to know of both", func() bool {
		_, books := s.tain.Get("/api/v1/mirrors")
		return strings.Contains(books, `"unmatched":{"upgrade":2}`)
	})
}
