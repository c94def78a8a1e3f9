package mirror

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"tain.dev/tain/control"
)

// TestChurn lets users come and go in the middle of everything, while tables change and the mirror
// is switched off and on. Whatever happens to a copy, it is booked once, and its memory given back.
func TestChurn(t *testing.T) {
	live, good, bad := startFaulty(t, "ok"), startFaulty(t, "ok"), startFaulty(t, "reset")
	cfg := plain()
	cfg.Mirror.Memory = 128 << 10
	cfg.Mirror.Connections = 4
	cfg.Mirror.Queue = 16
	tables := []string{
		"route all\nbackend http://" + live.Addr + "\n",
		"route all\nbackend http://" + live.Addr + "\nmirror v2 100%\nwrites\ntimeout 100ms\nto http://" + good.Addr + " v2\nto http://" + bad.Addr + " bad\n",
		"route all\nbackend http://" + live.Addr + "\nmirror v2 50%\nwrites\ntimeout 100ms\nto http://" + bad.Addr + " v2\nbaseline http://" + good.Addr + " bad\n",
		"route all\nbackend http://" + live.Addr + "\nmirror v2 100%\nwrites\nafter\nsize < 5\nend\nto http://" + good.Addr + " v2\nmirror late 100%\nwrites\nafter\nstatus 200-299\nend\nto http://" + good.Addr + " bad\n",
	}
	r := start(t, cfg, tables[1])
	r.onLoop(func() { r.silent = true })
	end := time.Now().Add(time.Second)
	var users, operator sync.WaitGroup
	for seed := range uint64(4) {
		users.Go(func() {
			random := rand.New(rand.NewPCG(seed, 1))
			for time.Now().Before(end) {
				if err := visit(r.addr, random); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	operator.Go(func() {
		random := rand.New(rand.NewPCG(9, 9))
		for time.Now().Before(end) {
			switch random.IntN(4) {
			case 0:
				r.Control(paused("v2"))
			case 1:
				r.Control(control.State{Killed: true})
			case 2:
				r.setTable(t, tables[random.IntN(len(tables))])
			}
			r.onLoop(func() {})
			r.Control(control.State{})
			for range 20 {
				r.onLoop(func() {})
			}
		}
	})
	users.Wait()
	operator.Wait()
	r.settled(t)
	if r.total("compared") == 0 || r.total("seen") < 100 {
		t.Errorf("hardly anything happened:\n%s", r.books("v2"))
	}
	if n := r.proxy.Counts().Errors["reset"]; n > 0 {
		t.Errorf("%d live requests were reset", n)
	}
}

// visit makes some requests on one connection, and maybe leaves in the middle of one.
func visit(addr string, random *rand.Rand) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	ask := func(rest string) error {
		if _, err := c.Write([]byte(rest)); err != nil {
			return err
		}
		got := make([]byte, len(okAnswer))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != okAnswer {
			return fmt.Errorf("the answer is %q, %w", got, err)
		}
		return nil
	}
	for range random.IntN(20) {
		size := random.IntN(30_000)
		head := fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", size)
		body := strings.Repeat("b", size)
		switch cut := random.IntN(size + 1); random.IntN(6) {
		case 0: // leave in the middle
			c.(*net.TCPConn).SetLinger(0)
			_, err := c.Write([]byte(head + body[:cut]))
			return err
		case 1: // leave before the answer
			_, err := c.Write([]byte(head + body))
			return err
		case 2: // in two pieces
			if _, err := c.Write([]byte(head + body[:cut])); err != nil {
				return err
			}
			if err := ask(body[cut:]); err != nil {
				return err
			}
		default:
			if err := ask(head + body); err != nil {
				return err
			}
		}
	}
	return nil
}
