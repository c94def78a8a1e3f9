package route

import (
	"bytes"
	"strings"
)

// Table is a set of compiled routes. It is immutable and safe for concurrent use.
type Table struct {
	routes []*Route
	hosts  map[string]*index // by exact host
	wild   map[string]*index // by what follows *. in a wildcard
	any    *index
}

// MaxRegexps is how many routes of one host may have a regular expression as their path, because
// they are tried one by one.
const MaxRegexps = 64

// New compiles routes into a table. A route that is wrong is left out and reported, each error an
// [*Error]; the others serve. New takes the routes over and fills in their defaults. They may be
// routes of another table, which goes on to serve them.
func New(routes []*Route) (*Table, []error) {
	t := &Table{hosts: map[string]*index{}, wild: map[string]*index{}, any: new(index)}
	var errs []error
	names := map[string]bool{}
	for i, r := range routes {
		c := checker{index: i, route: r}
		if !r.compiled {
			c.check()
		}
		if names[r.Name] {
			c.fail(CodeDuplicate, "name", "there is a route of this name already; names are unique")
		}
		if len(c.errs) == 0 {
			t.add(r, &c)
		}
		if len(c.errs) > 0 {
			errs = append(errs, c.errs...)
			continue
		}
		if !r.compiled {
			r.compiled = true
		}
		names[r.Name] = true
		t.routes = append(t.routes, r)
	}
	t.eachIndex((*index).seal)
	return t, errs
}

// add enters r for each of its hosts, unless one of them has no room for it.
func (t *Table) add(r *Route, c *checker) {
	if len(r.Hosts) == 0 {
		c.checkRoom("match", t.any)
	}
	for i, host := range r.Hosts {
		c.checkRoom(at("hosts", i), t.index(host))
	}
	if len(c.errs) > 0 {
		return
	}
	if len(r.Hosts) == 0 {
		t.any.add(r)
	}
	for _, host := range r.Hosts {
		t.index(host).add(r)
	}
}

// index returns the index of a host or wildcard, and makes it if need be.
func (t *Table) index(host string) *index {
	byName := t.hosts
	if suffix, ok := strings.CutPrefix(host, "*."); ok {
		byName, host = t.wild, suffix
	}
	if byName[host] == nil {
		byName[host] = new(index)
	}
	return byName[host]
}

func (t *Table) eachIndex(do func(*index)) {
	for _, x := range t.hosts {
		do(x)
	}
	for _, x := range t.wild {
		do(x)
	}
	do(t.any)
}

// Lookup returns the route that the request takes, or nil. It does not allocate, except where a
// regular expression is applied to a query parameter that is percent-encoded.
func (t *Table) Lookup(r *Request) *Route {
	var buf [maxHost]byte
	host := foldHost(&buf, r.Host)
	if found := t.hosts[string(host)].lookup(r); found != nil {
		return found
	}
	if len(t.wild) > 0 {
		for dot := bytes.IndexByte(host, '.'); dot >= 0; dot = bytes.IndexByte(host, '.') {
			first := dot == 0
			host = host[dot+1:]
			if first {
				continue // an empty label covers nothing
			}
			if found := t.wild[string(host)].lookup(r); found != nil {
				return found
			}
		}
	}
	return t.any.lookup(r)
}

// Routes are the routes of the table in their given order. Nobody changes them.
func (t *Table) Routes() []*Route { return t.routes }
