package proxy

import (
	"bytes"

	"tain.dev/tain/http1"
	"tain.dev/tain/route"
)

// A request that is a mirror's copy, or was made on behalf of one, says so by a mark: the marker header
// of tain's mirrors, the header of Skipper's, or a member of its baggage, which services pass on to
// those that they ask. Nothing marked is copied again. The marks of a peer that is not trusted do not
// count, and go no further: else users could keep their requests from being copied.
const (
	skipperMarker = "X-Skipper-Shadow-Traffic"
	baggage       = "baggage"
)

// isMarker says whether a field of that name marks a mirror's copy, whatever its value.
func (r *request) isMarker(name string) bool {
	return http1.EqualFold(name, r.lane.p.marker) || http1.EqualFold(name, skipperMarker)
}

// marks says whether a field marks the request.
func (r *request) marks(f *http1.Field) bool {
	return r.isMarker(text(f.Name)) || http1.EqualFold(f.Name, baggage) && hasMark(f.Value)
}

// appendUnmarked appends what is left of a field that marks the request, without its mark.
func (r *request) appendUnmarked(h []byte, f *http1.Field) []byte {
	if r.isMarker(text(f.Name)) {
		return h
	}
	start := len(h)
	h = append(append(h, f.Name...), ": "...)
	empty := len(h)
	if h = appendWithoutMark(h, f.Value); len(h) == empty {
		return h[:start]
	}
	return append(h, "\r\n"...)
}

// hasMark says whether a value of baggage has the member that marks copies.
func hasMark(value []byte) bool {
	for more := true; more; {
		var member []byte
		member, value, more = bytes.Cut(value, []byte(","))
		if isMark(member) {
			return true
		}
	}
	return false
}

// appendWithoutMark appends the members of a value of baggage that do not mark copies.
func appendWithoutMark(h, value []byte) []byte {
	start := len(h)
	for more := true; more; {
		var member []byte
		member, value, more = bytes.Cut(value, []byte(","))
		if isMark(member) {
			continue
		}
		if len(h) > start {
			h = append(h, ',')
		}
		h = append(h, member...)
	}
	return h
}

func isMark(member []byte) bool {
	name, _, _ := bytes.Cut(member, []byte("="))
	return string(bytes.Trim(name, " \t")) == route.BaggageMember
}
