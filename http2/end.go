package http2

import "slices"

// Shutdown ends the connection in the proper way: no new streams, and closed once the last one has
// ended. On a server the client hears of it first, and is told the last stream a round trip later,
// so that no request that is on its way is lost (RFC 9113, section 6.8).
func (c *Conn) Shutdown() {
	if c.retiring || c.ending || c.over {
		return
	}
	c.retiring = true
	if c.server {
		c.sayGoodbye(maxStreamID, NoError, "")
		c.control(appendPing(c.scratch[:0], gracePing, 0))
		c.graceBy = c.after(graceTimeout)
		return
	}
	c.sayGoodbye(0, NoError, "")
	c.changed()
	if c.lent == 0 {
		c.end()
	}
}

// gracePing is the data of the PING behind which a client knows that this side goes away.
var gracePing = []byte("goodbye!")

// idled ends a connection without streams.
func (c *Conn) idled() {
	c.idleBy = 0
	c.retiring = true
	c.sayGoodbye(c.lastID, NoError, "")
	c.end()
}

// finalise ends the grace of a server's Shutdown: what was not opened by now is not processed.
func (c *Conn) finalise() {
	c.graceBy = 0
	c.final, c.finalID = true, c.lastID
	c.sayGoodbye(c.finalID, NoError, "")
	if c.lent == 0 {
		c.end()
	}
}

// Close closes the connection at once. Its streams break.
func (c *Conn) Close() { c.net.Close() }

func (c *Conn) sayGoodbye(last uint32, code ErrCode, text string) {
	c.control(appendGoAway(c.scratch[:0], last, code, text))
}

// die ends the connection for what the peer did: it is told, and every stream breaks.
func (c *Conn) die(f *fault) {
	if c.ending || c.over {
		return
	}
	c.set.Refused(f.reason, f)
	last := c.lastID
	if c.final {
		last = c.finalID
	}
	c.sayGoodbye(last, f.code, f.text)
	c.end()
	c.broke(&ConnError{Code: f.code, Reason: f.text})
}

// cut closes the connection of a peer that would not hear why.
func (c *Conn) cut(f *fault) {
	if c.ending || c.over {
		return
	}
	c.ending = true
	c.set.Refused(f.reason, f)
	c.broke(&ConnError{Code: f.code, Reason: f.text})
	c.net.Abort()
}

// end lets what is queued go out, and then the peer close: this side's closing first could reset
// the connection and lose the last frames on their way.
func (c *Conn) end() {
	if c.ending || c.over {
		return
	}
	c.ending = true
	c.idleBy, c.headBy, c.graceBy = 0, 0, 0
	c.net.SetDeadline(lingerTimeout)
	c.net.CloseWrite()
	c.changed()
}

// gone is called when the connection was closed, for whatever reason.
func (c *Conn) gone(err *ConnError) {
	if c.over {
		return
	}
	c.over = true
	c.disarm()
	c.broke(err)
}

// broke ends every stream with err.
func (c *Conn) broke(err *ConnError) {
	unsent := *err
	unsent.unprocessed = true
	for s := c.first; s != nil; s = s.next {
		if s.id == 0 {
			s.fail(&unsent)
		} else {
			s.fail(err)
		}
	}
	clear(c.byID)
	c.changed()
}

// remembered is how many streams that this side reset are remembered.
const remembered = 64

// resetRing holds the ids of the streams that this side reset last: frames that the peer sent before
// it knew may still come.
type resetRing struct {
	ids  [remembered]uint32
	next uint8
}

func (r *resetRing) add(id uint32) {
	r.ids[r.next%remembered] = id
	r.next++
}

func (r *resetRing) drop(id uint32) {
	if i := slices.Index(r.ids[:], id); i >= 0 {
		r.ids[i] = 0
	}
}

func (r *resetRing) has(id uint32) bool { return slices.Contains(r.ids[:], id) }
