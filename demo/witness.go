package demo

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// idField is the header field by which a copy is found to be one of a request. The users of the scene on
// rules give each request its own.
const idField = "X-Request-Id"

// Visit is a request of a user in the scene on rules, and how live answered it.
type Visit struct {
	Message
	User    int    // the id of the user
	Country string // where the user is
	Payment bool
	Status  int // of live's answer; 0 if there was none
}

// Copy is a request as a target got it.
type Copy struct {
	Message
	At time.Duration // when it came, from any fixed moment
}

// ID is the id of the request that the message is, or is a copy of.
func (m *Message) ID() string { return m.Header.Get(idField) }

// diary keeps what users asked. Its methods may be called by any number of goroutines.
type diary struct {
	mu     sync.Mutex
	visits []Visit
}

// write keeps a visit, and returns its place.
func (d *diary) write(v Visit) (place int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.visits = append(d.visits, v)
	return len(d.visits) - 1
}

// answered adds how live answered the visit at a place.
func (d *diary) answered(place, status int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.visits[place].Status = status
}

func (d *diary) all() []Visit {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.visits)
}

// Witness is a target that keeps what it gets: all of it, so it is for minutes, not for days.
type Witness struct {
	next    http.Handler
	started time.Time
	mu      sync.Mutex
	copies  []Copy
}

// NewWitness returns a witness that lets next answer. It may be used by any number of goroutines.
func NewWitness(next http.Handler) *Witness {
	return &Witness{next: next, started: time.Now()}
}

// ServeHTTP keeps the request and has it answered. A request whose body breaks off is kept as far as it
// came.
func (w *Witness) ServeHTTP(answer http.ResponseWriter, r *http.Request) {
	at := time.Since(w.started)
	body, err := io.ReadAll(r.Body)
	w.keep(Copy{Message: Message{Line: r.Method + " " + r.RequestURI, Header: headerOf(r), Body: string(body)}, At: at})
	if err != nil {
		http.Error(answer, "the body breaks off", http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	w.next.ServeHTTP(answer, r)
}

func (w *Witness) keep(c Copy) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.copies = append(w.copies, c)
}

// Copies returns what came so far, in the order in which it came.
func (w *Witness) Copies() []Copy {
	w.mu.Lock()
	defer w.mu.Unlock()
	copies := slices.Clone(w.copies)
	slices.SortStableFunc(copies, func(a, b Copy) int { return int(a.At - b.At) })
	return copies
}

// headerOf returns the header of a request with the fields that net/http keeps elsewhere.
func headerOf(r *http.Request) http.Header {
	h := r.Header.Clone()
	h.Set("Host", r.Host)
	if r.ContentLength > 0 {
		h.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	return h
}
