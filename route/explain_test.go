package route

import (
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

// lines writes steps as people may read them: the truth, the condition, and what was seen.
func lines(steps []Step) string {
	var b strings.Builder
	for i, s := range steps {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s %s", s.Holds, s.Text)
		switch {
		case len(s.Steps) > 0:
			fmt.Fprintf(&b, " {%s}", lines(s.Steps))
		case s.Found:
			fmt.Fprintf(&b, " [%s]", s.Saw)
		}
	}
	return b.String()
}

func TestMatchExplain(t *testing.T) {
	f := func(condition, req, want string) {
		t.Helper()
		table := mustParse(t, "route a\nbackend http://b\nmirror m 100%\nwrites\n"+condition+"\nto http://t\n")
		match := &table.Routes()[0].Mirrors[0].Match
		if got := lines(match.Explain(request(t, req))); got != want {
			t.Errorf("%q on %q:\n%s\nwant\n%s", condition, req, got, want)
		}
	}
	f("", "GET h/", "")
	f("scheme https", "GET h/", "no scheme https [http]")
	f("host *.example.com", "GET Shop.example.com:80/", "yes host *.example.com [Shop.example.com:80]")
	f("path /a/*", "GET h/b", "no path /a/* [/b]")
	f("method GET HEAD", "POST h/", "no method GET HEAD [POST]")
	f("header X-A = 1\nheader X-B present", "GET h/ x-a=2", "no header X-A = 1 [2]; no header X-B present")
	f("query a = b%", "GET h/?a=b%25", "yes query a = b% [b%]")
	f("cookie c ^= d", "GET h/ Cookie=c=de", "yes cookie c ^= d [de]")
	f("source 10.0.0.0/8", "GET h/", "no source 10.0.0.0/8")
	f("source 10.0.0.0/8", "GET h/ @::ffff:10.1.2.3", "yes source 10.0.0.0/8 [10.1.2.3]")
	f("cert a.example", "GET h/ cert:b.example", "no cert a.example [b.example sha256:"+strings.Repeat("0a", 32)+"]")
	f("cert a.example", "GET h/", "no cert a.example")
	f("sni a.example", "GET h/ sni:a.example", "yes sni a.example [a.example]")
	f("port 443 8443", "GET h/ :80", "no port 443 8443 [80]")
	f("grpc shop.Orders", "POST h/shop.Orders/Get Content-Type=application/grpc", "yes grpc shop.Orders [shop.Orders/Get]")
	f("grpc shop.Orders", "POST h/shop.Orders/Get", "no grpc shop.Orders")
	f("type application/*+json", "POST h/ Content-Type=application/A+JSON;x", "yes type application/*+json [application/a+json]")
	f("size > 10\nsize < 20", "POST h/ length:20", "yes size >= 11 [20]; no size <= 19 [20]")
	f("size = 0", "POST h/ length:-1", "no size = 0")
	f("when /a", "GET h/b", "no when /a []")

	f("any\nheader A present\nor\nmethod GET\npath /b\nend", "GET h/b", "yes any {no header A present; yes all {yes path /b [/b]; yes method GET [GET]}}")
	f("any\nmethod PUT\nor\nmethod POST\nend", "GET h/", "no any {no method PUT [GET]; no method POST [GET]}")
	f("not path /a", "GET h/a", "no not path /a [/a]")
	f("not\npath /a\nmethod PUT\nend", "GET h/a", "yes not {yes path /a [/a]; no method PUT [GET]}")
	f("not\nnot path /a\nend", "GET h/a", "yes not {no not path /a [/a]}")
	f("not\nwhen /a\nend", "GET h/a", "no not {yes when /a []}")
}

func TestAfterExplain(t *testing.T) {
	f := func(conditions, exchange string, over Stage, want string) {
		t.Helper()
		if got := lines(afterOf(t, conditions).Explain(exchanged(t, exchange), over)); got != want {
			t.Errorf("%q on %q:\n%s\nwant\n%s", conditions, exchange, got, want)
		}
	}
	f("status 200-299 404", "503", StageAnswer, "no status 200-299 404 [503]")
	f("status 200-299", "503", StageBody, "open status 200-299")
	f("status 200-299", "!client", StageAnswer, "no status 200-299")
	f("response-header X-Cache = HIT", "200 x-cache=MISS", StageAnswer, "no response-header X-Cache = HIT [MISS]")
	f("latency > 200ms", "200 1s", StageAnswer, "yes latency >= 200.000001ms [1s]")
	f("backend a:80", "200 b:80", StageAnswer, "no backend a:80 [b:80]")
	f("fault", "!timeout", StageAnswer, "yes fault [timeout]")
	f("not fault", "200", StageAnswer, "yes not fault")
	f("size > 1", "size:2", StageBody, "yes size >= 2 [2]")
	f("method GET;header X-A present", "/", StageBody, "no method GET [POST]; yes header X-A present [1, 2]")
	f("json $.a = 1;json $.b = 2", `{"a":1}`, StageBody, "yes json $.a = 1 [7 bytes]; no json $.b = 2 [7 bytes]")
	f("json $.a = 1", `{"a":1} cut`, StageBody, "no json $.a = 1 [a part of 7 bytes]")
	f("json $.a = 1", "/", StageBody, "no json $.a = 1")
	f("when timeout", "!timeout", StageAnswer, "yes when timeout []")

	// What is known already may decide what the rest would.
	f("any;path /a;or;status 500;end", "/a", StageBody, "yes any {yes path /a [/a]; open status 500}")
	f("any;path /b;or;status 500;end", "/a", StageBody, "open any {no path /b [/a]; open status 500}")
	f("not;path /b;status 500;end", "/a", StageBody, "yes not {no path /b [/a]; open status 500}")
	f("not;path /a;status 500;end", "/a", StageBody, "open not {yes path /a [/a]; open status 500}")
	f("any;json $.a = 1;status 500;or;json $.b = 1;json $.c = 2;end;json $.c = 1", `{"b":1,"c":2}`, StageBody,
		"no json $.c = 1 [13 bytes]; yes any {no all {no json $.a = 1 [13 bytes]; open status 500}; yes all {yes json $.b = 1 [13 bytes]; yes json $.c = 2 [13 bytes]}}")
}

func TestTruthText(t *testing.T) {
	for _, want := range []Truth{No, Yes, Open} {
		text, _ := want.MarshalText()
		var got Truth
		if err := got.UnmarshalText(text); err != nil || got != want {
			t.Errorf("%s becomes %s, %v", want, got, err)
		}
	}
	if err := new(Truth).UnmarshalText([]byte("perhaps")); err == nil {
		t.Error("perhaps is a truth")
	}
}

// TestPartsAreAll holds that no field of the conditions is forgotten.
func TestPartsAreAll(t *testing.T) {
	fill := func(v reflect.Value) {
		switch v.Kind() {
		case reflect.String:
			v.SetString("x")
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		case reflect.Pointer:
			v.Set(reflect.ValueOf(&Range{Low: 1, High: math.MaxInt64}))
		case reflect.Struct:
			v.Field(0).Set(map[reflect.Type]reflect.Value{
				reflect.TypeFor[Path]():  reflect.ValueOf(PathExact),
				reflect.TypeFor[Match](): reflect.ValueOf("http"),
			}[v.Type()])
		}
	}
	for f := range reflect.TypeFor[Match]().Fields() {
		var m Match
		fill(reflect.ValueOf(&m).Elem().FieldByIndex(f.Index))
		if f.Type.Kind() != reflect.Func && len(m.parts()) != 1 {
			t.Errorf("Match.%s makes %d parts", f.Name, len(m.parts()))
		}
	}
	for f := range reflect.TypeFor[After]().Fields() {
		var a After
		if !f.IsExported() || f.Type.Kind() == reflect.Func {
			continue
		}
		if fill(reflect.ValueOf(&a).Elem().FieldByIndex(f.Index)); len(a.parts()) != 1 {
			t.Errorf("After.%s makes %d parts", f.Name, len(a.parts()))
		}
	}
}

// TestTableExplain asks about the routes that a request does not take.
func TestTableExplain(t *testing.T) {
	table := mustParse(t, `
route all
  backend http://b
route wild
  host *.example.com
  path /a/*
  backend http://b
route long
  host *.shop.example.com
  path /a/b/*
  backend http://b
route post
  host *.example.com
  path /a/*
  method POST
  backend http://b
route safe
  scheme https
  host *.example.com
  backend http://b
route regexp
  host *.example.com
  path ~ /a.*
  header X present
  backend http://b
route template
  host *.example.com
  path /a/{b}/c
  backend http://b
route exact
  host *.example.com other.example.com
  path /a
  backend http://b
route twin
  host *.example.com
  path /a/*
  backend http://b
`)
	f := func(req, route string, want ...string) {
		t.Helper()
		d := table.Explain(request(t, req))
		if name := nameOf(d.Route); name != route {
			t.Fatalf("%s takes %s, want %s", req, name, route)
		}
		var got []string
		for _, o := range d.Others {
			word := o.Name + ": " + o.Why
			if o.Better {
				word = o.Name + "!"
			}
			for _, s := range o.Steps {
				if s.Holds == No {
					word += " " + s.Text
					break
				}
			}
			got = append(got, word)
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s takes %s\n%s\nwant\n%s", req, route, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	f("GET x.example.com/a/b", "wild",
		"safe! scheme https", "long! host *.shop.example.com", "exact! path /a", "template! path /a/{b}/c",
		"regexp! header X present", "post! method POST",
		"twin: comes first in the table", "all: has the more exact host")
	f("POST a.shop.example.com/a/b X=1", "long",
		"safe! scheme https",
		"exact: has the more exact host path /a", "template: has the more exact host path /a/{b}/c", "regexp: has the more exact host",
		"post: has the more exact host", "wild: has the more exact host", "twin: has the more exact host", "all: has the more exact host")
	f("POST x.example.com/a/b", "post",
		"safe! scheme https", "long! host *.shop.example.com", "exact! path /a", "template! path /a/{b}/c", "regexp! header X present",
		"wild: has the more exact conditions", "twin: has the more exact conditions", "all: has the more exact host")
	f("GET https://other.example.com/a", "safe",
		"exact: asks for a scheme", "long: asks for a scheme host *.shop.example.com", "template: asks for a scheme path /a/{b}/c",
		"regexp: asks for a scheme header X present", "post: asks for a scheme method POST", "wild: asks for a scheme",
		"twin: asks for a scheme", "all: asks for a scheme")
}

// TestTableExplainNone asks about a request that no route matches.
func TestTableExplainNone(t *testing.T) {
	d := mustParse(t, "route a\nhost a.example\nbackend http://b\nroute b\nmethod GET\npath /x\nbackend http://b\n").Explain(request(t, "GET b.example/y"))
	if d.Route != nil || d.Steps != nil || len(d.Others) != 2 || !d.Others[0].Better || !d.Others[1].Better {
		t.Fatalf("%+v", d)
	}
	if got := lines(d.Others[1].Steps); got != "no path /x [/y]; yes method GET [GET]" {
		t.Error(got)
	}
}

func nameOf(r *Route) string {
	if r == nil {
		return ""
	}
	return r.Name
}

// FuzzExplain holds that what explains a decision says what the decision is.
func FuzzExplain(f *testing.F) {
	f.Add("route a\nhost *.b.c\npath /x/*\nmethod GET\nbackend http://b\nroute b\npath /{y}/z\nnot query q = 1\nbackend http://b\nmirror m 1%\nany\nheader H ~ a+\nor\nsize < 10\nend\nto http://t\n",
		"GET", "a.b.c:80", "/x/z", "q=1&r", "H", "aa", int64(4), 200)
	f.Add("route a\nscheme https\nbackend http://b\nroute b\nnot scheme https\nbackend http://b\nmirror m 1%\nafter\nnot\nstatus 500\njson $.a = 1\nend\nend\nto http://t\n",
		"POST", "", "/", "", "", `{"a":1}`, int64(7), 500)
	f.Add("route a\nhost b.c *.c\nbackend http://b\nroute b\nhost *.b.c\npath ~ .\nbackend http://b\nroute c\nhost *.c\npath /a*\nbackend http://b\nroute d\npath /a/*\nbackend http://b\n",
		"GET", "a..b.c.", "/a/b", "", "", "", int64(-1), 0)
	f.Fuzz(func(t *testing.T, text, method, host, path, query, name, value string, length int64, status int) {
		table, _ := ParseWith(text, pathsAndKeys)
		for _, scheme := range []string{SchemeHTTP, SchemeHTTPS} {
			q := &Request{Scheme: scheme, Method: method, Host: host, Path: path, Query: query, Length: length, SNI: host, Port: uint16(status)}
			q.Header = func(n string) (string, bool) { return value, strings.EqualFold(n, name) }
			q.Client = func() netip.Addr { a, _ := netip.ParseAddr(value); return a }
			checkExplained(t, table, q)
			x := &Exchanged{Head: []byte(method + " " + path + " HTTP/1.1\r\nHost: " + host + "\r\n"), Request: Request{Scheme: scheme}, Status: status, BodySize: length}
			x.Body = func() ([]byte, bool) { return []byte(value), true }
			checkAfterExplained(t, table, x)
		}
	})
}

func checkExplained(t *testing.T, table *Table, q *Request) {
	t.Helper()
	d := table.Explain(q)
	if d.Route != table.Lookup(q) || d.Route != nil && Together(d.Steps) != Yes {
		t.Fatalf("the request takes %s, explained as %s: %s", nameOf(table.Lookup(q)), nameOf(d.Route), lines(d.Steps))
	}
	if n := len(d.Others) + min(1, len(nameOf(d.Route))); n != len(table.Routes()) {
		t.Fatalf("%d of %d routes are explained", n, len(table.Routes()))
	}
	for _, o := range d.Others {
		all := o.Route.all()
		if together := Together(o.Steps); together != truthOf(all.Matches(q)) || together == Yes && o.Better || o.Better != (o.Why == "") {
			t.Fatalf("%s beside %s: %s, %q", o.Name, nameOf(d.Route), lines(o.Steps), o.Why)
		}
	}
	for _, r := range table.Routes() {
		for _, m := range r.Mirrors {
			if steps := m.Match.Explain(q); Together(steps) != truthOf(m.Match.Matches(q)) {
				t.Fatalf("%s: %s", m.Match.String(), lines(steps))
			}
		}
	}
}

func checkAfterExplained(t *testing.T, table *Table, x *Exchanged) {
	t.Helper()
	for _, r := range table.Routes() {
		for _, m := range r.Mirrors {
			if m.After == nil {
				continue
			}
			truth := truthOf(m.After.Matches(x))
			steps := m.After.Explain(x, StageAnswer)
			if Together(steps) != truth {
				t.Fatalf("%s: %s", m.After, lines(steps))
			}
			if early := Together(m.After.Explain(x, StageBody)); early != truth && early != Open {
				t.Fatalf("%s: %s before live's answer, %s after it", m.After, early, truth)
			}
		}
	}
}
