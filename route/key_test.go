package route

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// keyRequest is a request with a key of every kind.
func keyRequest() *Request {
	headers := map[string]string{
		"Authorization": "Bearer " + token(`{"iss":"https://login.example.com/","sub":"user-42","iat":1516239022,"realm":{"user":7}}`),
		"Cookie":        "theme=dark; session=3f2504e0-4f89-41d3-9a0c-0305e82c3301; id=" + token(`{"sub":"user-43"}`),
		"X-User":        "user-42",
		"X-Empty":       "",
	}
	address := netip.MustParseAddr("2001:db8::1")
	return &Request{
		Query: "debug=1&user=user%2D42&empty=&plain=a+b&token=" + token(`{"sub":"user-44"}`),
		Header: func(name string) (string, bool) {
			value, ok := headers[name]
			return value, ok
		},
		Client: func() netip.Addr { return address },
	}
}

func TestKeyPoint(t *testing.T) {
	q := keyRequest()
	// f checks that the key of the request is the text, by its place; "" is none.
	f := func(k SampleKey, want string) {
		t.Helper()
		got, ok := k.point(q, 0, 1)
		if ok != (want != "") || ok && got != hash64(want, 0) {
			t.Errorf("%+v: 0x%x %v, want the place of %q", k, got, ok, want)
		}
	}
	f(SampleKey{Kind: KeyHeader, Name: "X-User"}, "user-42")
	f(SampleKey{Kind: KeyHeader, Name: "X-Empty"}, "")
	f(SampleKey{Kind: KeyHeader, Name: "X-Other"}, "")
	f(SampleKey{Kind: KeyHeader, Name: "Authorization", Claim: "sub"}, "user-42")
	f(SampleKey{Kind: KeyHeader, Name: "Authorization", Claim: "iat"}, "1516239022")
	f(SampleKey{Kind: KeyHeader, Name: "Authorization", Claim: "realm.user"}, "7")
	f(SampleKey{Kind: KeyHeader, Name: "Authorization", Claim: "realm"}, "")
	f(SampleKey{Kind: KeyHeader, Name: "X-User", Claim: "sub"}, "")
	f(SampleKey{Kind: KeyCookie, Name: "session"}, "3f2504e0-4f89-41d3-9a0c-0305e82c3301")
	f(SampleKey{Kind: KeyCookie, Name: "id", Claim: "sub"}, "user-43")
	f(SampleKey{Kind: KeyCookie, Name: "user"}, "")
	f(SampleKey{Kind: KeyQuery, Name: "user"}, "user-42")
	f(SampleKey{Kind: KeyQuery, Name: "plain"}, "a b")
	f(SampleKey{Kind: KeyQuery, Name: "empty"}, "")
	f(SampleKey{Kind: KeyQuery, Name: "other"}, "")
	f(SampleKey{Kind: KeyQuery, Name: "token", Claim: "sub"}, "user-44")
	f(SampleKey{Kind: KeyExpression, Func: func(*Request) (string, bool) { return "x", true }}, "x")
	f(SampleKey{Kind: KeyExpression, Func: func(*Request) (string, bool) { return "", false }}, "")

	address := func(text string, bits uint8, want string) {
		t.Helper()
		q.Client = func() netip.Addr { return netip.MustParseAddr(text) }
		f(SampleKey{Kind: KeyAddress, Bits: bits}, want)
	}
	address("203.0.113.9", 0, "203.0.113.9")
	address("203.0.113.9", 64, "203.0.113.9")
	address("::ffff:203.0.113.9", 64, "203.0.113.9")
	address("2001:db8::1", 0, "2001:db8::1")
	address("2001:db8:1:2:3:4:5:6", 64, "2001:db8:1:2::")
	address("2001:db8:1:2:3:4:5:6", 128, "2001:db8:1:2:3:4:5:6")
	address("fe80::1%eth0", 64, "fe80::")
	address("fe80::1%eth0", 0, "fe80::1")
	q.Client = func() netip.Addr { return netip.Addr{} }
	f(SampleKey{Kind: KeyAddress}, "")

	q = &Request{}
	f(SampleKey{Kind: KeyAddress}, "")
	f(SampleKey{Kind: KeyHeader, Name: "X-User"}, "")
	f(SampleKey{Kind: KeyCookie, Name: "session"}, "")
}

// TestFirstKeyDecides asks which of several keys gives the place.
func TestFirstKeyDecides(t *testing.T) {
	f := func(q *Request, want string, by ...SampleKey) {
		t.Helper()
		s := Sample{PerMillion: All, By: by}
		got := "none"
		if _, key, ok := s.Place(q, 1); ok {
			got = fmt.Sprint(key.Kind, key.Name)
		}
		if got != want || s.Takes(q, 1) != (want != "none") {
			t.Errorf("%v: %s decides, want %s", by, got, want)
		}
	}
	session, other := SampleKey{Kind: KeyCookie, Name: "session"}, SampleKey{Kind: KeyCookie, Name: "other"}
	address, random := SampleKey{Kind: KeyAddress}, SampleKey{Kind: KeyRandom}
	f(keyRequest(), fmt.Sprint(KeyCookie, "session"), other, session, address)
	f(keyRequest(), fmt.Sprint(KeyAddress), other, address, session)
	f(&Request{}, "none", other, session, address)
	f(&Request{}, fmt.Sprint(KeyRandom), other, session, address, random)
}

// TestDocumentedPlace holds the example of docs/rules.md.
func TestDocumentedPlace(t *testing.T) {
	s := Sample{By: byUser}
	if place, _, _ := s.Place(user("user-42"), 0); FormatPercent(place) != "22.4588%" {
		t.Errorf("user-42 is at %s", FormatPercent(place))
	}
}

func TestTakesAllocatesNothing(t *testing.T) {
	q := keyRequest()
	q.Query = "a=1&user=" + strings.Repeat("%41", 100)
	for _, k := range []SampleKey{
		{Kind: KeyHeader, Name: "Authorization", Claim: "sub"},
		{Kind: KeyCookie, Name: "session"},
		{Kind: KeyQuery, Name: "user"},
		{Kind: KeyAddress, Bits: 64},
		{Kind: KeyRandom},
	} {
		s := Sample{PerMillion: All / 2, By: []SampleKey{k}, Salt: "v2"}.withSeed()
		if n := testing.AllocsPerRun(100, func() { s.Takes(q, 1) }); n > 0 {
			t.Errorf("%+v: %v allocations", k, n)
		}
	}
}

func BenchmarkTakes(b *testing.B) {
	q := keyRequest()
	run := func(name string, by ...SampleKey) {
		b.Run(name, func(b *testing.B) {
			s := Sample{PerMillion: All / 2, By: by, Salt: "v2"}.withSeed()
			b.ReportAllocs()
			for b.Loop() {
				s.Takes(q, 1)
			}
		})
	}
	run("chance")
	run("header", SampleKey{Kind: KeyHeader, Name: "X-User"})
	run("cookie", SampleKey{Kind: KeyCookie, Name: "session"})
	run("query", SampleKey{Kind: KeyQuery, Name: "user"})
	run("claim", SampleKey{Kind: KeyHeader, Name: "Authorization", Claim: "sub"})
	run("last claim", SampleKey{Kind: KeyHeader, Name: "Authorization", Claim: "realm.user"})
	run("IPv6", SampleKey{Kind: KeyAddress, Bits: 64})
	address := netip.MustParseAddr("203.0.113.9")
	q.Client = func() netip.Addr { return address }
	run("IPv4", SampleKey{Kind: KeyAddress})
}
