package route

// Filters change requests on their way to live and answers on their way to the user, or answer in
// live's place. The zero value changes nothing. On a request they apply in the order of the fields.
type Filters struct {
	Request HeaderEdits // of the request's header
	Host    string      // the Host that live gets; "" leaves it
	Path    PathRewrite // of the path that live gets; the query stays
	// Response edits the header of the answer. Those of a backend come before those of its route.
	Response HeaderEdits
	CORS     *CORS     // answers preflights, and marks answers; nil leaves that to live
	Redirect *Redirect // answers in live's place; nil does not
	Respond  *Respond  // answers in live's place; nil does not
}

// Respond is a fixed answer.
type Respond struct {
	Status      int    // 200 to 599
	Body        string // up to 64 KiB; without one the answer has none
	ContentType string // "" leaves the header out
}

// HeaderField is a name, in whichever case, and a value.
type HeaderField struct{ Name, Value string }

// HeaderEdits change a header. No name is in more than one of the lists, and none is about the
// connection or the length of the body. The zero value changes nothing.
type HeaderEdits struct {
	Set    []HeaderField // instead of the fields of that name, if there are any
	Add    []HeaderField // after the fields of that name
	Remove []string      // names
}

// Empty says that nothing is changed.
func (e *HeaderEdits) Empty() bool { return len(e.Set)+len(e.Add)+len(e.Remove) == 0 }

// Drops says whether a field with that name has to be left out, because it is removed or replaced.
// Case does not matter. It does not allocate.
func (e *HeaderEdits) Drops(name []byte) bool {
	for i := range e.Set {
		if equalFold(name, e.Set[i].Name) {
			return true
		}
	}
	for _, removed := range e.Remove {
		if equalFold(name, removed) {
			return true
		}
	}
	return false
}

// AppendTo appends the lines that are set and added, each with its CRLF.
func (e *HeaderEdits) AppendTo(dst []byte) []byte {
	for i := range e.Set {
		dst = e.Set[i].appendTo(dst)
	}
	for i := range e.Add {
		dst = e.Add[i].appendTo(dst)
	}
	return dst
}

func (f *HeaderField) appendTo(dst []byte) []byte {
	dst = append(dst, f.Name...)
	dst = append(dst, ": "...)
	dst = append(dst, f.Value...)
	return append(dst, "\r\n"...)
}

// equalFold compares names of fields, which are ASCII.
func equalFold(a []byte, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i, c := range a {
		if c != b[i] && lower(c) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
