package route

import (
	"bytes"
	"strings"
)

// hosts finds routes by host, and those of a host by its index.
type hosts struct {
	exact map[string]*index
	wild  map[string]*index // by what follows *. in a wildcard
	any   *index
	next  *hosts // where to look if no route matches; nil is nowhere
}

func newHosts(next *hosts) *hosts {
	return &hosts{exact: map[string]*index{}, wild: map[string]*index{}, any: new(index), next: next}
}

// index returns the index of a host or wildcard, and makes it if need be.
func (h *hosts) index(host string) *index {
	byName := h.exact
	if suffix, ok := strings.CutPrefix(host, "*."); ok {
		byName, host = h.wild, suffix
	}
	if byName[host] == nil {
		byName[host] = new(index)
	}
	return byName[host]
}

// add enters r for each of its hosts, unless one of them has no room for it.
func (h *hosts) add(r *Route, c *checker) {
	if len(r.Hosts) == 0 {
		c.checkRoom("match", h.any)
	}
	for i, host := range r.Hosts {
		c.checkRoom(at("hosts", i), h.index(host))
	}
	if len(c.errs) > 0 {
		return
	}
	if len(r.Hosts) == 0 {
		h.any.add(r)
	}
	for _, host := range r.Hosts {
		h.index(host).add(r)
	}
}

// seal makes all indexes ready for lookup. There may be no hosts.
func (h *hosts) seal() {
	for x := range h.indexes() {
		x.seal()
	}
}

// lookupWild returns the first route that matches, of the longest wildcard that has one. host is the
// folded one of r.
func (h *hosts) lookupWild(host []byte, r *Request) *Route {
	for dot := bytes.IndexByte(host, '.'); dot >= 0; dot = bytes.IndexByte(host, '.') {
		first := dot == 0
		host = host[dot+1:]
		if first {
			continue // an empty label covers nothing
		}
		if found := h.wild[string(host)].lookup(r); found != nil {
			return found
		}
	}
	return nil
}
