package route

// Table is a set of compiled routes. It is immutable and safe for concurrent use.
type Table struct {
	routes []*Route
	http   *hosts // of the routes that ask for this scheme; nil if there are none
	https  *hosts
	both   *hosts // of the other routes
}

// MaxRegexps is how many routes of one host, and of one scheme or none, may have a regular expression
// as their path, because they are tried one by one.
const MaxRegexps = 64

// New compiles routes into a table. A route that is wrong is left out and reported, each error an
// [*Error]; the others serve. New takes the routes over and fills in their defaults. They may be
// routes of another table, which goes on to serve them.
func New(routes []*Route) (*Table, []error) {
	t := &Table{both: newHosts(nil)}
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
			t.hostsOf(r.Match.scheme()).add(r, &c)
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
	t.http.seal()
	t.https.seal()
	t.both.seal()
	return t, errs
}

// hostsOf returns where a route goes that asks for a scheme, or for none, and makes it if need be.
func (t *Table) hostsOf(scheme string) *hosts {
	h := &t.both
	switch scheme {
	case SchemeHTTP:
		h = &t.http
	case SchemeHTTPS:
		h = &t.https
	}
	if *h == nil {
		*h = newHosts(t.both)
	}
	return *h
}

// Lookup returns the route that the request takes, or nil. It does not allocate, except where a
// regular expression is applied to a query parameter that is percent-encoded.
func (t *Table) Lookup(r *Request) *Route {
	var buf [maxHost]byte
	host := foldHost(&buf, r.Host)
	for h := t.first(r.Scheme); h != nil; h = h.next {
		if found := h.exact[string(host)].lookup(r); found != nil {
			return found
		}
		if len(h.wild) > 0 {
			if found := h.lookupWild(host, r); found != nil {
				return found
			}
		}
		if found := h.any.lookup(r); found != nil {
			return found
		}
	}
	return nil
}

// first returns where to look first for the route of a request with this scheme.
func (t *Table) first(scheme string) *hosts {
	if t.http != nil && scheme == SchemeHTTP {
		return t.http
	}
	if t.https != nil && scheme == SchemeHTTPS {
		return t.https
	}
	return t.both
}

// Routes are the routes of the table in their given order. Nobody changes them.
func (t *Table) Routes() []*Route { return t.routes }
