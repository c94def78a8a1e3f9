package compare

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tain.dev/tain/finding"
	"tain.dev/tain/redact"
)

// headerDiffs compares the lines of two heads, and lists what differs.
func headerDiffs(live, mirror string) []string { return lineDiffs(finding.Header, live, mirror) }

func lineDiffs(kind finding.Kind, live, mirror string) []string {
	var all []string
	var examples []*diff
	h := headers{veil: new(veil), mask: redact.New("token")}
	h.note = func(_ finding.Kind, path []byte) *diff {
		d := &diff{path: string(path)}
		examples = append(examples, d)
		return d
	}
	h.compare(kind, lines(live), lines(mirror))
	for _, d := range examples {
		all = append(all, fmt.Sprintf("%s: %s, live %s", d.path, d.mirror, d.live))
	}
	return all
}

func lines(text string) []byte {
	if text != "" {
		text = strings.ReplaceAll(text, "\n", "\r\n") + "\r\n"
	}
	return []byte(text)
}

func TestHeaders(t *testing.T) {
	f := func(live, mirror string, want ...string) {
		t.Helper()
		if got := headerDiffs(live, mirror); !slices.Equal(got, want) {
			t.Errorf("%q and %q: %q, want %q", live, mirror, got, want)
		}
		if sameLines(finding.Header, lines(live), lines(mirror)) && len(want) > 0 {
			t.Errorf("%q and %q are the same at first sight", live, mirror)
		}
	}
	f("", "")
	f("A: 1", "A: 1")
	f("A: 1", "a: 1")
	f("A: 1", "A:1 ")
	f("A: 1\nB: 2", "B: 2\nA: 1")
	f("A: 1\nA: 2", "A: 2\nA: 1")
	f("A: 1", "A: 2", "A: 2, live 1")
	f("A: 1", "", "A: (absent), live 1")
	f("", "A: 1", "A: 1, live (absent)")
	f("A: 1\nA: 1", "A: 1", "A: 1, live 1, 1")
	f("A: 1\nC: 3", "B: 2\nC: 4", "A: (absent), live 1", "B: 2, live (absent)", "C: 4, live 3")
	f("x-FRAME-options: DENY", "", "X-Frame-Options: (absent), live DENY")
	// Fields that are not compared, or only by their presence.
	f("Date: a\nServer: b\nVia: c\nAge: 1\nContent-Length: 5\nConnection: close", "")
	f("Date: a\nETag: 1", "ETag: 2")
	f("ETag: 1", "", "Etag: (absent), live 1")
	f("X-Request-ID: 1\nTraceparent: 2", "x-request-id: 3\ntraceparent: 4")
	f("", "Traceparent: 4", "Traceparent: 4, live (absent)")
	// Cookies are compared by name.
	f("Set-Cookie: a=1; Path=/\nSet-Cookie: b=1", "Set-Cookie: b=2\nSet-Cookie: a=2")
	f("Set-Cookie: a=1", "Set-Cookie: b=1", "Set-Cookie: [masked], live [masked]")
	f("Set-Cookie: a=1", "", "Set-Cookie: (absent), live [masked]")
	// Secrets.
	f("Token: abc", "Token: abd", "Token: [masked], live [masked]")
	f("Location: /?token=abc", "Location: /?token=abd", "Location: /?token=[masked], live /?token=[masked]")
	// What is long is cut.
	f(strings.Repeat("n", 100)+": 1", "", "N"+strings.Repeat("n", longName-1)+": (absent), live 1")
	f("A: "+strings.Repeat("v", 100), "", "A: (absent), live "+strings.Repeat("v", 60)+"…")
}

func TestTrailers(t *testing.T) {
	f := func(kind finding.Kind, live, mirror string, want ...string) {
		t.Helper()
		if got := lineDiffs(kind, live, mirror); !slices.Equal(got, want) {
			t.Errorf("%s %q and %q: %q, want %q", kind, live, mirror, got, want)
		}
		if sameLines(kind, lines(live), lines(mirror)) != (len(want) == 0) && !strings.Contains(live, "\n") {
			t.Errorf("%s %q and %q: another word at first sight", kind, live, mirror)
		}
	}
	f(finding.Trailer, "x-checksum: 1", "X-Checksum:1")
	f(finding.Trailer, "x-checksum: 1", "x-checksum: 2", "X-Checksum: 2, live 1")
	f(finding.Trailer, "grpc-status: 0", "grpc-status: 5")
	f(finding.Trailer, "grpc-message: a", "grpc-message: b", "Grpc-Message: b, live a")
	f(finding.Header, "grpc-message: a", "grpc-message: b")
	f(finding.Trailer, "grpc-message: a%20b%zz%", "grpc-message: a b%25zz%25")
	f(finding.Trailer, "grpc-message: %74oken=abc", "grpc-message: b", "Grpc-Message: b, live token=[masked]")
	f(finding.Trailer, "x-bin: AAE=", "x-bin: AAE")
	f(finding.Header, "x-bin: AAE=", "x-bin: AAI", "X-Bin: [masked], live [masked]")
	f(finding.Trailer, "grpc-trace-bin: AAE", "grpc-trace-bin: AAI")
	f(finding.Trailer, "a: 1\nb: 2", "b: 2\na: 1")
}

// FuzzHeaders asks that what is the same at first sight is the same, that order does not matter,
// and that a difference is seen from both sides.
func FuzzHeaders(f *testing.F) {
	f.Add("A: 1\nB: 2", "B: 2\nA: 1")
	f.Add("Set-Cookie: a=1\nDate: x", "set-cookie: a=2")
	f.Add("", ":\nA\n:b")
	f.Fuzz(func(t *testing.T, live, mirror string) {
		live, mirror = strings.Trim(live, "\n"), strings.Trim(mirror, "\n")
		if strings.Contains(live+mirror, "\r") || strings.Contains(live+mirror, "\n\n") || !named(live) || !named(mirror) {
			return
		}
		there, back := headerDiffs(live, mirror), headerDiffs(mirror, live)
		if len(there) != len(back) {
			t.Fatalf("%q and %q: %q there, %q back", live, mirror, there, back)
		}
		if sameLines(finding.Header, lines(live), lines(mirror)) && len(there) > 0 {
			t.Fatalf("%q and %q are the same at first sight, but differ in %q", live, mirror, there)
		}
		lines := strings.Split(live, "\n")
		slices.Reverse(lines)
		if diffs := headerDiffs(live, strings.Join(lines, "\n")); len(diffs) > 0 {
			t.Fatalf("%q differs from itself in another order: %q", live, diffs)
		}
	})
}

// named reports whether every line has a name of the kind that the parser lets through.
func named(lines string) bool {
	for line := range strings.SplitSeq(lines, "\n") {
		name, value, ok := strings.Cut(line, ":")
		if lines != "" && (!ok || name == "" || strings.Trim(name, "-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
			return false
		}
		if strings.TrimSpace(value) != strings.Trim(value, " \t") {
			return false
		}
	}
	return true
}
