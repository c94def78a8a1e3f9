package netloop

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"testing"
)

// records makes TLS records of those lengths.
func records(lengths ...int) (all []byte) {
	for i, n := range lengths {
		all = append(all, 23, 3, 3, byte(n>>8), byte(n))
		all = append(all, bytes.Repeat([]byte{byte('a' + i)}, n)...)
	}
	return all
}

// TestWireHandsOutOneRecordAtATime reads with much room from input that comes in parts.
func TestWireHandsOutOneRecordAtATime(t *testing.T) {
	f := func(part int, lengths ...int) {
		t.Helper()
		w := &wire{}
		all := records(lengths...)
		room := make([]byte, 1<<17)
		for _, n := range lengths {
			var got []byte
			for len(got) < recordHeader+n {
				if !w.ready() {
					if m, err := w.Read(room); m != 0 || err != errNothing {
						t.Fatalf("read %d bytes, %v, of nothing", m, err)
					}
					more := min(part, len(all))
					w.in = append(w.in, all[:more]...)
					all = all[more:]
					continue
				}
				m, err := w.Read(room)
				if err != nil || m == 0 {
					t.Fatalf("read %d bytes, %v", m, err)
				}
				got = append(got, room[:m]...)
			}
			if len(got) != recordHeader+n {
				t.Errorf("parts of %d: read %d bytes of a record of %d", part, len(got), recordHeader+n)
			}
		}
		if len(all) > 0 || w.in != nil || w.left != 0 {
			t.Errorf("parts of %d: %d bytes were not taken, %d not read", part, len(all), len(w.in))
		}
	}
	for _, part := range []int{1, 2, 3, 4, 5, 6, 7, 100, 1 << 20} {
		f(part, 1)
		f(part, 0, 0, 1)
		f(part, 1, 2, 3, 4, 5, 300, 65535)
	}
}

// FuzzWire holds that whatever comes is handed out unchanged, each record by itself, however it is
// cut and whatever room there is.
func FuzzWire(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), uint8(1), uint8(7))
	f.Add(records(0, 1, 300), uint8(4), uint8(255))
	f.Add([]byte{22, 3, 1, 255, 255, 1}, uint8(5), uint8(5))
	f.Fuzz(func(t *testing.T, input []byte, part, space uint8) {
		w := &wire{}
		room := make([]byte, int(space)+1)
		var got []byte
		for rest := input; ; {
			for w.ready() {
				before := w.left
				n, err := w.Read(room)
				if err != nil || n == 0 || before > 0 && n > before {
					t.Fatalf("read %d bytes of %d, %v", n, before, err)
				}
				got = append(got, room[:n]...)
			}
			if len(rest) == 0 {
				break
			}
			n := min(int(part)+1, len(rest))
			w.in = append(w.in, rest[:n]...)
			rest = rest[n:]
		}
		if got = append(got, w.in...); !bytes.Equal(got, input) || len(w.in) >= recordHeader {
			t.Fatalf("%d of %d bytes came out, %d are left", len(got), len(input), len(w.in))
		}
	})
}

// drip is a net.Conn whose reader may ask before there is anything, as wire is.
type drip struct {
	net.Conn
	in      []byte
	waiting bool // the handshake is not over
}

func (d *drip) Read(p []byte) (int, error) {
	if d.waiting {
		return d.Conn.Read(p)
	}
	if len(d.in) == 0 {
		return 0, errNothing
	}
	n := copy(p[:1], d.in)
	d.in = d.in[n:]
	return n, nil
}

// TestCryptoTLSForgetsTemporaryErrors holds what all of this stands on: after errNothing, at any
// byte of a record, crypto/tls goes on where it was.
func TestCryptoTLSForgetsTemporaryErrors(t *testing.T) {
	f := func(version uint16) {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			server, client := certified(t)
			client.MaxVersion = version
			a, b := net.Pipe()
			defer a.Close()
			defer b.Close()
			under := &drip{Conn: b, waiting: true}
			theirs, ours := tls.Client(a, client), tls.Server(under, server)
			go theirs.Handshake()
			if err := ours.Handshake(); err != nil {
				t.Fatal(err)
			}
			under.waiting = false
			go func() {
				theirs.Write([]byte("hello"))
				theirs.Close()
				a.Close()
			}()
			encrypted, err := io.ReadAll(b)
			if err != nil || len(encrypted) == 0 {
				t.Fatalf("%d bytes, %v", len(encrypted), err)
			}
			var got []byte
			room := make([]byte, 100)
			for _, b := range encrypted {
				n, err := ours.Read(room)
				if n != 0 || err != errNothing {
					t.Fatalf("with nothing to read: %d bytes, %v", n, err)
				}
				under.in = append(under.in, b)
				if n, err = ours.Read(room); err == nil || err == io.EOF {
					got = append(got, room[:n]...)
				} else if err != errNothing {
					t.Fatal(err)
				}
			}
			if string(got) != "hello" {
				t.Errorf("read %q", got)
			}
			if _, err := ours.Read(room); err != io.EOF {
				t.Errorf("behind the end: %v", err)
			}
		})
	}
	f(tls.VersionTLS12)
	f(tls.VersionTLS13)
}
