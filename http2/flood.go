package http2

import "time"

// glitch is a kind of frame that moves no message on and costs its sender nothing.
type glitch uint8

const (
	glitchSettings glitch = iota
	glitchPing
	glitchEmpty
	glitchOther // PRIORITY, unknown types, and what comes too late to have an effect
	glitchWindow
	glitchReset // a stream was reset before it was answered, by the peer or because of it
	glitches
)

// allowances say how many of each a peer may send in a second, beyond those that it earned, see
// earn. They are far above what any honest peer was seen to need, and far below what costs
// anything.
var allowances = [glitches]struct {
	perSecond int32
	fault     *fault
}{
	glitchSettings: {20, errSettingsFlood},
	glitchPing:     {500, errPingFlood},
	glitchEmpty:    {100, errEmptyFlood},
	glitchOther:    {200, errPriorityFlood},
	glitchWindow:   {500, errWindowFlood},
	glitchReset:    {0, errRapidReset}, // 2 × MaxStreams: a client may give up all its streams, and again
}

// Of the last sampleStreams streams, about, no more than sampleResets may have been reset before
// they were answered.
const (
	sampleStreams = 1000
	sampleResets  = sampleStreams / 2
)

// maxSaved bounds what a peer can earn ahead.
const maxSaved = 10_000

// flood counts what may be an attack, in windows of a second.
type flood struct {
	began           int64 // of the second, on the loop's clock
	counts          [glitches]int32
	streams, resets int // of late
}

// meter counts a glitch, and says that it was one too many.
func (c *Conn) meter(g glitch) *fault {
	f := &c.flood
	if now := c.loop.Now(); now-f.began >= int64(time.Second) {
		f.began = now
		for i := range f.counts {
			f.counts[i] = min(f.counts[i], 0)
		}
	}
	limit := allowances[g].perSecond
	if g == glitchReset {
		limit = int32(2 * c.set.MaxStreams)
		if f.resets++; f.resets > sampleResets {
			return errRapidReset
		}
	}
	if f.counts[g]++; f.counts[g] > limit {
		return allowances[g].fault
	}
	return nil
}

// earn lets a peer send n more of a kind, as honest ones do for every stream, and in answer to what
// they are sent.
func (c *Conn) earn(g glitch, n int32) {
	if c.flood.counts[g] > -maxSaved {
		c.flood.counts[g] -= n
	}
}

// opened counts a new stream of the peer.
func (c *Conn) opened() {
	if c.flood.streams++; c.flood.streams >= sampleStreams {
		c.flood.streams /= 2
		c.flood.resets /= 2
	}
}
