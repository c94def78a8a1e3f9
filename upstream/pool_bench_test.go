package upstream

import (
	"io"
	"net/http"
	"testing"

	"tain.dev/tain/http1"
	"tain.dev/tain/http2"
	"tain.dev/tain/netloop"
	"tain.dev/tain/route"
)

var (
	shortHead = []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 27\r\n\r\n")
	shortBody = []byte(`{"id":1,"name":"something"}`)
)

// answerShortly is a server of both versions of HTTP that answers each request with a short body.
func answerShortly(c *netloop.Conn) {
	for len(c.Buffered()) == 0 {
		if c.Fill() != nil {
			c.Close()
			return
		}
	}
	if is, _ := http2.IsPreface(c.Buffered()); is {
		http2.Serve(c, nil, func(s *http2.Stream) {
			if s.WriteResponse(shortHead, false) == nil {
				s.SendLast(shortBody, nil)
			}
		})
		return
	}
	for c.Send2(shortHead, shortBody) == nil { // a request comes as one piece
		c.Consume(len(c.Buffered()))
		if c.Fill() != nil {
			break
		}
	}
	c.Close()
}

// client is who asks without allocating.
type client struct {
	pool   *Pool
	ask    Ask
	head   []byte
	method []byte
	answer http1.Response
}

func newClient(p *Pool) *client {
	return &client{pool: p, ask: Ask{Timeout: patience}, head: []byte(get("/api/items?id=17")), method: []byte(http.MethodGet)}
}

// borrow takes a carrier and gives it back as if it had been used.
func (c *client) borrow() error {
	up, _, err := c.pool.Take(&c.ask)
	if err != nil {
		return err
	}
	if h, ok := up.(*h1); ok {
		h.sent, h.keep = true, true
	}
	up.Release()
	return nil
}

// exchange carries a request and its answer.
func (c *client) exchange() error {
	up, _, err := c.pool.Take(&c.ask)
	if err != nil {
		return err
	}
	if err = up.Send(c.head, nil, RestNone); err == nil {
		err = c.read(up)
	}
	if err != nil {
		up.Abort(OutcomeOf(err))
		return err
	}
	up.Release()
	return nil
}

func (c *client) read(up Carrier) error {
	if err := up.ReadHead(&c.answer, c.method); err != nil {
		return err
	}
	up.StartBody(&c.answer)
	for {
		_, n, done, err := up.Body()
		if err != nil {
			return err
		}
		if up.Consume(n); done {
			return nil
		}
		if err := up.Fill(); err != nil {
			return err
		}
	}
}

// bare is an exchange over a shared connection, past the pool.
func (c *client) bare(conn *http2.Conn) error {
	s := conn.Open()
	defer s.Close()
	if err := s.WriteRequest(c.head, "http", true); err != nil {
		return err
	}
	if err := s.ReadHead(); err != nil {
		return err
	}
	if err := c.answer.Parse(s.Head(), c.method); err != nil {
		return err
	}
	for {
		ended := s.Ended()
		if s.Consume(len(s.Buffered())); ended {
			return nil
		}
		if err := s.Fill(); err != nil && err != io.EOF {
			return err
		}
	}
}

// allocations is how often fn allocates when it is warm. It is called in a coroutine.
func allocations(t *testing.T, fn func() error) float64 {
	t.Helper()
	warm := func() {
		if err := fn(); err != nil {
			t.Error(err)
		}
	}
	for range 10 { // so that there are connections to all servers
		warm()
	}
	return testing.AllocsPerRun(200, warm)
}

// TestPoolDoesNotAllocate for any policy of choice, but for what HTTP/2 does by itself.
func TestPoolDoesNotAllocate(t *testing.T) {
	a, b := newServing(t, answerShortly), newServing(t, answerShortly)
	for _, scheme := range []string{"http", "h2c"} {
		for _, policy := range policies {
			o := &route.Options{Balance: route.Balance{Policy: policy}, MaxConns: 4, MaxRequests: 4}
			r := newRig(t, nil, urlOf(scheme, a, b), o)
			c := newClient(r.pool)
			r.in(func() {
				loan, exchange, bare := allocations(t, c.borrow), allocations(t, c.exchange), 0.0
				for _, k := range r.pool.servers {
					if scheme == "h2c" {
						bare = allocations(t, func() error { return c.bare(k.shared[0]) })
					}
				}
				if raceEnabled {
					exchange = bare // its sync.Pool forgets at random
				}
				if loan >= 1 || exchange >= bare+1 {
					t.Errorf("%s, policy %d: a loan allocates %.0f times, an exchange %.0f, of which %.0f are due", scheme, policy, loan, exchange, bare)
				}
			})
		}
	}
}

func BenchmarkLoan(b *testing.B) { benchmarkPool(b, (*client).borrow) }

func BenchmarkExchange(b *testing.B) { benchmarkPool(b, (*client).exchange) }

func benchmarkPool(b *testing.B, fn func(*client) error) {
	for _, scheme := range []string{"http", "h2c"} {
		b.Run(scheme, func(b *testing.B) {
			r := newRig(b, nil, urlOf(scheme, newServing(b, answerShortly)), nil)
			c := newClient(r.pool)
			b.ReportAllocs()
			r.in(func() {
				if err := c.exchange(); err != nil {
					b.Error(err)
				}
				for b.Loop() {
					if err := fn(c); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
