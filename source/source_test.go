package source

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tain.dev/tain/config"
	"tain.dev/tain/route"
)

// keeper makes a keeper, and what it has done so far.
func keeper() (k *Keeper, table func() string, status func() Status, published func() int) {
	var last *route.Table
	var reported Status
	n := 0
	k = New(func(t *route.Table) { last = t; n++ }, func(s Status) { reported = s })
	names := func() string {
		var names []string
		for _, r := range last.Routes() {
			names = append(names, r.Name+"="+strings.TrimPrefix(r.Backends[0].URL, "http://"))
		}
		return strings.Join(names, " ")
	}
	return k, names, func() Status { return reported }, func() int { return n }
}

func TestTake(t *testing.T) {
	k, table, status, _ := keeper()
	f := func(text, want string, ok bool) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "tain.yaml")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		k.Take(config.Load(file))
		if got := table(); got != want {
			t.Errorf("%s: the table is %q, want %q", text, got, want)
		}
		if s := status(); s.OK != ok || ok != (len(s.Errors) == 0) || s.Routes != len(strings.Fields(want)) {
			t.Errorf("%s: status %+v", text, s)
		}
	}
	// At first what is right serves, whatever else is wrong.
	f("drain: never\nroutes:\n- {name: a, backends: [http://a:1]}\n- {name: b, backends: []}", "a=a:1", false)
	f("routes:\n- {name: a, backends: [http://a:2]}\n- {name: b, backends: [http://b:2]}", "a=a:2 b=b:2", true)
	// A wrong route goes on as it was, the others are replaced.
	f("routes:\n- {name: a, backends: [http://a:3]}\n- {name: b, backends: [htp://b:3]}", "a=a:3 b=b:2", false)
	f("routes:\n- {name: a, backends: [http://a:4]}\n- {name: b, zzz: 1}", "a=a:4 b=b:2", false)
	f("routes:\n- {name: a, backends: [http://a:5]}\n- {name: c, zzz: 1}", "a=a:5", false)
	f("routes:\n- {name: a, backends: [http://a:6]}\n- {name: a, backends: [http://a:7]}", "a=a:6", false)
	// Where a file is wrong as a whole, nothing changes.
	f("routes: [", "a=a:6", false)
	f("drain: never\nroutes:\n- {name: a, backends: [http://a:8]}", "a=a:6", false)
	f("routes: []", "", true)
}

func TestRetainedRouteServes(t *testing.T) {
	var last *route.Table
	k := New(func(t *route.Table) { last = t }, func(Status) {})
	first := config.Defaults()
	first.Table, _ = route.Parse("route a\npath ~ /a+\nbackend http://a\n")
	k.Take(&first, nil)
	second := config.Defaults()
	k.Take(&second, []error{&config.Error{Route: "a", Text: "is wrong"}})
	if r := last.Lookup(&route.Request{Path: "/aa"}); r == nil || r.Name != "a" {
		t.Errorf("took %v", r)
	}
}

func TestStatusTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _, status, published := keeper()
		c := config.Defaults()
		start := time.Now()
		k.Take(&c, nil)
		time.Sleep(time.Minute)
		k.Take(&c, []error{&config.Error{Text: "is wrong"}})
		if s := status(); !s.Served.Equal(start) || !s.At.Equal(start.Add(time.Minute)) || published() != 1 {
			t.Errorf("status %+v after %d tables", s, published())
		}
		time.Sleep(time.Minute)
		k.Take(&c, nil)
		if s := status(); !s.Served.Equal(s.At) || !s.OK || published() != 2 {
			t.Errorf("status %+v after %d tables", s, published())
		}
	})
}
