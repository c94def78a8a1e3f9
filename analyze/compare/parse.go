package compare

// Bounds on the JSON that is compared by path. What exceeds them is compared as bytes.
const (
	maxDepth = 128
	maxNodes = 1 << 16
)

// A node is one value of a parsed document. The nodes of a document lie in the order of its text:
// the first child of node i is i+1, and the value after i, with all that is in it, is next.
type node struct {
	kind             byte // one of { [ " 0 t n, for object, array, string, number, boolean, null
	escaped, keyEsc  bool // the string, or the key, holds escapes
	start, end       int32
	keyStart, keyEnd int32 // between the quotes; empty outside of objects
	next             int32
}

// document is JSON text with its nodes. Parsing again reuses the memory.
type document struct {
	text   []byte
	nodes  []node
	pos    int
	joined []byte // the text of an array that several texts became
}

func (d *document) raw(i int32) []byte { return d.text[d.nodes[i].start:d.nodes[i].end] }
func (d *document) key(i int32) []byte { return d.text[d.nodes[i].keyStart:d.nodes[i].keyEnd] }

// parse reads text, which must be one JSON value as in RFC 8259, and reports whether it is and
// stays within the bounds.
func (d *document) parse(text []byte) bool {
	d.text, d.nodes, d.pos = text, d.nodes[:0], 0
	if !d.value(0) {
		return false
	}
	d.space()
	return d.pos == len(text)
}

// parseAll reads several texts as the elements of one array.
func (d *document) parseAll(texts [][]byte) bool {
	d.joined = append(d.joined[:0], '[')
	for i, text := range texts {
		if !d.parse(text) {
			return false
		}
		if i > 0 {
			d.joined = append(d.joined, ',')
		}
		d.joined = append(d.joined, text...)
	}
	d.joined = append(d.joined, ']')
	return d.parse(d.joined)
}

func (d *document) space() {
	for d.pos < len(d.text) {
		switch d.text[d.pos] {
		case ' ', '\t', '\r', '\n':
			d.pos++
		default:
			return
		}
	}
}

// peek skips white space and returns the byte that follows, 0 at the end.
func (d *document) peek() byte {
	d.space()
	if d.pos == len(d.text) {
		return 0
	}
	return d.text[d.pos]
}

func (d *document) value(depth int) bool {
	first := d.peek()
	if len(d.nodes) == maxNodes || depth > maxDepth {
		return false
	}
	at := len(d.nodes)
	d.nodes = append(d.nodes, node{kind: first, start: int32(d.pos)})
	ok := false
	switch first {
	case '{', '[':
		ok = d.composite(first, depth)
	case '"':
		var escaped bool
		escaped, ok = d.str()
		d.nodes[at].escaped = escaped
	case 't':
		ok = d.literal("true")
	case 'f':
		d.nodes[at].kind = 't'
		ok = d.literal("false")
	case 'n':
		ok = d.literal("null")
	default:
		d.nodes[at].kind = '0'
		ok = d.number()
	}
	d.nodes[at].end, d.nodes[at].next = int32(d.pos), int32(len(d.nodes))
	return ok
}

// composite reads an object or an array, whose opening bracket is at pos.
func (d *document) composite(open byte, depth int) bool {
	d.pos++
	shut := open + 2 // } follows { by two in ASCII, and ] follows [
	if d.peek() == shut {
		d.pos++
		return true
	}
	for {
		if !d.member(open, depth) {
			return false
		}
		switch c := d.peek(); {
		case c == shut:
			d.pos++
			return true
		case c != ',':
			return false
		}
		d.pos++
	}
}

// member reads one element of an array, or one field of an object.
func (d *document) member(open byte, depth int) bool {
	if open == '[' {
		return d.value(depth + 1)
	}
	if d.peek() != '"' {
		return false
	}
	start := d.pos + 1
	escaped, ok := d.str()
	end := d.pos - 1
	if !ok || d.peek() != ':' {
		return false
	}
	d.pos++
	at := len(d.nodes)
	if !d.value(depth + 1) {
		return false
	}
	d.nodes[at].keyStart, d.nodes[at].keyEnd, d.nodes[at].keyEsc = int32(start), int32(end), escaped
	return true
}

// str passes the string at pos and reports whether it holds escapes, and whether it is valid.
func (d *document) str() (escaped, ok bool) {
	for d.pos++; d.pos < len(d.text); d.pos++ {
		switch c := d.text[d.pos]; {
		case c == '"':
			d.pos++
			return escaped, true
		case c < ' ':
			return escaped, false
		case c == '\\':
			escaped = true
			if !d.escape() {
				return escaped, false
			}
		}
	}
	return escaped, false
}

// escape passes the escape at pos, up to its last byte.
func (d *document) escape() bool {
	d.pos++
	if d.pos == len(d.text) {
		return false
	}
	switch d.text[d.pos] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
	default:
		return false
	}
	for range 4 {
		d.pos++
		if d.pos == len(d.text) {
			return false
		}
		if c := d.text[d.pos]; (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}

func (d *document) literal(word string) bool {
	if len(d.text)-d.pos < len(word) || string(d.text[d.pos:d.pos+len(word)]) != word {
		return false
	}
	d.pos += len(word)
	return true
}

func (d *document) number() bool {
	d.accept('-')
	if !d.accept('0') && !d.digits() {
		return false
	}
	if d.accept('.') && !d.digits() {
		return false
	}
	if d.accept('e') || d.accept('E') {
		if !d.accept('+') {
			d.accept('-')
		}
		return d.digits()
	}
	return true
}

func (d *document) accept(c byte) bool {
	if d.pos < len(d.text) && d.text[d.pos] == c {
		d.pos++
		return true
	}
	return false
}

func (d *document) digits() bool {
	start := d.pos
	for d.pos < len(d.text) && '0' <= d.text[d.pos] && d.text[d.pos] <= '9' {
		d.pos++
	}
	return d.pos > start
}
