//go:build linux

package main

import (
	"encoding/json"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// crowd is a process of many connections: members that connect to one server from several loopback addresses,
// each behaving in its own way, over and over.
type crowd struct {
	addr    string
	arrived sync.WaitGroup // members that have tried their first connection

	opened, held, ok, failed, cut atomic.Int64
}

// toll is what became of a crowd.
type toll struct {
	Opened int `json:"opened"` // connections
	Held   int `json:"held"`   // connections that are open now
	Cut    int `json:"cut"`    // connections that the server has ended
	OK     int `json:"ok"`     // requests of the well-behaved that were answered with 200
	Failed int `json:"failed"` // connections of theirs that were refused or broke, or requests without a 200
}

func (t *toll) add(o toll) {
	t.Opened, t.Held, t.Cut = t.Opened+o.Opened, t.Held+o.Held, t.Cut+o.Cut
	t.OK, t.Failed = t.OK+o.OK, t.Failed+o.Failed
}

// serveCrowd is the process that [bench.siege] starts. It listens, and tells its toll, once the whole
// crowd is there. The crowd ends with the process.
func serveCrowd(addr string, size int, listen string) error {
	m := &crowd{addr: addr}
	m.arrived.Add(size)
	for i := range size {
		go m.live(i, size)
	}
	m.arrived.Wait()
	return http.ListenAndServe(listen, m)
}

// ServeHTTP tells the toll.
func (m *crowd) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	json.NewEncoder(w).Encode(toll{
		Opened: int(m.opened.Load()), Held: int(m.held.Load()), Cut: int(m.cut.Load()),
		OK: int(m.ok.Load()), Failed: int(m.failed.Load()),
	})
}

// live is the life of member i of size.
func (m *crowd) live(i, size int) {
	b := behaviourOf(i)
	// All at once would be over the listener's backlog.
	time.Sleep(time.Duration(i) * 2 * time.Second / time.Duration(size))
	for first := true; ; first = false {
		c, err := dialFrom(i, m.addr)
		if first {
			m.arrived.Done()
		}
		if err == nil {
			err = m.hold(b, c)
		}
		if err != nil && b.well {
			m.failed.Add(1)
		}
		time.Sleep(between(time.Second, 2*time.Second))
	}
}

// hold behaves over one connection until that ends, and returns why if the server did it.
func (m *crowd) hold(b *behaviour, c *net.TCPConn) error {
	m.opened.Add(1)
	m.held.Add(1)
	defer m.held.Add(-1)
	defer c.Close()
	err := b.act(m, c)
	if err != nil {
		m.cut.Add(1)
	}
	return err
}

// dialFrom connects from one of eight loopback addresses: one alone would run out of ports.
func dialFrom(i int, addr string) (*net.TCPConn, error) {
	d := net.Dialer{Timeout: 5 * time.Second, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%8))}}
	c, err := d.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), nil
}

func between(low, high time.Duration) time.Duration { return low + rand.N(high-low) }

// polite makes a request now and then, checks the answers, and leaves.
func polite(m *crowd, c *net.TCPConn) error {
	for range 1 + rand.IntN(3) {
		time.Sleep(between(0, 16*time.Second))
		if err := get(c); err != nil {
			return err
		}
		m.ok.Add(1)
	}
	return nil
}
