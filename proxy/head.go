package proxy

import (
	"bytes"
	"strconv"
	"time"

	"tain.dev/tain/config"
	"tain.dev/tain/http1"
)

func nanos(n int64) time.Duration { return time.Duration(n) }

// buildHead writes the head that live gets: first what copies get too, in normal form, then what
// concerns only this hop.
func (r *request) buildHead() error {
	r.upgrade = r.in.Upgrade && r.offersUpgrade()
	r.arrival.Marked = false
	h := r.appendLine(r.head[:0])
	r.arrival.LineEnd = len(h)
	h = append(h, "Host: "...)
	if len(r.in.Authority) > 0 {
		h = append(h, r.in.Authority...)
	} else {
		h = append(h, r.forward.host...)
	}
	h = append(h, "\r\n"...)
	r.arrival.HostEnd = len(h)
	h, err := r.appendFields(h)
	if err != nil {
		return err
	}
	if f := r.route.Filters; f != nil {
		r.fields, r.arrival.LineEnd, r.arrival.HostEnd = appendFiltered(r.fields[:0], h, f, &r.route.Match)
		h, r.fields = r.fields, h
	}
	r.common = len(h)
	r.head = r.appendHop(h)

	r.arrival.Head = r.head[:r.common]
	r.arrival.Length = r.length()
	r.arrival.Upgrade = r.upgrade
	r.arrival.At = r.lane.loop.Unix(r.at)
	r.arrival.Client = r.peer
	return nil
}

// length is the length of the request's body: 0 without one, -1 when it comes in chunks.
func (r *request) length() int64 {
	if r.in.Body == http1.BodyChunked {
		return -1
	}
	return r.in.Length
}

func (r *request) appendLine(h []byte) []byte {
	h = append(h, r.in.Method...)
	h = append(h, ' ')
	h = r.appendTarget(h)
	return append(h, " HTTP/1.1\r\n"...)
}

// targetSize is the length of what appendTarget appends.
func (r *request) targetSize() int {
	if r.in.Query != nil {
		return len(r.in.Path) + 1 + len(r.in.Query)
	}
	return len(r.in.Path)
}

func (r *request) appendTarget(h []byte) []byte {
	h = append(h, r.in.Path...)
	if r.in.Query != nil {
		h = append(h, '?')
		h = append(h, r.in.Query...)
	}
	return h
}

// appendFields writes the end-to-end fields, and those that tell of this hop.
func (r *request) appendFields(h []byte) ([]byte, error) {
	p := r.lane.p
	fromUser := p.cfg.Forwarded == config.ForwardedOff || p.cfg.Forwarded == config.ForwardedAppend && r.trusted
	for i := range r.in.Fields {
		f := &r.in.Fields[i]
		// A user must not hide by Connection who asked, and how.
		if f.Hop && f.ID != http1.XForwardedProto && f.ID != http1.XForwardedHost {
			continue
		}
		switch f.ID {
		case http1.Host, http1.Expect:
			continue
		case http1.Via:
			if p.via != "" && bytes.Contains(f.Value, []byte(p.via)) {
				return nil, errLoop
			}
		case http1.XForwardedFor, http1.Forwarded:
			if p.cfg.Forwarded != config.ForwardedOff {
				continue // goes on with this hop added, if at all
			}
		case http1.XForwardedProto, http1.XForwardedHost:
			if !fromUser {
				continue
			}
		case http1.Other:
			if r.marks(f) {
				if !r.trusted {
					h = r.appendUnmarked(h, f)
					continue
				}
				r.arrival.Marked = true
			}
		}
		h = append(h, f.Line...)
	}
	if r.measured {
		h = append(h, "Content-Length: "...)
		h = strconv.AppendInt(h, r.in.Length, 10)
		h = append(h, "\r\n"...)
	}
	if p.cfg.Forwarded != config.ForwardedOff {
		h = r.appendForwarded(h, fromUser)
	}
	if p.via != "" {
		h = append(h, "Via: "...)
		if r.h2.stream != nil {
			h = append(h, "2 "...)
		} else {
			h = append(h, '1', '.', '0'+r.in.Minor, ' ')
		}
		h = append(h, p.via...)
		h = append(h, "\r\n"...)
	}
	return h, nil
}

// appendForwarded writes who asked: X-Forwarded-*, and Forwarded (RFC 7239) where the request came
// with it.
func (r *request) appendForwarded(h []byte, fromUser bool) []byte {
	known := r.peer.IsValid() // on a Unix socket nobody has an address
	if known {
		h = append(h, "X-Forwarded-For: "...)
		if fromUser {
			h = r.appendValues(h, http1.XForwardedFor)
		}
		h = append(r.peer.AppendTo(h), "\r\n"...)
	} else if fromUser {
		h = r.appendLines(h, http1.XForwardedFor)
	}
	if !fromUser || !r.in.Has(http1.XForwardedProto) {
		h = append(append(append(h, "X-Forwarded-Proto: "...), r.scheme()...), "\r\n"...)
	}
	if !fromUser || !r.in.Has(http1.XForwardedHost) {
		h = append(append(append(h, "X-Forwarded-Host: "...), r.in.Authority...), "\r\n"...)
	}
	switch {
	case !fromUser || !r.in.Has(http1.Forwarded):
		return h
	case !known:
		return r.appendLines(h, http1.Forwarded)
	}
	h = r.appendValues(append(h, "Forwarded: "...), http1.Forwarded)
	h = append(h, "for=\""...)
	if r.peer.Is6() {
		h = append(h, '[')
		h = append(r.peer.AppendTo(h), ']')
	} else {
		h = r.peer.AppendTo(h)
	}
	h = append(append(h, "\";proto="...), r.scheme()...)
	return append(h, "\r\n"...)
}

// appendLines writes the fields of that ID as they came.
func (r *request) appendLines(h []byte, id http1.ID) []byte {
	for i := range r.in.Fields {
		if f := &r.in.Fields[i]; f.ID == id && !f.Hop {
			h = append(h, f.Line...)
		}
	}
	return h
}

// appendValues writes the values of a list field, each followed by a comma.
func (r *request) appendValues(h []byte, id http1.ID) []byte {
	if !r.in.Has(id) {
		return h
	}
	for i := range r.in.Fields {
		if f := &r.in.Fields[i]; f.ID == id && len(f.Value) > 0 {
			h = append(h, f.Value...)
			h = append(h, ", "...)
		}
	}
	return h
}

// appendHop ends the head with what concerns the connection to live alone.
func (r *request) appendHop(h []byte) []byte {
	if r.in.Body == http1.BodyChunked {
		h = append(h, "Transfer-Encoding: chunked\r\n"...)
	}
	if r.in.Expect {
		h = append(h, "Expect: 100-continue\r\n"...)
	}
	if r.upgrade {
		h = append(h, "Connection: Upgrade\r\n"...)
		for i := range r.in.Fields {
			if f := &r.in.Fields[i]; f.ID == http1.Upgrade {
				h = append(h, f.Line...)
			}
		}
	}
	return append(h, "\r\n"...)
}

// offersUpgrade says whether tain takes part in the switch to another protocol. A switch to HTTP/2
// inside of the connection would carry requests past every rule, and after a body it could not be
// told where the other protocol begins.
func (r *request) offersUpgrade() bool {
	if r.hasBody() {
		return false
	}
	for i := range r.in.Fields {
		f := &r.in.Fields[i]
		if f.ID != http1.Upgrade {
			continue
		}
		for rest, more := f.Value, true; more; {
			var protocol []byte
			protocol, rest, more = bytes.Cut(rest, []byte(","))
			protocol = bytes.TrimLeft(protocol, " \t")
			if len(protocol) >= 2 && http1.EqualFold(protocol[:2], "h2") {
				return false
			}
		}
	}
	return true
}
