package route

import (
	"strings"
	"time"
)

// Exchanged is a live exchange that an [After] looks at. What is not there yet is empty, see
// [After.Stage]. It belongs to one goroutine, and needs to stay valid during a call only.
type Exchanged struct {
	// Head is the request's head as live got it, in normal form: the request line and then the fields,
	// Host first, each line ended by CRLF.
	Head []byte
	// Request has what the head doesn't tell: all but the method, the path, the query and the fields,
	// which are read from Head when something asks for them.
	Request Request
	// Body returns the request's body; whole says that it was captured to its end. nil means that
	// it was not captured.
	Body     func() (body []byte, whole bool)
	BodySize int64 // of the request's body in bytes, captured or not

	Status int // of live's answer; 0 without one
	// Header returns the value of a header of live's answer, as [Request.Header] does.
	Header  func(name string) (value string, ok bool)
	Latency time.Duration // until the last byte of live's answer, or until it was given up
	Backend string        // host:port that live's answer is from, or was asked for
	Fault   string        // why there is no complete answer, in a word; "" where there is one

	read bool // Head
}

// Stage is what has to be over before an [After] can be decided.
type Stage uint8

// The stages.
const (
	StageBody   Stage = iota // the request, to the end of its body
	StageAnswer              // live's answer, to its end
)

// After is a set of conditions on an exchange whose request or answer is over, which must all hold. The
// zero value always does.
type After struct {
	// Request is about the head of the request as live got it, after the filters of the route. It has
	// no Any, Not or When: those are below.
	Request Match
	// Fields are about JSON values in the request's body; the names are paths such as
	// $.user.roles[0] and $.items[*].id, of object members, elements by number, or all of them. One holds
	// where some value at the path fulfils it: a string, or the text of a number, true, false or null.
	// Without a value, or where the body is no JSON, was not captured whole, or is larger than
	// [MaxJSON], none holds.
	Fields []Condition
	Size   *Range // of the request's body in bytes; nil is any

	Status   []StatusRange // of live's answer; one of them
	Headers  []Condition   // of live's answer
	Latency  *Range        // nanoseconds until live's answer was over; nil is any
	Backends []string      // host:port of the server that live took; one of them, in which an asterisk stands for any bytes
	Fault    bool          // live gave no complete answer

	Any [][]After // of each list, one must hold
	Not []After   // what must not hold
	// When is an expression that must hold too, and Func computes it. Both or none are set. Func
	// is called for many exchanges at the same time and must not keep the exchange.
	When string
	Func func(*Exchanged) bool

	fields *fieldSet // in a compiled table, all Fields that there are in the whole tree
	first  int       // of Fields, in it
}

// MaxJSON is the size in bytes up to which bodies are searched for JSON values.
const MaxJSON = 64 << 10

// count is how many criteria there are.
func (a *After) count() int {
	return min(a.Request.count(), 1) + len(a.Fields) + a.Size.count() +
		min(len(a.Status), 1) + len(a.Headers) + a.Latency.count() + min(len(a.Backends), 1) +
		map[bool]int{true: 1}[a.Fault] + len(a.Any) + len(a.Not) + min(len(a.When), 1)
}

// Stage says what has to be over before a can be decided. It walks the whole of a.
func (a *After) Stage() Stage {
	if len(a.Status)+len(a.Headers)+len(a.Backends) > 0 || a.Latency != nil || a.Fault || a.When != "" {
		return StageAnswer
	}
	stage := StageBody
	for _, alternatives := range a.Any {
		stage = max(stage, stageOf(alternatives))
	}
	return max(stage, stageOf(a.Not))
}

func stageOf(all []After) (stage Stage) {
	for i := range all {
		stage = max(stage, all[i].Stage())
	}
	return stage
}

// Matches says whether all conditions hold for x. It is for those of a compiled table. It takes time
// in proportion to the body, up to MaxJSON bytes of it, where it asks for JSON values, and else
// about as long as [Match.Matches].
func (a *After) Matches(x *Exchanged) bool {
	looked := fieldSearch{set: a.fields, exchanged: x}
	return a.holds(x, &looked)
}

func (a *After) holds(x *Exchanged, s *fieldSearch) bool {
	return (!a.Fault || x.Fault != "") &&
		(len(a.Status) == 0 || statusIn(a.Status, x.Status)) &&
		(a.Latency == nil || a.Latency.Contains(int64(x.Latency))) &&
		(a.Size == nil || a.Size.Contains(x.BodySize)) &&
		(len(a.Backends) == 0 || a.matchesBackend(x.Backend)) &&
		a.matchesHeaders(x) &&
		(a.Request.count() == 0 || a.Request.Matches(x.Asked())) &&
		a.matchesAny(x, s) &&
		!oneHolds(a.Not, x, s) &&
		s.hold(a) &&
		(a.Func == nil || a.Func(x))
}

func statusIn(ranges []StatusRange, status int) bool {
	for _, r := range ranges {
		if r.From <= status && status <= r.To {
			return true
		}
	}
	return false
}

func (a *After) matchesBackend(backend string) bool {
	for _, pattern := range a.Backends {
		if globMatches(pattern, backend) {
			return true
		}
	}
	return false
}

func (a *After) matchesHeaders(x *Exchanged) bool {
	for i := range a.Headers {
		c := &a.Headers[i]
		if x.Header == nil {
			return false
		}
		if value, ok := x.Header(c.Name); !ok || !c.holds(value) {
			return false
		}
	}
	return true
}

func (a *After) matchesAny(x *Exchanged, s *fieldSearch) bool {
	for _, alternatives := range a.Any {
		if !oneHolds(alternatives, x, s) {
			return false
		}
	}
	return true
}

func oneHolds(list []After, x *Exchanged, s *fieldSearch) bool {
	for i := range list {
		if list[i].holds(x, s) {
			return true
		}
	}
	return false
}

// Asked is the request, with what its head says.
func (x *Exchanged) Asked() *Request {
	if x.read {
		return &x.Request
	}
	x.read = true
	r := &x.Request
	line, fields := CutLine(x.Head)
	method, path, query, _ := cutRequestLine(line)
	r.Method, r.Path = strings.TrimSuffix(asString(method), " "), asString(path)
	r.Query = strings.TrimPrefix(asString(query), "?")
	r.Header = func(name string) (string, bool) { return FindField(asString(fields), name) }
	r.Host, _ = r.Header("Host")
	return r
}

// FindField returns the value of a field in lines, each with its CRLF; those of several lines joined. Only
// joining allocates.
func FindField(lines, name string) (value string, ok bool) {
	for lines != "" {
		var line string
		line, lines, _ = strings.Cut(lines, "\r\n")
		key, text, _ := strings.Cut(line, ":")
		if len(key) != len(name) || !strings.EqualFold(key, name) {
			continue
		}
		text = strings.Trim(text, " \t")
		switch {
		case !ok:
			value, ok = text, true
		case strings.EqualFold(name, "Cookie"):
			value += "; " + text
		default:
			value += ", " + text
		}
	}
	return value, ok
}
