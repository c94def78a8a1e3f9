package faulty

import (
	"io"
	"sync/atomic"
	"time"
)

// Desks are how many requests a server in mode capacity answers at a time, unless [Server.Open] says
// another number, which may be up to MaxDesks.
const (
	Desks    = 8
	MaxDesks = 64
)

// desks are where the requests of mode capacity are answered. All others wait.
type desks struct {
	free   chan struct{}
	open   int // for Open alone
	served atomic.Int64
	took   atomic.Int64 // ns
}

func newDesks() *desks {
	d := &desks{free: make(chan struct{}, MaxDesks)}
	d.set(Desks)
	return d
}

// set opens desks, or closes some as soon as they are free.
func (d *desks) set(n int) {
	for ; d.open < n; d.open++ {
		d.free <- struct{}{}
	}
	for ; d.open > n; d.open-- {
		<-d.free
	}
}

// Open makes a server in mode capacity answer n requests at a time, 1 to MaxDesks, and returns when no more
// are being answered. One goroutine may call it.
func (s *Server) Open(n int) { s.desks.set(n) }

// Served is how many requests a server in mode capacity has answered, and how long they took from the head
// on, waiting included, all together.
func (s *Server) Served() (n int64, took time.Duration) {
	return s.desks.served.Load(), time.Duration(s.desks.took.Load())
}

func serveCapacity(c *conn) {
	d := c.srv.desks
	c.exchanges(func(r request) error {
		start := time.Now()
		if err := c.receive(r); err != nil {
			return err
		}
		select {
		case <-d.free:
		case <-c.srv.done:
			return io.ErrClosedPipe
		}
		ok := c.srv.wait(c.srv.mode.Pause)
		d.free <- struct{}{}
		if !ok {
			return io.ErrClosedPipe
		}
		d.took.Add(int64(time.Since(start)))
		d.served.Add(1)
		return c.send(r, okAnswer)
	})
}
