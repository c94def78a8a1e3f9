package route

import (
	"strings"
	"testing"
)

func TestCutLine(t *testing.T) {
	f := func(text, line, rest string) {
		t.Helper()
		if a, b := CutLine([]byte(text)); string(a) != line || string(b) != rest {
			t.Errorf("%q is cut into %q and %q", text, a, b)
		}
	}
	f("a\r\nb\r\n", "a\r\n", "b\r\n")
	f("a\r\n", "a\r\n", "")
	f("a", "", "a")
	f("", "", "")
}

func TestAppendLine(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		p := PathRewrite{Kind: RewritePrefix, Value: "/new"}
		m := Match{Path: Path{Kind: PathElements, Value: "/old"}}
		if got := string(p.AppendLine([]byte("> "), []byte(line), &m)); got != "> "+want {
			t.Errorf("%q becomes %q, want %q", line, got, want)
		}
	}
	f("GET /old/a?/old HTTP/1.1\r\n", "GET /new/a?/old HTTP/1.1\r\n")
	f("GET /old? HTTP/1.1\r\n", "GET /new? HTTP/1.1\r\n")
	f("OPTIONS * HTTP/1.1\r\n", "OPTIONS * HTTP/1.1\r\n")
	none := PathRewrite{}
	if got := string(none.AppendLine(nil, []byte("GET /old HTTP/1.1\r\n"), &Match{})); got != "GET /old HTTP/1.1\r\n" {
		t.Errorf("no rewrite makes %q", got)
	}
}

// TestApply edits a header, and leaves it where there is nothing to edit.
func TestApply(t *testing.T) {
	f := func(e HeaderEdits, want string) {
		t.Helper()
		got := string(e.Apply([]byte("> "), []byte("A: 1\r\nb: 2\r\n")))
		if got = strings.ReplaceAll(got, "\r\n", "|"); got != want {
			t.Errorf("%+v makes %q, want %q", e, got, want)
		}
	}
	f(HeaderEdits{}, "> A: 1|b: 2|")
	f(HeaderEdits{Remove: []string{"a"}}, "> b: 2|")
	f(HeaderEdits{Set: []HeaderField{{"B", "3"}}, Add: []HeaderField{{"A", "4"}}}, "> A: 1|B: 3|A: 4|")
}
