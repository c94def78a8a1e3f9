package proxy

import (
	"math/rand/v2"

	"tain.dev/tain/route"
	"tain.dev/tain/upstream"
)

// readAsk takes from the request what decides about the server that gets it.
func (r *request) readAsk() {
	r.ask = upstream.Ask{Timeout: r.lane.p.cfg.ConnectTimeout, HTTP2: r.h2.stream != nil}
	r.readSession()
	if r.forward.balance.Policy == route.Maglev {
		r.ask.Hash = r.hash(&r.forward.balance)
	}
	if f := r.route.Filters; f != nil && f.CORS != nil {
		r.origin = append(r.origin[:0], r.value("Origin")...)
	}
	if d := r.route.RequestTimeout; d > 0 {
		if until := r.at + int64(d); r.until == 0 || until < r.until {
			r.until, r.hasty = until, false
		}
	}
}

// hash is of what the balance looks at. Requests without that get one by chance.
func (r *request) hash(b *route.Balance) uint64 {
	var of []byte
	switch b.HashOn {
	case route.HashAddress:
		ip := r.peer.As16()
		r.fields = append(r.fields[:0], ip[:]...)
		of = r.fields
	case route.HashHeader:
		of = r.value(b.HashName)
	case route.HashCookie:
		of = r.cookie(b.HashName)
	case route.HashQuery:
		value, _ := route.Param(text(r.in.Query), b.HashName)
		r.fields = append(r.fields[:0], value...)
		of = r.fields
	case route.HashPath:
		of = r.in.Path
	}
	if len(of) == 0 {
		return rand.Uint64()
	}
	return upstream.Hash(of)
}
