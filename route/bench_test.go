package route

import (
	"fmt"
	"strconv"
	"testing"
	"unsafe"
)

// serviceRoutes makes n routes as a large gateway has them, half of them exact and half of the
// kind given. Without hosts they are for any host.
func serviceRoutes(n, hosts int, kind PathKind) []*Route {
	var routes []*Route
	for i := range n {
		r := &Route{Name: fmt.Sprint("route-", i), Backends: []Backend{{URL: "http://127.0.0.1:9000", Weight: 1}}}
		if hosts > 0 {
			r.Hosts = []string{string(appendHost(nil, i, hosts))}
		}
		r.Match.Path = Path{Kind: PathExact, Value: string(appendService(nil, i))}
		if i%2 == 0 {
			r.Match.Path.Kind = kind
		}
		routes = append(routes, r)
	}
	return routes
}

func appendHost(b []byte, i, hosts int) []byte {
	b = append(b, "shop-"...)
	b = strconv.AppendInt(b, int64(i%max(hosts, 1)), 10)
	return append(b, ".example.com"...)
}

func appendService(b []byte, i int) []byte {
	b = append(b, "/api/v"...)
	b = strconv.AppendInt(b, int64(i%3), 10)
	b = append(b, "/service-"...)
	return strconv.AppendInt(b, int64(i), 10)
}

// BenchmarkLookup asks for the routes in an order that no cache likes. The request itself is written
// anew each time, because it is in the cache when a proxy asks; routes=0 is the cost of that alone.
func BenchmarkLookup(b *testing.B) {
	run := func(n, hosts int, kind PathKind, kindName string) {
		b.Run(fmt.Sprintf("routes=%d/hosts=%d/prefix=%s", n, hosts, kindName), func(b *testing.B) {
			routes := serviceRoutes(n, hosts, kind)
			table, errs := New(routes)
			if len(errs) > 0 {
				b.Fatal(errs)
			}
			var r Request
			var host, path []byte
			r.Scheme, r.Method = SchemeHTTP, "GET"
			b.ReportAllocs()
			step := 0
			for b.Loop() {
				step = (step + 7919) % max(n, 1) // a prime, so that no neighbours follow each other
				host = append(appendHost(host[:0], step, hosts), ":8080"...)
				path = appendService(path[:0], step)
				if step%2 == 0 {
					path = append(path, "/items/42"...)
				}
				r.Host, r.Path = unsafeString(host), unsafeString(path)
				if n > 0 && table.Lookup(&r) != routes[step] {
					b.Fatalf("%s took another route", r.Path)
				}
			}
		})
	}
	run(0, 0, PathElements, "none")
	for _, hosts := range []int{0, 50} {
		for _, n := range []int{100, 10_000} {
			run(n, hosts, PathElements, "elements")
			run(n, hosts, PathBytes, "bytes")
		}
	}
}

func unsafeString(b []byte) string { return unsafe.String(&b[0], len(b)) }

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		if _, errs := New(serviceRoutes(10_000, 50, PathElements)); len(errs) > 0 {
			b.Fatal(errs)
		}
	}
}
