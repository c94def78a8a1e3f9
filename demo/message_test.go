package demo

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestBeside(t *testing.T) {
	f := func(sent, got *Message, want string) {
		t.Helper()
		var text strings.Builder
		for _, c := range Beside(sent, got) {
			fmt.Fprintf(&text, "%c%s\n", c.Mark, c.Line)
		}
		if text.String() != want {
			t.Errorf("got\n%swant\n%s", text.String(), want)
		}
	}
	f(&Message{Line: "GET /"}, &Message{Line: "GET /"}, " GET /\n")
	f(&Message{Line: "GET /a"}, &Message{Line: "GET /b"}, "-GET /a\n+GET /b\n")
	// Fields are in the order of their names, and each value has its line.
	f(
		&Message{Line: "GET /", Header: http.Header{"Cookie": {"a"}, "Accept": {"x", "y"}}},
		&Message{Line: "GET /", Header: http.Header{"X-Env": {"test"}, "Accept": {"x", "y"}}},
		" GET /\n Accept: x\n Accept: y\n-Cookie: a\n+X-Env: test\n",
	)
	// A line that is gone does not mark those behind it.
	f(&Message{Line: "POST /", Body: "{\n1,\n2,\n3\n}\n"}, &Message{Line: "POST /", Body: "{\n2,\n3\n}\n"}, " POST /\n \n {\n-1,\n 2,\n 3\n }\n")
	// A message without a body beside one with a body.
	f(&Message{Line: "POST /"}, &Message{Line: "POST /", Body: "x"}, " POST /\n+\n+x\n")
	f(&Message{Line: "POST /", Body: "x"}, &Message{Line: "POST /"}, " POST /\n-\n-x\n")
}

func TestMessageText(t *testing.T) {
	m := &Message{Line: "GET /cart?token=one", Header: http.Header{"B": {"x", "two"}, "A": {""}}, Body: "{\n  \"c\": 3\n}\n"}
	const want = "GET /cart?token=one\nA: \nB: x\nB: two\n\n{\n  \"c\": 3\n}"
	if text := m.text(); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}
