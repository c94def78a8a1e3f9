//go:build linux

package main

import (
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	reloadEvery = 100 * time.Millisecond
	// The following are in generations, of which each is one reload.
	certificateEvery = 10
	visitorsEvery    = 20
)

// reloading is a tain whose configuration changes all the time, and what is around it.
type reloading struct {
	*bench
	tain              *server
	lives             [2]*server // each generation has the other one
	target            *server
	secure, visitable string // addresses of the listener with TLS, and of the one that comes and goes
	certificates      string // their folder
	users             *users
	visitors          *users // at the listener that comes and goes; nil while it is not there

	generation int
	inEffect   int // generations that were in effect when the next one came
	visits     int // how often the listener came
	lingering  int // how often it was still there after it went
}

// reload changes everything that can change under load: routes, mirrors, certificates, listeners.
func (b *bench) reload() error {
	r := &reloading{bench: b, secure: freeAddr(), visitable: freeAddr(), users: newUsers()}
	if err := r.start(); err != nil {
		return err
	}
	for _, u := range []struct {
		protocol
		addr    string
		sharing int
	}{{http1, r.tain.addr, 1}, {http2, r.tain.addr, 4}, {http1TLS, r.secure, 1}, {http2TLS, r.secure, 4}} {
		for range 4 / u.sharing {
			r.users.start(u.name, u.protocol, u.addr, u.sharing)
			r.users.start(u.name, u.protocol, u.addr, u.sharing)
		}
	}
	err := r.changes()
	r.users.leave()
	if err != nil {
		return err
	}
	books, err := b.settled(r.tain, 30*time.Second)
	if err != nil {
		return err
	}
	r.tell(&books)
	return nil
}

func (r *reloading) start() (err error) {
	for i := range r.lives {
		if r.lives[i], err = r.origin("live"); err != nil {
			return err
		}
	}
	if r.target, err = r.origin("target"); err != nil {
		return err
	}
	if r.certificates, err = os.MkdirTemp(r.dir, "certificates-"); err != nil {
		return err
	}
	if _, err = newCertificate(r.certificates); err != nil {
		return err
	}
	r.tain, err = r.configured(r.text())
	return err
}

// text is the configuration of the current generation.
func (r *reloading) text() string {
	var t strings.Builder
	fmt.Fprintf(&t, "listen:\n- ADDR\n- {address: %q, tls: {certificates: [{cert: %[2]s/cert.pem, key: %[2]s/key.pem}]}}\n", r.secure, r.certificates)
	if r.open() {
		fmt.Fprintf(&t, "- %s\n", r.visitable)
	}
	fmt.Fprintf(&t, "routes:\n- name: %s\n  backends: http://%s\n", r.name(), r.lives[r.generation%2].addr)
	if r.generation%3 != 2 {
		fmt.Fprintf(&t, "  mirrors:\n  - {name: all, targets: \"http://%s\", writes: true}\n", r.target.addr)
	}
	return t.String()
}

func (r *reloading) name() string { return fmt.Sprintf("generation-%d", r.generation) }

// open says whether the listener that comes and goes is there in this generation.
func (r *reloading) open() bool { return r.generation%(2*visitorsEvery) >= visitorsEvery }

// changes makes one generation after the other.
func (r *reloading) changes() error {
	last := int(r.reloadFor / reloadEvery)
	last -= last % 3 // which has a mirror, and so books
	tick := time.NewTicker(reloadEvery)
	defer tick.Stop()
	for r.generation = 1; r.generation <= last; r.generation++ {
		if err := r.change(); err != nil {
			return err
		}
		select {
		case <-r.ctx.Done():
			return r.ctx.Err()
		case <-r.tain.done:
			return fmt.Errorf("tain ended: %s", r.tain.tail())
		case <-tick.C:
		}
		if err := r.look(); err != nil {
			return err
		}
	}
	r.generation = last
	r.seeOff()
	return nil
}

// change puts the current generation into effect.
func (r *reloading) change() error {
	if r.generation%certificateEvery == 0 {
		if _, err := newCertificate(r.certificates); err != nil {
			return err
		}
	}
	if !r.open() {
		r.seeOff()
	}
	if err := r.tain.configure(r.text()); err != nil {
		return err
	}
	return r.tain.cmd.Process.Signal(syscall.SIGHUP)
}

// look asks which generation is in effect, and tries the listener that comes and goes.
func (r *reloading) look() error {
	var table struct {
		Routes []struct {
			Name string `json:"name"`
		} `json:"routes"`
	}
	if err := r.tain.ask("/api/v1/routes", &table); err != nil {
		return err
	}
	if len(table.Routes) != 1 || table.Routes[0].Name != r.name() {
		return nil
	}
	r.inEffect++
	if r.open() {
		return r.letIn()
	} else if r.visits > 0 && r.generation%visitorsEvery == visitorsEvery-1 {
		r.knock()
	}
	return nil
}

// letIn lets visitors in as soon as the listener is there: it opens once the routes are in effect that its
// requests need.
func (r *reloading) letIn() error {
	var status struct {
		Listen []string `json:"listen"`
	}
	if err := r.tain.ask("/api/v1/status", &status); err != nil {
		return err
	}
	if r.visitors == nil && slices.Contains(status.Listen, r.visitable) {
		r.visits++
		r.visitors = newUsers()
		r.visitors.start("a listener that comes and goes", http1, r.visitable, 1)
	}
	return nil
}

// seeOff waits until the visitors have left, because their listener is to go.
func (r *reloading) seeOff() {
	if r.visitors != nil {
		r.visitors.leave()
		r.users.join(r.visitors)
		r.visitors = nil
	}
}

// knock holds that a listener that has gone takes no connection.
func (r *reloading) knock() {
	if c, err := net.Dial("tcp", r.visitable); err == nil {
		c.Close()
		r.lingering++
	}
}

func (r *reloading) tell(books *account) {
	note := ""
	for _, name := range slices.Sorted(maps.Keys(r.users.served)) {
		note += fmt.Sprintf(", %s %d", name, r.users.served[name])
	}
	r.report.add(
		row{What: "requests of users, half of them POST", Measured: count(r.users.failed, "failed"), Limit: limit{None: true}, Note: "answered: " + strings.TrimPrefix(note, ", ")},
		row{What: "reloads in effect when the next one came", Measured: count(r.inEffect, fmt.Sprintf("of %d", r.generation))},
		row{What: "certificates that users saw", Measured: count(len(r.users.serials), fmt.Sprintf("of %d", 1+r.generation/certificateEvery))},
		row{What: "listeners that went and took connections still", Measured: count(r.lingering, fmt.Sprintf("of %d", r.visits)), Limit: limit{None: true}})
	for _, reason := range r.users.reasons {
		r.report.note(reason)
	}
	if books.Imbalance != "" {
		r.report.note("**" + books.Imbalance + "**")
	}
	r.report.note(fmt.Sprintf("Every %v the table is another one, with another backend, and now and then without its mirror; every second there is another certificate; every %v a listener comes or goes. Each request is sent once, over one connection after the other.", reloadEvery, visitorsEvery*reloadEvery))
}
