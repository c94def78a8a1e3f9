package wire

import (
	"bytes"
	"io"
	"net"
	"runtime"
	"testing"
)

// Answerer is a server that gives the same answer whenever it has read end, on any number of
// connections. Once warm, it allocates nothing, so that what does allocate can be told.
func Answerer(t testing.TB, end, answer string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answerAll(c, []byte(end), []byte(answer))
		}
	}()
	return l.Addr().String()
}

func answerAll(c net.Conn, end, answer []byte) {
	defer c.Close()
	buf := make([]byte, 64<<10)
	for have := 0; ; {
		n, err := c.Read(buf[have:])
		if err != nil {
			return
		}
		rest := buf[:have+n]
		for i := bytes.Index(rest, end); i >= 0; i = bytes.Index(rest, end) {
			rest = rest[i+len(end):]
			if _, err := c.Write(answer); err != nil {
				return
			}
		}
		have = copy(buf, rest[max(0, len(rest)-len(end)):]) // the beginning of an end, maybe
	}
}

// Asker is a user who asks the same and gets the same, again and again. Like [Answerer] it allocates
// nothing.
type Asker struct {
	t            testing.TB
	conn         net.Conn
	request      []byte
	answer, have []byte
}

// NewAsker connects to addr.
func NewAsker(t testing.TB, addr, request, answer string) *Asker {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &Asker{t, c, []byte(request), []byte(answer), make([]byte, len(answer))}
}

// Ask sends one request and gets its answer.
func (a *Asker) Ask() {
	if _, err := a.conn.Write(a.request); err != nil {
		a.t.Fatal(err)
	}
	if _, err := io.ReadFull(a.conn, a.have); err != nil || !bytes.Equal(a.have, a.answer) {
		a.t.Fatalf("the answer is\n%q and %v, want\n%q", a.have, err, a.answer)
	}
}

// Close closes the connection.
func (a *Asker) Close() { a.conn.Close() }

// AllocsPerAsk is how many allocations of the whole process a request costs, once all is warm. Unlike
// [testing.AllocsPerRun] it does not round, and leaves the processors to all that takes part.
func (a *Asker) AllocsPerAsk(requests int) float64 {
	for range requests / 4 {
		a.Ask()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range requests {
		a.Ask()
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(requests)
}
