package netloop

import (
	"net"
	"time"
)

// recordHeader is the length of what is before each TLS record: type, version and length.
const recordHeader = 5

// wire is the net.Conn under a tls.Conn. It never waits for the socket: it reads what was received
// before and writes into a queue. While the handshake runs, it belongs in turns to the loop and to
// the handshake's goroutine, which lets its Read wait; see [handshake]. After that it is the loop's.
//
// It hands out one record at a time, so that crypto/tls holds nothing of the next one: whether there
// is more to decrypt can be seen here.
type wire struct {
	in      []byte     // received, not read
	left    int        // bytes of the present record that were not read
	running *handshake // nil afterwards
	secured *secured
}

// ready says whether Read has something to hand out.
func (w *wire) ready() bool {
	return len(w.in) >= recordHeader || w.left > 0 && len(w.in) > 0
}

// Read hands out a part of the present record. Afterwards, when there is none, it says so by an
// error that crypto/tls does not remember.
func (w *wire) Read(p []byte) (int, error) {
	for !w.ready() {
		if w.running == nil {
			return 0, errNothing
		}
		if err := w.running.more(); err != nil {
			return 0, err
		}
	}
	if w.left == 0 {
		w.left = recordHeader + int(w.in[3])<<8 + int(w.in[4])
	}
	n := copy(p[:min(len(p), w.left)], w.in)
	w.left -= n
	if w.in = w.in[n:]; len(w.in) == 0 {
		w.in = nil
	}
	return n, nil
}

// Write queues p.
func (w *wire) Write(p []byte) (int, error) {
	if w.running != nil {
		w.running.out = append(w.running.out, p...)
		return len(p), nil
	}
	return w.secured.queue(p)
}

// errNothing is what Read says instead of waiting.
var errNothing net.Error = nothing{}

type nothing struct{}

func (nothing) Error() string   { return "nothing was received" }
func (nothing) Timeout() bool   { return true }
func (nothing) Temporary() bool { return true }

// Callbacks of a tls.Config may ask for the addresses.

func (w *wire) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(w.secured.conn.local) }
func (w *wire) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(w.secured.conn.peer) }

// The connection closes the socket and has the deadlines, not crypto/tls.

func (w *wire) Close() error                     { return nil }
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }
