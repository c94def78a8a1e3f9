package http2

import (
	"io"
	"net/netip"
	"sync"
	"time"

	"tain.dev/tain/http1"
	"tain.dev/tain/netloop"
)

// Stream is one request and its answer. It is touched like a [netloop.Conn]: a handler reads the
// request from it and writes the answer, an opener the other way round. At most one coroutine may
// wait in Fill or ReadHead, and one in anything that sends, at a time. Waits end as those of a
// connection do, and when the stream is reset or its connection goes.
//
// A stream is lent: to a handler until it returns, to an opener until Close. Then it must not be
// touched any more, since it is used again.
type Stream struct {
	conn       *Conn
	prev, next *Stream // in the connection's list
	id         uint32  // 0 until a client's request is sent
	run        func()  // s.serve, bound once
	task       *netloop.Task

	// Receiving.
	heads    []byte // the current head is heads[:size]; behind it are those of an answer that were not read
	size     int
	asked    asked
	tooLarge bool
	gotHead  bool // the final one
	body     body
	length   int64 // bytes of the body that have to come still; -1 where nobody knows
	window   int   // what the peer may still send
	owed     int   // what was consumed and not yet given back to the window
	ended    bool  // the peer has sent everything
	trailer  []byte

	// Sending.
	credit   int64
	sentHead bool // the final one
	sentEnd  bool

	err      error // what broke the stream
	closed   bool  // it was ended on this side
	deadline int64
	timedOut bool
	in, out  uint64 // bytes since TakeTraffic

	reader, writer *netloop.Task // who waits

	// Turns at sending, see turns.
	waiting bool  // stands in a list
	share   int   // bytes that may be sent before it is another one's turn; 0 outside of a turn
	openBy  int64 // a window has to open by then; 0 is never
	stalled bool  // it did not
}

var streams sync.Pool

func takeStream() *Stream {
	if s, ok := streams.Get().(*Stream); ok {
		return s
	}
	s := new(Stream)
	s.run = s.serve
	return s
}

// The capacity up to which the memory of a head and of a trailer section is kept for the next stream.
const (
	keptHead    = 8 << 10
	keptTrailer = 1 << 10
)

func giveStream(s *Stream) {
	heads, trailer := s.heads[:0], s.trailer[:0]
	if cap(heads) > keptHead {
		heads = nil
	}
	if cap(trailer) > keptTrailer {
		trailer = nil
	}
	*s = Stream{run: s.run, heads: heads, trailer: trailer}
	streams.Put(s)
}

// start runs fn in a coroutine of the connection's rank.
func (c *Conn) start(fn func()) *netloop.Task {
	if c.set.Low {
		return c.loop.GoLow(fn)
	}
	return c.loop.Go(fn)
}

// serve is the coroutine of a request.
func (s *Stream) serve() {
	returned := false
	defer func() { s.served(returned) }()
	if s.err == nil { // else it was taken back before its turn came
		s.conn.handle(s)
	}
	returned = true
}

// served ends the stream of a handler that has returned, or panicked: then what it started may
// still be at work with the stream.
func (s *Stream) served(returned bool) {
	s.task = nil
	s.shut()
	s.conn.takeBack(s, returned)
}

// Head is the head as text in the form of HTTP/1.1, with its empty line: the request's on a server,
// on a client the one of the answer that ReadHead came upon. It is valid until the next ReadHead, and
// as long as the stream.
func (s *Stream) Head() []byte { return s.heads[:s.size:s.size] }

// TooLarge says that the head of a request exceeds the limits. Head is then its request line, or
// nothing where even that is too large, and the answer should be 431.
func (s *Stream) TooLarge() bool { return s.tooLarge }

// ReadHead waits for the next head of an answer: interim ones (1xx), then the final one. A 200 to an
// extended CONNECT reads as the 101 that HTTP/1.1 would have.
func (s *Stream) ReadHead() error {
	s.heads = s.heads[:copy(s.heads, s.heads[s.size:])]
	s.size = 0
	for len(s.heads) == 0 {
		if err := s.unreadable(); err != nil {
			return err
		}
		if s.gotHead {
			return io.EOF
		}
		if err := s.wait(&s.reader); err != nil {
			return err
		}
	}
	scanned := 0
	s.size = http1.HeadEnd(s.heads, &scanned)
	return nil
}

// unreadable says why nothing more will be received.
func (s *Stream) unreadable() error {
	switch {
	case s.ended:
		return nil
	case s.err != nil:
		return s.err
	case s.closed:
		return netloop.ErrClosed
	}
	return nil
}

// Buffered is what was received of the body and not consumed, in one piece. It is valid until the
// next Fill or Consume.
func (s *Stream) Buffered() []byte { return s.body.view() }

// Consume drops the first n unread bytes, and lets the peer send as many more.
func (s *Stream) Consume(n int) {
	s.body.consume(n)
	s.conn.returnWindow(s, n)
}

// Fill waits until more of the body is buffered than the last Fill or Buffered told of. It returns
// [io.EOF] at the end of the body, a [*StreamError] when the stream was reset, a [*ConnError] when
// its connection has gone, and else one of netloop's errors.
func (s *Stream) Fill() error {
	for {
		if s.body.merge() {
			return nil
		}
		if err := s.unreadable(); err != nil {
			return err
		}
		if s.ended {
			return io.EOF
		}
		if err := s.wait(&s.reader); err != nil {
			return err
		}
	}
}

// Ended says whether the peer has sent everything, and Buffered is all that is left of it.
func (s *Stream) Ended() bool { return s.ended && s.body.last == 0 }

// Trailer returns the trailer lines of a body that has ended, each with its CRLF, or nothing. As in
// HTTP/1.1, the fields are left out that have no place there, see [http1.Chunked.Trailer].
func (s *Stream) Trailer() []byte {
	if !s.ended {
		return nil
	}
	return s.trailer
}

// Wait parks the running coroutine until it is woken by [netloop.Task.Wake], or sending has become
// possible again. It ends early as every wait does.
func (s *Stream) Wait() error {
	if s.Broken() {
		return s.err // nothing would wake it
	}
	return s.wait(&s.writer)
}

// wait parks the running coroutine in slot until something about the stream has changed, and says
// why it must not go on, if it must not.
func (s *Stream) wait(slot **netloop.Task) error {
	t := s.conn.loop.Current()
	if err := s.interrupted(t); err != nil {
		return err
	}
	*slot = t
	t.Wait()
	*slot = nil
	if s.Broken() {
		return s.err
	}
	return s.interrupted(t)
}

func (s *Stream) interrupted(t *netloop.Task) error {
	switch err := t.Interrupted(); {
	case err != nil:
		return err
	case s.closed:
		return netloop.ErrClosed
	case s.timedOut:
		return netloop.ErrTimeout
	}
	return nil
}

// SetDeadline ends waits with [netloop.ErrTimeout] once d has passed, as
// [netloop.Conn.SetDeadline] does; d of 0 means never.
func (s *Stream) SetDeadline(d time.Duration) {
	s.timedOut, s.deadline = false, 0
	if d != 0 {
		s.deadline = s.conn.after(d)
	}
}

// Closed says whether the stream was ended on this side, by Close, Reset or Abort.
func (s *Stream) Closed() bool { return s.closed }

// Broken says whether the stream was reset, or its connection has gone. A client's stream whose
// answer is here as a whole is not broken by either.
func (s *Stream) Broken() bool { return s.err != nil && (s.conn.server || !s.ended) }

// Peer is the address of the other side.
func (s *Stream) Peer() netip.AddrPort { return s.conn.net.Peer() }

// Conn is the connection that the stream is on.
func (s *Stream) Conn() *Conn { return s.conn }

// TakeTraffic returns how many bytes of frames were received and sent for the stream since it was
// last called.
func (s *Stream) TakeTraffic() (in, out uint64) {
	in, out = s.in, s.out
	s.in, s.out = 0, 0
	return in, out
}

// Reset ends the stream with RST_STREAM, and with it every wait on it.
func (s *Stream) Reset(code ErrCode) {
	if s.closed {
		return
	}
	s.closed = true
	if s.id != 0 && s.err == nil && !(s.ended && s.sentEnd) {
		s.conn.sendReset(s.id, code)
		s.conn.leave(s)
	}
	s.wake()
}

// Abort ends the stream so that the peer can't take what was sent for something complete.
func (s *Stream) Abort() {
	if s.conn.server {
		s.Reset(InternalError)
	} else {
		s.Reset(Cancel)
	}
}

// Close ends the loan of a client's stream, and is the last call on it; no other coroutine may be at
// work with it. Where the exchange is not complete, the stream is reset. A handler may leave it out,
// since its stream is closed when it returns.
func (s *Stream) Close() {
	s.shut()
	if s.conn.server {
		return
	}
	if s.id == 0 {
		s.conn.unsent--
	}
	s.conn.takeBack(s, true)
}

// shut ends the stream as it deserves.
func (s *Stream) shut() {
	if s.conn.server && s.sentEnd {
		s.Reset(NoError) // the answer stands; what is left of the request need not be sent
		return
	}
	s.Abort()
}

// end is called when the peer has sent everything.
func (s *Stream) end() {
	s.ended = true
	s.wakeReader()
	if s.sentEnd {
		s.conn.leave(s)
	}
}

// fail breaks the stream, and ends what its handler waits for, wherever that is.
func (s *Stream) fail(err error) {
	if s.err != nil {
		return
	}
	s.err = err
	s.wake()
	if s.task != nil {
		s.task.Cancel()
	}
}

func (s *Stream) wake() {
	s.wakeReader()
	s.wakeWriter()
}

func (s *Stream) wakeReader() {
	if s.reader != nil {
		s.reader.Wake()
	}
}

func (s *Stream) wakeWriter() {
	if s.writer != nil {
		s.writer.Wake()
	}
}
