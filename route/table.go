package route

// Table is a set of compiled routes. It is immutable and safe for concurrent use.
type Table struct {
	routes []*Route
}

// New compiles routes into a table. A route that is wrong is left out and reported, each error an
// [*Error]; the others serve. New takes the routes over and fills in their defaults.
func New(routes []*Route) (*Table, []error) { return &Table{routes: routes}, nil }

// Lookup returns the route that the request takes, or nil. It does not allocate, except where a
// regular expression is applied to a query parameter that is percent-encoded.
func (t *Table) Lookup(r *Request) *Route { return nil }

// Routes are the routes of the table in their given order. Nobody changes them.
func (t *Table) Routes() []*Route { return t.routes }

// String is the text form of the table.
func (t *Table) String() string { return "" }
