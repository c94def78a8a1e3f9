package http2

import (
	"io"
	"time"

	"golang.org/x/net/http2/hpack"

	"tain.dev/tain/netloop"
)

const (
	// tableSize is HPACK's for what is received, which is what a peer assumes.
	tableSize = 4 << 10

	graceTimeout  = time.Second     // for the answer to the PING of a graceful end
	lingerTimeout = 2 * time.Second // for the peer to take the last frames, and to close
	lingerBytes   = 1 << 20         // that are read meanwhile, and dropped
)

// Conn is one side of a connection of HTTP/2. It belongs to its loop.
type Conn struct {
	net    *netloop.Conn
	loop   *netloop.Loop
	set    Settings
	server bool
	handle func(*Stream)
	// OnChange is called on the loop when a client's connection may have room for another stream
	// again, and when it has become unusable. May be nil.
	OnChange func(*Conn)

	// Receiving.
	began   bool // a client's preface was read
	settled bool // the peer's SETTINGS came
	acked   bool // the peer knows this side's
	decoder *hpack.Decoder
	block   fieldBlock // the head that is being received
	data    dataFrame  // the DATA frame that is being received
	window  int        // what the peer may still send on all streams
	owed    int        // what was consumed and not yet given back to the window
	flood   flood

	// Sending.
	peer    peerSettings
	credit  int64    // what may still be sent on all streams
	queued  uint64   // bytes queued, ever
	encoded bool     // a head was sent
	scratch [64]byte // for control frames; Queue copies
	turns

	// Streams. byID has those that were begun and have not ended; the list from first on has those
	// that are lent to a handler, or were opened and not closed.
	byID   map[uint32]*Stream
	first  *Stream
	lent   int
	heads  int       // a server: bytes of the heads and trailer sections of the streams in the list
	unsent int       // streams that a client opened and has not begun
	nextID uint32    // of a client's next stream
	lastID uint32    // a server: the highest id that the client used
	resets resetRing // streams that this side reset

	// The end.
	retiring bool // goodbye was said or heard: no new streams
	final    bool // a server: and the goodbye named the last stream
	finalID  uint32
	ending   bool // no frame is handled any more; what is queued goes out
	over     bool // the connection is closed
	dropped  int  // bytes that were read while ending

	times
}

func newConn(nc *netloop.Conn, set *Settings, server bool) *Conn {
	c := &Conn{
		net: nc, loop: nc.Loop(), set: set.withDefaults(), server: server,
		window: firstWindow, credit: firstWindow,
		peer:   peerSettings{maxStreams: assumedStreams, window: firstWindow},
		byID:   make(map[uint32]*Stream),
		nextID: 1,
	}
	c.decoder = hpack.NewDecoder(tableSize, c.emit)
	c.decoder.SetMaxStringLength(c.maxBlock())
	c.tickFn, c.drainedFn = c.tick, c.drained
	closed := nc.OnClose
	nc.OnClose = func(nc *netloop.Conn) {
		c.gone(lost(io.EOF))
		if closed != nil {
			closed(nc)
		}
	}
	nc.OnDrain = func(*netloop.Conn) { c.drained() }
	nc.SetHandler(c.read, c.set.Low)
	nc.SetLimit(headerSize + maxFrame)
	nc.SetDeadline(0)
	if !server {
		c.began = true
		c.control([]byte(preface))
	}
	c.announce()
	return c
}

// Serve takes over a connection that begins with the client preface, which was not consumed. It is
// called in the coroutine of the connection's handler, which returns with it; later bytes are
// handled here. handle runs in a coroutine of its own for each request. When the client resets the
// stream, or the connection goes, that coroutine is cancelled. When handle returns, its stream is
// ended, whatever was left undone, and must not be touched any more.
//
// What the connection's OnClose was is still called; its OnRetire and OnDrain, its handler and its
// limits are replaced.
func Serve(nc *netloop.Conn, set *Settings, handle func(*Stream)) {
	c := newConn(nc, set, true)
	c.handle = handle
	nc.OnRetire = func(*netloop.Conn) { c.Shutdown() }
	c.headBy = c.after(c.set.HeadTimeout)
	c.idleBy = c.after(c.set.IdleTimeout)
	c.read(nc)
}

// NewClient makes a connection on which nothing was sent yet the client's side of HTTP/2. It does
// not wait.
func NewClient(nc *netloop.Conn, set *Settings) *Conn {
	c := newConn(nc, set, false)
	c.idleBy = c.after(c.set.IdleTimeout)
	nc.Idle()
	return c
}

// Net is the connection underneath.
func (c *Conn) Net() *netloop.Conn { return c.net }

// Streams is the number of streams that are open, or were opened and have not been closed.
func (c *Conn) Streams() int { return c.lent }

// Usable says whether a client's connection takes new streams, now or when others have ended.
func (c *Conn) Usable() bool {
	return !c.retiring && !c.ending && !c.over && c.nextID <= maxStreamID
}

// Room is how many more streams a client can open now.
func (c *Conn) Room() int {
	if !c.Usable() {
		return 0
	}
	return max(c.peer.maxStreams-len(c.byID)-c.unsent, 0)
}

// Open returns a new stream of a client, or nil when there is no room for one. It is to be closed
// by [Stream.Close].
func (c *Conn) Open() *Stream {
	if c.Room() == 0 {
		return nil
	}
	c.unsent++
	return c.lend()
}

// lend makes a stream and puts it into the list.
func (c *Conn) lend() *Stream {
	s := takeStream()
	s.conn = c
	s.credit = c.peer.window
	s.window = c.streamWindow()
	if s.next = c.first; s.next != nil {
		s.next.prev = s
	}
	c.first = s
	c.lent++
	c.idleBy = 0
	return s
}

// streamWindow is what the peer takes the windows of new streams for.
func (c *Conn) streamWindow() int {
	if c.acked {
		return c.set.StreamWindow
	}
	return firstWindow
}

// takeBack ends the loan of a stream. Its memory is used again where nobody can hold on to it.
func (c *Conn) takeBack(s *Stream, reuse bool) {
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		c.first = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.prev, s.next = nil, nil
	c.lent--
	if c.server {
		c.heads -= len(s.heads) + len(s.trailer)
	}
	c.giveBack(s.body.size())
	if reuse && s.reader == nil && s.writer == nil {
		s.body.drop()
		giveStream(s)
	}
	if c.lent == 0 {
		c.rest()
	}
	c.changed()
}

// rest is called when the last stream was given back.
func (c *Conn) rest() {
	if c.retiring && (c.final || !c.server) {
		c.end()
		return
	}
	c.idleBy = c.after(c.set.IdleTimeout)
}

// begin gives a stream its id.
func (c *Conn) begin(s *Stream, id uint32) {
	s.id = id
	c.byID[id] = s
	c.earn(glitchOther, 2)
	c.earn(glitchWindow, 2)
	c.earn(glitchEmpty, 1)
}

// leave makes a stream that has ended unknown to the frames that may still come.
func (c *Conn) leave(s *Stream) {
	if c.byID[s.id] == s {
		delete(c.byID, s.id)
		c.changed()
	}
}

// changed tells the opener of streams to look again.
func (c *Conn) changed() {
	if c.OnChange != nil {
		c.OnChange(c)
	}
}

// queue sends p with the rest of this turn's output.
func (c *Conn) queue(p []byte) {
	c.queued += uint64(len(p))
	c.net.Queue(p)
	if c.writeBy == 0 {
		c.taken = c.queued - uint64(c.net.Queued())
		c.writeBy = c.after(c.set.WriteTimeout)
	}
}

// control queues a frame that no stream waits with.
func (c *Conn) control(p []byte) {
	if c.ending || c.over {
		return
	}
	c.queue(p)
	if c.net.Queued() > maxUnread {
		c.cut(errUnread)
	}
}
