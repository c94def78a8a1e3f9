package http2

import (
	"encoding/binary"
	"time"

	"tain.dev/tain/http1"
)

// Settings bound what a connection takes from its peer. A field of 0 means its default. Settings are
// read when a connection begins, and may serve any number of them.
type Settings struct {
	// MaxStreams is how many streams the peer of a server may have open at a time, those whose
	// handler still runs included; default 128.
	MaxStreams int
	// StreamWindow is how many bytes of one stream's body may wait to be consumed; default 256 KiB,
	// at most 2^31-1.
	StreamWindow int
	// ConnWindow is the same of all streams of a connection together; default 1 MiB, at least
	// 64 KiB - 1, at most 2^31-1.
	ConnWindow int
	// MaxHead is the size of a decoded head, in bytes, each field counted with 32 more (RFC 9113,
	// section 6.5.2); default 64 KiB. See [Stream.TooLarge].
	MaxHead int
	// MaxFields is how many fields a head may have; default and at most [http1.MaxFields].
	MaxFields int
	// HeadTimeout is how long the preface, a head, and any frame but DATA may take to arrive;
	// default 10 s.
	HeadTimeout time.Duration
	// IdleTimeout is how long a connection may be without streams before it is ended with GOAWAY;
	// default 75 s.
	IdleTimeout time.Duration
	// WriteTimeout is how long output may wait of which the peer takes nothing, before the
	// connection is closed; default 60 s. Whether it took anything is looked at once in this time.
	// It is also how long a peer may keep a window closed for which a Send waits, before that ends
	// with [netloop.ErrTimeout].
	// It also bounds how long one Send waits for a window, which ends in [netloop.ErrTimeout].
	WriteTimeout time.Duration
	// Low makes the coroutines of the connection low ones, see [netloop.Loop.GoLow].
	Low bool
	// Refused hears, on the loop, of every connection and stream that this side ended for what the
	// peer did: why, in a word of [Reasons], and for people. May be nil.
	Refused func(reason string, err error)
}

// withDefaults returns s with every field set, and within its bounds.
func (s *Settings) withDefaults() Settings {
	d := Settings{}
	if s != nil {
		d = *s
	}
	def := func(v *int, to, least, most int) {
		if *v == 0 {
			*v = to
		}
		*v = min(max(*v, least), most)
	}
	def(&d.MaxStreams, 128, 1, maxStreamID)
	def(&d.StreamWindow, 256<<10, 1, maxWindow)
	def(&d.ConnWindow, 1<<20, firstWindow, maxWindow)
	def(&d.MaxHead, 64<<10, 1, 1<<24)
	def(&d.MaxFields, http1.MaxFields, 1, http1.MaxFields)
	timeout := func(v *time.Duration, to time.Duration) {
		if *v == 0 {
			*v = to
		}
	}
	timeout(&d.HeadTimeout, 10*time.Second)
	timeout(&d.IdleTimeout, 75*time.Second)
	timeout(&d.WriteTimeout, 60*time.Second)
	if d.Refused == nil {
		d.Refused = func(string, error) {}
	}
	return d
}

// announce queues this side's SETTINGS, and makes the connection's window as large as it should be.
func (c *Conn) announce() {
	settings := []setting{{settingWindow, uint32(c.set.StreamWindow)}, {settingMaxHead, uint32(c.set.MaxHead)}}
	if c.server {
		settings = append(settings, setting{settingMaxStreams, uint32(c.set.MaxStreams)}, setting{settingConnect, 1})
	} else {
		settings = append(settings, setting{settingPush, 0})
	}
	c.control(appendSettings(c.scratch[:0], settings...))
	if more := c.set.ConnWindow - firstWindow; more > 0 {
		c.control(appendWindow(c.scratch[:0], 0, more))
		c.window += more
	}
}

// peerSettings is what the peer said of itself, as far as it matters here. Its table size does not,
// since nothing is ever put into the table; a larger frame size does not either, since small frames
// are fairer to other streams.
type peerSettings struct {
	maxStreams int   // that a client may open
	window     int64 // for what is sent on a new stream
	connect    bool  // extended CONNECT is offered
}

// assumedStreams is how many streams a client opens before it knows the peer's SETTINGS.
const assumedStreams = 100

func (c *Conn) onSettings(f frame, payload []byte) *fault {
	switch {
	case f.stream != 0:
		return errStreamID
	case f.has(flagAck) && len(payload) != 0, len(payload)%settingSize != 0:
		return errFrameSize
	case f.has(flagAck):
		c.onSettingsAck()
		return c.meter(glitchSettings)
	}
	if !c.settled {
		c.settled = true
		c.peer.maxStreams = maxStreamID // which is what it means not to say it
	}
	for ; len(payload) > 0; payload = payload[settingSize:] {
		id, value := binary.BigEndian.Uint16(payload), binary.BigEndian.Uint32(payload[2:])
		if fault := c.apply(id, value); fault != nil {
			return fault
		}
	}
	c.control(frame{kind: frameSettings, flags: flagAck}.append(c.scratch[:0]))
	c.openGate()
	c.changed()
	return c.meter(glitchSettings)
}

// onSettingsAck makes the peer's windows count as announced: until now, it could not know.
func (c *Conn) onSettingsAck() {
	if c.acked {
		return
	}
	c.acked = true
	for s := c.first; s != nil; s = s.next {
		s.window += c.set.StreamWindow - firstWindow
	}
}

// apply takes one setting of the peer.
func (c *Conn) apply(id uint16, value uint32) *fault {
	switch id {
	case settingPush:
		if value > 1 || value == 1 && !c.server {
			return errSetting
		}
	case settingMaxStreams:
		c.peer.maxStreams = int(min(value, maxStreamID))
	case settingWindow:
		return c.applyWindow(value)
	case settingMaxFrame:
		if value < maxFrame || value > 1<<24-1 {
			return errSetting
		}
	case settingConnect:
		if value > 1 || value == 0 && c.peer.connect {
			return errSetting
		}
		c.peer.connect = value == 1
	}
	return nil
}

// applyWindow changes the window of every open stream by as much as that of new ones changes. A
// window can become negative so.
func (c *Conn) applyWindow(value uint32) *fault {
	if value > maxWindow {
		return errSettingWindow
	}
	delta := int64(value) - c.peer.window
	c.peer.window = int64(value)
	for s := c.first; s != nil; s = s.next {
		if s.credit += delta; s.credit > maxWindow {
			return errSettingWindow
		}
		s.wakeWriter()
	}
	return nil
}
