package route

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// matchesBody is about the body, as far as the head tells of it.
func (m *Match) matchesBody(r *Request) bool {
	if m.Size != nil && (r.Length < 0 || !m.Size.Contains(r.Length)) {
		return false
	}
	if len(m.GRPC) == 0 && len(m.Types) == 0 {
		return true
	}
	value, ok := r.header("Content-Type")
	if !ok {
		return false
	}
	return (len(m.GRPC) == 0 || isGRPC(value) && matchesCall(m.GRPC, r.Path)) &&
		(len(m.Types) == 0 || matchesType(m.Types, value))
}

// isGRPC says whether a Content-Type is application/grpc, or one of its kinds such as
// application/grpc+proto.
func isGRPC(contentType string) bool {
	const name = "application/grpc"
	kind := mediaType(contentType)
	if len(kind) < len(name) || !strings.EqualFold(kind[:len(name)], name) {
		return false
	}
	return len(kind) == len(name) || kind[len(name)] == '+'
}

// matchesCall says whether the path of a call is one of the services or methods.
func matchesCall(calls []string, path string) bool {
	path, ok := strings.CutPrefix(path, "/")
	if !ok {
		return false
	}
	service, _, ok := strings.Cut(path, "/")
	if !ok {
		return false
	}
	for _, call := range calls {
		if call == service || call == path {
			return true
		}
	}
	return false
}

// mediaType cuts the parameters of a Content-Type.
func mediaType(contentType string) string {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.TrimRight(kind, " \t")
}

// maxType is the length of the longest media type in bytes (RFC 6838, section 4.2: two names of 127).
const maxType = 255

func matchesType(patterns []string, contentType string) bool {
	kind := mediaType(contentType)
	if len(kind) > maxType {
		return false
	}
	var buf [maxType]byte
	for i := range len(kind) {
		buf[i] = lower(kind[i])
	}
	for _, pattern := range patterns {
		if globMatches(pattern, buf[:len(kind)]) {
			return true
		}
	}
	return false
}

// GRPCCall is service/method of a call of gRPC, "" of other requests.
func (r *Request) GRPCCall() string {
	path, ok := strings.CutPrefix(r.Path, "/")
	if value, has := r.header("Content-Type"); !ok || !has || !isGRPC(value) {
		return ""
	}
	return path
}

// Range is a range of whole numbers, both ends included.
type Range struct{ Low, High int64 }

// Contains says whether n is in the range.
func (r Range) Contains(n int64) bool { return r.Low <= n && n <= r.High }

// count is 1, or 0 of nil.
func (r *Range) count() int {
	if r == nil {
		return 0
	}
	return 1
}

// both is the range of what is in a and in b; nil is everything. With Low above High nothing is.
func both(a, b *Range) *Range {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	return &Range{max(a.Low, b.Low), min(a.High, b.High)}
}

// ParseRange makes the range of what compares so with n: one of the operators <, <=, =, >= and >. The
// numbers begin with 0.
func ParseRange(op string, n int64) (Range, error) {
	switch op {
	case "<":
		return Range{0, n - 1}, nil
	case "<=":
		return Range{0, n}, nil
	case "=":
		return Range{n, n}, nil
	case ">=":
		return Range{n, math.MaxInt64}, nil
	case ">":
		if n == math.MaxInt64 {
			return Range{}, fmt.Errorf("nothing is more than %d", n)
		}
		return Range{n + 1, math.MaxInt64}, nil
	}
	return Range{}, fmt.Errorf("%q compares no numbers; use <, <=, =, >= or >", op)
}

// comparison is an operator and what it compares with.
type comparison struct {
	op string
	n  int64
}

// conditions are the range as comparisons that must all hold.
func (r *Range) conditions() []comparison {
	if r.Low == r.High {
		return []comparison{{"=", r.Low}}
	}
	var list []comparison
	if r.Low > 0 {
		list = append(list, comparison{">=", r.Low})
	}
	if r.High < math.MaxInt64 || r.Low <= 0 {
		list = append(list, comparison{"<=", r.High})
	}
	return list
}

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }
