package config

import (
	"testing"

	"tain.dev/tain/route"
)

func TestCompileKey(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		key, err := CompileKey(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		header := func(name string) (string, bool) { return "shop", name == "x-tenant" }
		got, ok := key(&route.Request{Method: "GET", Host: "Shop.example.com:80", Path: "/a", Query: "user=4%32", Header: header})
		if got != want || ok != (want != "") {
			t.Errorf("%s: %q %v, want %q", text, got, ok, want)
		}
	}
	f(`header["x-tenant"]`, "shop")
	f(`header["x-tenant"] + "/" + query.user`, "shop/42")
	f(`"user" in query ? query.user : host`, "42")
	f(`"name" in query ? query.name : host`, "shop.example.com")
	f(`query.name`, "")
	f(`[1, 2].map(a, path)[5]`, "")

	wrong := func(text, want string) {
		t.Helper()
		if key, err := CompileKey(text); err == nil || err.Error() != want || key != nil {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	wrong(`path == "/"`, "has the type bool; use an expression that is a text")
	wrong(`user`, "is not an expression: undeclared reference to 'user'")
	wrong(`header["X"]`, `the names of headers are in lower case; use "x"`)
}
