package route

import (
	"bytes"
	"strings"
)

// queryEditor makes one query of another.
type queryEditor struct {
	edits   *QueryEdits
	drops   []string // names of parameters that go, decoded
	folded  []string // the same in lower case, where case does not matter
	appends []byte   // parameters, as they are sent, joined by &
}

// newQueryEditor compiles edits, with credentials that are dropped or set.
func newQueryEditor(e *QueryEdits) *queryEditor {
	q := &queryEditor{edits: e, drops: append([]string(nil), e.Remove...)}
	for _, p := range e.Set {
		q.set(p)
	}
	return q
}

func (q *queryEditor) set(p QueryParam) {
	q.drops = append(q.drops, p.Name)
	if len(q.appends) > 0 {
		q.appends = append(q.appends, '&')
	}
	q.appends = append(appendEscaped(q.appends, p.Name), '=')
	q.appends = appendEscaped(q.appends, p.Value)
}

func (q *queryEditor) dropFolded(names []string) {
	for _, name := range names {
		q.folded = append(q.folded, strings.ToLower(name))
	}
}

func (q *queryEditor) empty() bool {
	return q.edits.Pattern == "" && len(q.drops)+len(q.folded) == 0
}

// append appends the new query, with its question mark, for one with or without.
func (q *queryEditor) append(dst, query []byte) []byte {
	if q.edits.re != nil && len(query) > 1 {
		query = []byte("?" + q.edits.re.ReplaceAllString(asString(query[1:]), q.edits.Value))
		if len(query) == 1 {
			query = nil
		}
	}
	start := len(dst)
	if len(query) > 0 {
		dst = append(dst, '?')
		dst = q.appendKept(dst, query[1:])
		if len(dst) == start+1 && (len(query) > 1 || len(q.appends) > 0) {
			dst = dst[:start] // nothing is left
		}
	}
	if len(q.appends) == 0 {
		return dst
	}
	if len(dst) == start {
		dst = append(dst, '?')
	} else {
		dst = append(dst, '&')
	}
	return append(dst, q.appends...)
}

// appendKept appends the parameters that stay, as they are.
func (q *queryEditor) appendKept(dst, query []byte) []byte {
	first := true
	for more := true; more; {
		var pair []byte
		pair, query, more = bytes.Cut(query, []byte("&"))
		name, _, _ := bytes.Cut(pair, []byte("="))
		if q.isDropped(asString(name)) {
			continue
		}
		if !first {
			dst = append(dst, '&')
		}
		first = false
		dst = append(dst, pair...)
	}
	return dst
}

func (q *queryEditor) isDropped(raw string) bool {
	for _, name := range q.drops {
		if rest, ok := cutDecoded(raw, name); ok && rest == "" {
			return true
		}
	}
	for _, name := range q.folded {
		if decodesToFolded(raw, name) {
			return true
		}
	}
	return false
}

// decodesToFolded says whether raw decodes to a name in lower case, but for its case.
func decodesToFolded(raw, name string) bool {
	for i := range len(name) {
		if raw == "" {
			return false
		}
		c, size := decodeByte(raw)
		if lower(c) != name[i] {
			return false
		}
		raw = raw[size:]
	}
	return raw == ""
}

// appendEscaped appends a name or a value as it is sent in a query.
func appendEscaped(dst []byte, text string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(text) {
		if c := text[i]; isAlphanumeric(c) || strings.IndexByte("-._~", c) >= 0 {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst
}
