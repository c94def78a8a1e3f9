package route

import (
	"net/netip"
	"strings"
)

// KeyKind says where a [SampleKey] is found.
type KeyKind uint8

// The kinds of keys.
const (
	KeyHeader     KeyKind = iota
	KeyCookie             // of several with the name the first one
	KeyQuery              // the first parameter of the name, decoded
	KeyAddress            // the user's address
	KeyRandom             // every request has one: by chance
	KeyExpression         // the text that an expression gives
)

// SampleKey is what requests of one user have in common, such as a session cookie. Requests of which
// it is the same share one fate, on every machine and for ever: their place is XXH64 of the key's bytes,
// wherever these were found, with XXH64 of the salt as its seed, or 0 without a salt. An empty key is
// none.
type SampleKey struct {
	Kind KeyKind
	Name string // of the header, cookie or parameter; else ""
	// Claim makes the key of a header, cookie or parameter a claim of the JSON web token that it
	// holds, behind a scheme such as Bearer or alone: a name, or names of objects in objects with
	// dots between. Nobody verifies the token. The claim must be a string or a number, and the
	// token's payload not longer than 8 KiB.
	Claim string
	// Bits is how much of an IPv6 address counts, 1 to 128; 0 is all of it. Of an IPv4 address
	// all does. It is for [KeyAddress].
	Bits uint8
	// Expression is the text of a [KeyExpression], and Func computes it. Both or none are set.
	// Func is called for many requests at the same time and must not keep the request.
	Expression string
	Func       func(*Request) (key string, ok bool)
}

// keyRoom is how long a key may be that is not found in the request as it is, without allocating.
const keyRoom = 256 // bytes

// point is the place that the key gives a request, if it has the key.
func (k *SampleKey) point(q *Request, seed, draw uint64) (point uint64, ok bool) {
	switch k.Kind {
	case KeyRandom:
		return chance(draw, seed), true
	case KeyAddress:
		return k.addressPoint(q.client(), seed)
	}
	value := k.value(q)
	if value == "" {
		return 0, false
	}
	if k.Claim == "" && (k.Kind != KeyQuery || !strings.ContainsAny(value, "%+")) {
		return hash64(value, seed), true
	}
	var room [keyRoom]byte
	key, ok := room[:0], true
	if k.Claim != "" {
		key, ok = findClaim(key, value, k.Claim)
	} else {
		key = appendDecoded(key, value)
	}
	return hash64(key, seed), ok && len(key) > 0
}

// value is what the request has under the key's name: of a query, as it was sent.
func (k *SampleKey) value(q *Request) (value string) {
	switch k.Kind {
	case KeyQuery:
		value, _ = findParam(q.Query, k.Name)
	case KeyExpression:
		value, _ = k.Func(q)
	case KeyHeader:
		if q.Header != nil {
			value, _ = q.Header(k.Name)
		}
	case KeyCookie:
		if q.Header != nil {
			value, _ = q.Header("Cookie")
			value, _ = findCookie(value, k.Name)
		}
	}
	return value
}

// addressPoint hashes an address as people write it, so that it has the fate of a header with it.
func (k *SampleKey) addressPoint(a netip.Addr, seed uint64) (uint64, bool) {
	if !a.IsValid() {
		return 0, false
	}
	a = a.WithZone("")
	if k.Bits > 0 && a.Is6() {
		network, _ := a.Prefix(int(k.Bits))
		a = network.Addr()
	}
	var room [len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")]byte
	return hash64(a.AppendTo(room[:0]), seed), true
}
