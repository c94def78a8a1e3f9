//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

const (
	// thinking is how long a user waits between two requests.
	thinking = 5 * time.Millisecond
	// perConnection is how many requests a connection carries before its users open another one.
	perConnection = 200
	// largestPost is the size of the largest body that users post.
	largestPost = 64 << 10
)

// users make requests of an [origin] behind a proxy and check every answer. No request is sent twice, so
// what breaks has failed.
type users struct {
	bodies []byte // posted in pieces
	stop   chan struct{}
	all    sync.WaitGroup

	mu      sync.Mutex
	served  map[string]int // requests by who made them
	failed  int
	reasons []string        // of the first failures
	serials map[string]bool // of the certificates that were seen
}

func newUsers() *users {
	u := &users{
		bodies: make([]byte, 2*largestPost), stop: make(chan struct{}),
		served: make(map[string]int), serials: make(map[string]bool),
	}
	rand.NewChaCha8([32]byte{}).Read(u.bodies)
	return u
}

// start lets some users share one connection after the other, until leave.
func (u *users) start(name string, p protocol, addr string, sharing int) {
	u.all.Go(func() {
		for !u.leaving() {
			u.connection(name, p, addr, sharing)
		}
	})
}

// leave ends all users after their current request.
func (u *users) leave() {
	close(u.stop)
	u.all.Wait()
}

func (u *users) leaving() bool {
	select {
	case <-u.stop:
		return true
	default:
		return false
	}
}

// connection opens one connection and uses it up.
func (u *users) connection(name string, p protocol, addr string, sharing int) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := p.connect(ctx, addr)
	if err != nil {
		u.note(name, fmt.Errorf("connecting: %w", err))
		time.Sleep(10 * thinking)
		return
	}
	defer c.Close()
	var sharers sync.WaitGroup
	for range sharing {
		sharers.Go(func() {
			for i := 0; i < perConnection/sharing && !u.leaving() && !left(c); i++ {
				err := u.request(c, p.scheme+"://"+addr+"/", i%2 == 1)
				if u.note(name, err); err != nil {
					return
				}
				time.Sleep(thinking)
			}
		})
	}
	sharers.Wait()
}

// left says that the client has given c up between two requests, by which none is lost: the last answer
// asked for that, or the client had an answer and had not noticed for 50 ms that its request was out.
func left(c *http.ClientConn) bool {
	err := c.Err()
	return err != nil && err.Error() == "http: persistConn.readLoop exiting"
}

// request asks once, by POST or GET, and checks the answer.
func (u *users) request(c *http.ClientConn, url string, post bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	method, body, want := "GET", []byte(nil), smallJSON
	if post {
		body = u.bodies[rand.IntN(largestPost):][:rand.IntN(largestPost)]
		sum := sha256.Sum256(body)
		method, want = "POST", hex.EncodeToString(sum[:])
	}
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := c.RoundTrip(r)
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("%s: reading the answer: %w", method, err)
	}
	if answer.StatusCode != http.StatusOK || string(got) != want {
		return fmt.Errorf("%s: answered with %s and %.100q, want %.100q", method, answer.Status, got, want)
	}
	u.saw(answer)
	return nil
}

func (u *users) saw(answer *http.Response) {
	if answer.TLS == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.serials[answer.TLS.PeerCertificates[0].SerialNumber.String()] = true
}

// note counts one request.
func (u *users) note(name string, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err == nil {
		u.served[name]++
		return
	}
	u.failed++
	if len(u.reasons) < 5 {
		u.reasons = append(u.reasons, name+": "+err.Error())
	}
}

// join adds what others, who have left, have seen.
func (u *users) join(o *users) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for name, n := range o.served {
		u.served[name] += n
	}
	u.failed += o.failed
	u.reasons = append(u.reasons, o.reasons...)
}
