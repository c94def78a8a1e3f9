package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"

	"tain.dev/tain/redact"
	"tain.dev/tain/route"
	"tain.dev/tain/traffic"
)

// explanation is what tain explain says. It is the form of its JSON.
type explanation struct {
	Request requestSays  `json:"request"`
	Refused string       `json:"refused,omitempty"` // why tain refuses the request, with its status
	Route   *routeSays   `json:"route"`             // null if there is none
	Others  []otherSays  `json:"other_routes"`      // in the order in which they are asked
	Answer  string       `json:"answer,omitempty"`  // what the route says without asking live
	Live    []string     `json:"live,omitempty"`    // the lines of the head that live gets
	Servers []serverSays `json:"backends,omitempty"`
	Mirrors []mirrorSays `json:"mirrors"`
	Notes   []string     `json:"notes,omitempty"`
}

type requestSays struct {
	Line   string `json:"line"`
	Host   string `json:"host"`
	From   string `json:"from"`   // the peer
	Source string `json:"source"` // the user, as far as trusted peers tell
	TLS    bool   `json:"tls"`
}

type routeSays struct {
	Name  string       `json:"name"`
	Place string       `json:"place,omitempty"` // its file and line
	Steps []route.Step `json:"conditions"`
}

type otherSays struct {
	Name    string      `json:"name"`
	Place   string      `json:"place,omitempty"`   // its file and line
	First   bool        `json:"asked_before"`      // it would be taken if it matched
	Fails   *route.Step `json:"fails,omitempty"`   // its first condition that does not hold
	Because string      `json:"because,omitempty"` // why the route that is taken is asked before it
}

type serverSays struct {
	URL   string   `json:"url"`
	Share string   `json:"share"`
	Edits []string `json:"filters,omitempty"` // of the backend alone
}

// explain says what becomes of a request. pair is that which it is of, or nil.
func (s *scene) explain(a *asked, pair *traffic.Record) (*explanation, error) {
	line, _, _ := strings.Cut(string(a.head), "\r\n")
	says := &explanation{
		Request: requestSays{Line: line, Host: a.host, From: a.from.String(), TLS: a.secure},
		Others:  []otherSays{}, Mirrors: []mirrorSays{}, Notes: s.notes,
	}
	reached := false
	answer, err := rehearse(s.cfg, staged(s.cfg.Table, false), a, watch(func(q *route.Request, arrival *traffic.Arrival) {
		reached = true
		in := &arrived{Request: q, Arrival: arrival, body: a.body}
		if pair != nil {
			in.live = &pair.Live
		}
		says.take(s, in)
	}))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		says.Refused = "it closes the connection without an answer, as the first line is none of HTTP/1"
		return says, nil
	case err != nil:
		return nil, err
	case !reached:
		says.Refused = ownAnswer(answer)
		return says, nil
	case pair != nil:
		says.Notes = append(says.Notes, pairNotes(s.cfg.Table, pair)...)
	}
	if r := find(s.cfg.Table, says.Route); r == nil || r.Filters == nil {
		return says, nil
	}
	asksLive := false
	answer, err = rehearse(s.cfg, staged(s.cfg.Table, true), a, watch(func(*route.Request, *traffic.Arrival) { asksLive = true }))
	if err == nil && !asksLive {
		says.Answer, says.Live, says.Servers, says.Mirrors = ownAnswer(answer), nil, nil, []mirrorSays{}
	}
	return says, err
}

// take notes what becomes of a request that is there.
func (e *explanation) take(s *scene, in *arrived) {
	e.Request.Source = in.Source().String()
	d := s.cfg.Table.Explain(in.Request)
	for i := range d.Others {
		o := &d.Others[i]
		other := otherSays{Name: o.Name, Place: o.Place, First: o.Better, Because: o.Why}
		for j := range o.Steps {
			if o.Steps[j].Holds == route.No {
				other.Fails = &o.Steps[j]
				break
			}
		}
		e.Others = append(e.Others, other)
	}
	if d.Route == nil {
		return
	}
	e.Route = &routeSays{d.Route.Name, d.Route.Place, d.Steps}
	e.Live = headLines(in.Head, s.cfg.Proxy.Via)
	e.Servers = servers(d.Route)
	for _, m := range d.Route.Mirrors {
		e.Mirrors = append(e.Mirrors, s.mirror(d.Route, m, in))
	}
}

// find is the route of a table that was taken, or nil.
func find(t *route.Table, taken *routeSays) *route.Route {
	for _, r := range t.Routes() {
		if taken != nil && r.Name == taken.Name {
			return r
		}
	}
	return nil
}

// servers are the backends that get requests of a route, with what their own filters do.
func servers(r *route.Route) (all []serverSays) {
	total := uint64(0)
	for i := range r.Backends {
		total += uint64(r.Backends[i].Weight)
	}
	for i := range r.Backends {
		b := &r.Backends[i]
		if b.Weight == 0 {
			continue
		}
		one := serverSays{URL: b.URL, Share: fmt.Sprintf("%.4g%%", 100*float64(b.Weight)/float64(total))}
		if b.Filters != nil {
			bare := route.Route{Backends: []route.Backend{{URL: b.URL, Weight: 1, Filters: b.Filters}}}
			for line := range strings.Lines(bare.String()) {
				one.Edits = append(one.Edits, strings.TrimSpace(line))
			}
			one.Edits = one.Edits[2:] // behind those of the route and of the backend
		}
		all = append(all, one)
	}
	return all
}

// ownAnswer is an answer of tain's own in a line.
func ownAnswer(answer *http.Response) string {
	text := fmt.Sprintf("%d %s", answer.StatusCode, http.StatusText(answer.StatusCode))
	if to := answer.Header.Get("Location"); to != "" {
		return text + " to " + to
	}
	body, _ := io.ReadAll(answer.Body) // it lies in memory
	if line, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n"); line != "" {
		text += ": " + strings.TrimPrefix(line, "tain: ")
	}
	return text
}

// pairNotes say in what the request of a pair is not the one that the user sent.
func pairNotes(t *route.Table, pair *traffic.Record) (notes []string) {
	var masked []string
	for _, f := range pair.Request.Header {
		if strings.Contains(f[1], redact.Masked) {
			masked = append(masked, f[0])
		}
	}
	if len(masked) > 0 {
		notes = append(notes, "In the pair these are masked, so that what depends on them can't be told: "+strings.Join(masked, ", ")+".")
	}
	if r := find(t, &routeSays{Name: pair.Route}); r == nil {
		notes = append(notes, "The request took the route "+pair.Route+", which is there no more.")
	} else if f := r.Filters; f != nil && (f.Host != "" || f.Path.Kind != route.RewriteNone || !f.Request.Empty()) {
		notes = append(notes, "The pair has the request as live got it, after the filters of the route "+pair.Route+"; conditions look at it as it was before.")
	}
	if pair.Request.Truncated {
		notes = append(notes, "The pair has only a part of the request's body.")
	}
	return notes
}
