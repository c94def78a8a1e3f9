package faulty

import (
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// MaxConns is how many connections a server holds at a time. More wait in the listener's backlog.
const MaxConns = 10_000

// Server is a running target. Its methods may be called from any goroutine.
type Server struct {
	Addr string // host:port that it listens on, or refuses on

	mode     Mode
	listener io.Closer // a net.Listener, or the held port of mode "refuse"
	requests atomic.Uint64
	done     chan struct{} // closed by Close
	slots    chan struct{} // one entry per open connection
	desks    *desks        // of mode capacity
	running  sync.WaitGroup

	mu    sync.Mutex // guards the fields below
	conns map[net.Conn]struct{}
	ended bool
}

// Start starts a target in the named mode on a free port of 127.0.0.1.
func Start(mode string) (*Server, error) { return Listen("127.0.0.1:0", mode) }

// Listen starts a target in the named mode on addr, whose host must be an IP address.
func Listen(addr, mode string) (*Server, error) {
	m, err := ParseMode(mode)
	if err != nil {
		return nil, err
	}
	s := newServer(m)
	if m.serve == nil {
		port, err := hold(addr)
		if err != nil {
			return nil, fmt.Errorf("holding %s closed: %w", addr, err)
		}
		s.Addr, s.listener = port.addr, port
		return s, nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	s.Addr, s.listener = l.Addr().String(), l
	s.running.Go(func() { s.accept(l) })
	return s, nil
}

func newServer(m Mode) *Server {
	return &Server{
		mode:  m,
		done:  make(chan struct{}),
		slots: make(chan struct{}, MaxConns),
		desks: newDesks(),
		conns: make(map[net.Conn]struct{}),
	}
}

// Requests is the number of request heads that were read so far. It stays 0 in the modes that
// read none.
func (s *Server) Requests() uint64 { return s.requests.Load() }

// Close gives the port back, breaks every connection, and returns once nothing runs any more.
// Further calls do nothing.
func (s *Server) Close() {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return
	}
	s.ended = true
	close(s.done)
	s.listener.Close()
	for nc := range s.conns {
		nc.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}

// accept takes connections until the listener is closed. Any other error, such as a lack of file
// descriptors, passes: it tries again a little later.
func (s *Server) accept(l net.Listener) {
	for {
		select {
		case s.slots <- struct{}{}:
		case <-s.done:
			return
		}
		nc, err := l.Accept()
		if err == nil {
			s.running.Go(func() { s.handle(nc) })
			continue
		}
		<-s.slots
		if !s.wait(10 * time.Millisecond) {
			return
		}
	}
}

// handle serves one connection in the server's mode and closes it.
func (s *Server) handle(nc net.Conn) {
	defer func() { <-s.slots }()
	if !s.add(nc) {
		return
	}
	defer s.remove(nc)
	s.mode.serve(newConn(s, nc))
}

// add registers nc for Close, or closes it and reports false when Close came first.
func (s *Server) add(nc net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		nc.Close()
		return false
	}
	s.conns[nc] = struct{}{}
	return true
}

func (s *Server) remove(nc net.Conn) {
	nc.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, nc)
}

// wait returns true after d, or false as soon as the server is closed.
func (s *Server) wait(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.done:
		return false
	}
}
