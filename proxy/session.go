package proxy

import (
	"bytes"
	"strconv"

	"tain.dev/tain/http1"
	"tain.dev/tain/route"
)

// readSession takes from the request the token of the server that its session is bound to.
func (r *request) readSession() {
	r.ask.Token = 0
	s := r.route.Session
	if s == nil {
		return
	}
	value := []byte(nil)
	if s.Kind == route.SessionHeader {
		value, _ = r.in.Lookup(s.Name)
	} else {
		value = r.cookie(s.Name)
	}
	if len(value) == tokenSize {
		r.ask.Token, _ = strconv.ParseUint(text(value), 16, 64)
	}
}

// tokenSize is the length of a token in a cookie or header: 64 bits in hexadecimal.
const tokenSize = 16

// cookie returns the value of the first cookie of that name.
func (r *request) cookie(name string) []byte {
	if !r.in.Has(http1.Cookie) {
		return nil
	}
	for i := range r.in.Fields {
		if r.in.Fields[i].ID != http1.Cookie {
			continue
		}
		for rest, more := r.in.Fields[i].Value, true; more; {
			var pair []byte
			pair, rest, more = bytes.Cut(rest, []byte(";"))
			key, value, _ := bytes.Cut(bytes.TrimLeft(pair, " "), []byte("="))
			if string(key) == name {
				return value
			}
		}
	}
	return nil
}

// appendSession binds a session that has no server yet, or whose server has gone, to the one that
// answers.
func (r *request) appendSession(a []byte) []byte {
	s := r.route.Session
	if s == nil || r.ask.Token == r.up.Server().Token {
		return a
	}
	if s.Kind == route.SessionHeader {
		a = append(a, s.Name...)
		a = append(a, ": "...)
		a = appendToken(a, r.up.Server().Token)
		return append(a, "\r\n"...)
	}
	a = append(a, "Set-Cookie: "...)
	a = append(a, s.Name...)
	a = append(a, '=')
	a = appendToken(a, r.up.Server().Token)
	a = append(a, "; Path="...)
	a = append(a, s.CookiePath()...)
	if age := s.CookieAge(); age > 0 {
		a = append(a, "; Max-Age="...)
		a = strconv.AppendInt(a, int64(age.Seconds()), 10)
	}
	if r.secure {
		a = append(a, "; Secure"...)
	}
	return append(a, "; HttpOnly; SameSite=Lax\r\n"...)
}

func appendToken(a []byte, token uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		a = append(a, digits[token>>shift&15])
	}
	return a
}
