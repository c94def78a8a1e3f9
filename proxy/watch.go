package proxy

import "net/http"

// Watch is told of every answer of live, on the event loop of that number: how long its head took, in ns,
// and whether it is one of 5xx other than 501, or none. It must return at once.
type Watch func(lane int, took int64, failed bool)

// Watch makes w see what live does. Call it before listening.
func (p *Proxy) Watch(w Watch) { p.watch = w }

// watched tells of an answer, or that there is none. One to a request that came in pieces tells nothing
// of live's time: that is the user's.
func (r *request) watched(status int) {
	p := r.lane.p
	if p.watch == nil {
		return
	}
	failed := status == 0 || status >= 500 && status != http.StatusNotImplemented
	if failed || r.whole {
		p.watch(r.lane.id, r.firstAt-r.at, failed)
	}
}
