// Package source turns what the watchers of configuration deliver into the table that serves, and
// keeps the last good one.
package source

import (
	"errors"
	"sync"
	"time"

	"tain.dev/tain/config"
	"tain.dev/tain/route"
)

// Status says how the last delivery went.
type Status struct {
	OK     bool      // nothing was wrong with it
	Errors []error   // what was wrong
	At     time.Time // when it came
	Served time.Time // when the table that serves now was published; zero if there is none
	Routes int       // in the table that serves now
}

// Keeper publishes tables whole, and goes on with what was good where something is wrong:
//
//   - A wrong route goes on as it was before, if it was; the others are replaced.
//   - Where more than single routes is wrong, so that what was meant is not known, the whole table
//     stays. Only the first delivery is published all the same, because there is nothing better.
//
// It is safe for concurrent use.
type Keeper struct {
	setTable func(*route.Table)
	report   func(Status)

	mu     sync.Mutex // guards the fields below, and the order of the calls
	last   *route.Table
	served time.Time
}

// New makes a keeper. It calls setTable with every table that is to serve, and report after every
// delivery, from the goroutine that delivers; neither may deliver itself.
func New(setTable func(*route.Table), report func(Status)) *Keeper {
	return &Keeper{setTable: setTable, report: report}
}

// Take takes a delivery: a configuration, and what was wrong with it, as [config.Load] returns them.
func (k *Keeper) Take(c *config.Config, errs []error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	wrong, onlyRoutes := wrongRoutes(errs)
	if onlyRoutes || k.last == nil {
		k.last, k.served = k.merge(c.Table, wrong), now
		k.setTable(k.last)
	}
	k.report(Status{OK: len(errs) == 0, Errors: errs, At: now, Served: k.served, Routes: len(k.last.Routes())})
}

// wrongRoutes names the routes that errors are about, and says whether there are no others.
func wrongRoutes(errs []error) (names map[string]bool, only bool) {
	names = map[string]bool{}
	for _, err := range errs {
		var e *config.Error
		if !errors.As(err, &e) || e.Route == "" {
			return nil, false
		}
		names[e.Route] = true
	}
	return names, true
}

// merge adds to a table the wrong routes as they serve now.
func (k *Keeper) merge(table *route.Table, wrong map[string]bool) *route.Table {
	if len(wrong) == 0 || k.last == nil {
		return table
	}
	routes := append([]*route.Route(nil), table.Routes()...)
	for _, r := range k.last.Routes() {
		if wrong[r.Name] {
			routes = append(routes, r)
		}
	}
	// What does not fit in besides the new routes, such as a second one of a name, is left out.
	merged, _ := route.New(routes)
	return merged
}
