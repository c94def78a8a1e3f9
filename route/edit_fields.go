package route

import (
	"bytes"
	"regexp"
)

// verb says what becomes of a field.
type verb uint8

const (
	keepField  verb = iota // it goes on as it is
	dropField              // it is left out
	sortCookie             // its cookies are sorted out
	holdTrace              // it tells of a trace, and waits for the other fields that do
	noteField              // it goes on, and it counts that it is there
	swapField              // it is left out, and it counts that it was there
)

// fieldVerbs finds the verb of a field by its name. Most names are told by their first letter, or
// their length, not to be among those that have one.
type fieldVerbs struct {
	letters  uint32                 // a bit for each first letter of a name, by its last five bits
	byLength [maxLength][]fieldVerb // the last are those of all greater lengths too
}

const maxLength = 32

type fieldVerb struct {
	name string
	verb verb
	bit  int // what noteField and swapField count, in a set of 64
}

// set gives names a verb, the last one that they are given.
func (v *fieldVerbs) set(as verb, names ...string) {
	for _, name := range names {
		v.letters |= letterBit(name[0])
		if found := v.find([]byte(name)); found != nil {
			found.verb = as
			continue
		}
		same := &v.byLength[lengthIndex(len(name))]
		*same = append(*same, fieldVerb{name: name, verb: as})
	}
}

func (v *fieldVerbs) empty() bool { return v.letters == 0 }

func letterBit(c byte) uint32 { return 1 << (c & 31) }

func lengthIndex(n int) int { return min(n, maxLength-1) }

func (v *fieldVerbs) find(name []byte) *fieldVerb {
	same := v.byLength[lengthIndex(len(name))]
	for i := range same {
		if equalFold(name, same[i].name) {
			return &same[i]
		}
	}
	return nil
}

// of finds the verb of a field line, and the length of its name. It is nil for one to keep.
func (v *fieldVerbs) of(line []byte) (does *fieldVerb, name int) {
	if v.letters&letterBit(line[0]) == 0 {
		return nil, 0
	}
	if name = bytes.IndexByte(line, ':'); name < 0 {
		return nil, 0
	}
	return v.find(line[:name]), name
}

// lineEnd is where the first line of lines ends, behind its CRLF.
func lineEnd(lines []byte) int {
	if n := bytes.IndexByte(lines, '\n'); n >= 0 {
		return n + 1
	}
	return len(lines)
}

// cutField cuts the first line, with its CRLF, off field lines. Its value is without blanks around it.
func cutField(lines []byte) (name, value, line, rest []byte) {
	n := lineEnd(lines)
	line, rest = lines[:n], lines[n:]
	name, value, _ = bytes.Cut(line, []byte(":"))
	return name, trimBlank(value), line, rest
}

// trimBlank cuts off what HTTP takes for blank, which is less than Unicode does.
func trimBlank(b []byte) []byte { return bytes.Trim(b, " \t\r\n") }

// conditional are lines that depend on whether a name is there.
type conditional struct {
	line   []byte
	absent bool // it is there where the name is not
}

// fieldLikes removes fields by what their names look like.
type fieldLikes []*regexp.Regexp

// removes says whether the field of a line is removed.
func (l fieldLikes) removes(line []byte) bool {
	name, _, _ := bytes.Cut(line, []byte(":"))
	for _, re := range l {
		if re.Match(name) {
			return !isUntouchable(name)
		}
	}
	return false
}

func isUntouchable(name []byte) bool {
	for _, own := range untouchable {
		if equalFold(name, own) {
			return true
		}
	}
	return false
}

// cookieSorter leaves out cookies.
type cookieSorter struct {
	drops []string
	keeps []string // if there are any, all others go
}

// append appends a Cookie line with the cookies that stay, if there are any.
func (s *cookieSorter) append(dst, value []byte) []byte {
	const head, between = "Cookie: ", "; "
	start := len(dst)
	dst = append(dst, head...)
	for more := true; more; {
		var pair []byte
		pair, value, more = bytes.Cut(value, []byte(";"))
		pair = trimBlank(pair)
		name, _, _ := bytes.Cut(pair, []byte("="))
		if len(pair) == 0 || !s.stays(trimBlank(name)) {
			continue
		}
		if len(dst) > start+len(head) {
			dst = append(dst, between...)
		}
		dst = append(dst, pair...)
	}
	if len(dst) == start+len(head) {
		return dst[:start]
	}
	return append(dst, "\r\n"...)
}

func (s *cookieSorter) stays(name []byte) bool {
	for _, drop := range s.drops {
		if string(name) == drop {
			return false
		}
	}
	for _, keep := range s.keeps {
		if string(name) == keep {
			return true
		}
	}
	return len(s.keeps) == 0
}
