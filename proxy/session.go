package proxy

import (
	"bytes"
	"strconv"
	"time"

	"tain.dev/tain/http1"
	"tain.dev/tain/route"
)

// A session as a cookie or header has it: the server's token, when the session began, and when it was
// last used, in hexadecimal, the times in seconds since 1970.
const (
	tokenDigits = 16
	timeDigits  = 8
	sessionSize = tokenDigits + 2*timeDigits
)

// binding is the session of a request.
type binding struct {
	token       uint64 // 0 without one that still holds
	began, used int64  // seconds since 1970
}

// readSession takes from the request the server that its session is bound to.
func (r *request) readSession() {
	r.bound = binding{}
	s := r.route.Session
	if s == nil {
		return
	}
	var value []byte
	if s.Kind == route.SessionHeader {
		value = r.value(s.Name)
	} else {
		value = r.cookie(s.Name)
	}
	b, ok := parseBinding(value)
	now := r.lane.loop.Unix(r.at) / int64(time.Second)
	expired := s.MaxAge > 0 && now-b.began > int64(s.MaxAge.Seconds()) || s.Idle > 0 && now-b.used > int64(s.Idle.Seconds())
	if ok && !expired {
		r.bound = b
		r.ask.Token = b.token
	}
}

func parseBinding(value []byte) (b binding, ok bool) {
	if len(value) != sessionSize {
		return b, false
	}
	token, err1 := strconv.ParseUint(text(value[:tokenDigits]), 16, 64)
	began, err2 := strconv.ParseUint(text(value[tokenDigits:tokenDigits+timeDigits]), 16, 32)
	used, err3 := strconv.ParseUint(text(value[tokenDigits+timeDigits:]), 16, 32)
	return binding{token, int64(began), int64(used)}, err1 == nil && err2 == nil && err3 == nil && token != 0
}

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
// answers, and says of one that may only be idle for so long that it was used.
func (r *request) appendSession(a []byte) []byte {
	s := r.route.Session
	if s == nil {
		return a
	}
	now := r.lane.loop.Unix(r.at) / int64(time.Second)
	b := r.bound
	if server := r.up.Server().Token; b.token != server {
		b = binding{token: server, began: now}
	} else if s.Idle == 0 || b.used == now {
		return a
	}
	b.used = now
	if s.Kind == route.SessionHeader {
		a = append(append(a, s.Name...), ": "...)
		return append(b.appendTo(a), "\r\n"...)
	}
	a = append(append(append(a, "Set-Cookie: "...), s.Name...), '=')
	a = b.appendTo(a)
	a = append(append(a, "; Path="...), s.CookiePath()...)
	if age := s.CookieAge(); age > 0 {
		a = append(a, "; Max-Age="...)
		a = strconv.AppendInt(a, int64(age.Seconds())-(now-b.began), 10)
	}
	if r.secure {
		a = append(a, "; Secure"...)
	}
	return append(a, "; HttpOnly; SameSite=Lax\r\n"...)
}

func (b binding) appendTo(a []byte) []byte {
	a = appendHex(a, b.token, tokenDigits)
	a = appendHex(a, uint64(b.began), timeDigits)
	return appendHex(a, uint64(b.used), timeDigits)
}

// appendHex appends the lowest digits of n.
func appendHex(a []byte, n uint64, digits int) []byte {
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		a = append(a, "0123456789abcdef"[n>>shift&15])
	}
	return a
}
