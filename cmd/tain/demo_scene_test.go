package main

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"tain.dev/tain/demo"
	"tain.dev/tain/traffic"
)

// TestSceneOfNothing shows what there is to see when a scene copies nothing.
func TestSceneOfNothing(t *testing.T) {
	var text strings.Builder
	books := traffic.Books{Seen: 7, Unsampled: 2}
	books.Unmatched[traffic.UnmatchedRule] = 4
	books.Dropped[traffic.DroppedQueue] = 1
	err := newDemoScene(&text).close([]traffic.Books{books}, &demo.Evidence{})
	var exit *exitError
	if !errors.As(err, &exit) || exit.code != exitNegative {
		t.Errorf("the error is %v, want one with exit code %d", err, exitNegative)
	}
	for _, want := range []string{
		"        7  seen              all requests of users\n",
		"        4  unmatched{rule}   from users elsewhere, or payments\n",
		"        2  unsampled         from the other nine tenths of the users\n",
		"        1  dropped{queue}    see docs/reading-the-books.md\n",
		"  0 other users: none of 0\n\n  Of the requests of these 0 users 0 are missing; 1 were given up.\n",
		"  BROKEN  never a payment                        the target got nothing\n",
		"\nrules 9, held 0\n",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}

// TestSceneNeedsOneTarget would mean that the file of the rules has changed.
func TestSceneNeedsOneTarget(t *testing.T) {
	var text strings.Builder
	if err := newDemoScene(&text).close(nil, &demo.Evidence{}); err == nil || !strings.Contains(err.Error(), "0 targets") {
		t.Errorf("error %v", err)
	}
}

func TestSceneShowsUnbalancedBooks(t *testing.T) {
	var text strings.Builder
	_ = newDemoScene(&text).close([]traffic.Books{{Seen: 1}}, &demo.Evidence{})
	if !strings.Contains(text.String(), "This is a fault of tain.") {
		t.Errorf("nothing tells that the books do not balance:\n%s", text.String())
	}
}

// TestSceneFitsItsWidth lays a request beside its copy, and rules in one line or two.
func TestSceneFitsItsWidth(t *testing.T) {
	sent := demo.Visit{Message: demo.Message{Line: "GET /" + strings.Repeat("é", 60), Header: http.Header{"X-Request-Id": {"r-1"}}}, User: 3}
	got := demo.Copy{Message: demo.Message{Line: "GET /", Header: sent.Header}}
	p := newDemoScene(nil)
	p.width, p.color = 40, true
	p.beside(&sent, &got)
	p.ruling(demo.Ruling{Rule: "never a payment", Held: true, Says: "live got 12 of them"})
	p.width, p.color = 80, false
	p.ruling(demo.Ruling{Rule: "never a payment", Held: true, Says: "live got 12 of them"})
	want := "\n\x1b[1mA request of user 3: - as it was sent, + as the target got it\x1b[0m\n\n" +
		"\x1b[31m  - GET /" + strings.Repeat("é", 30) + "…\x1b[0m\n" +
		"\x1b[32m  + GET /\x1b[0m\n" +
		"    X-Request-Id: r-1\n" +
		"  \x1b[32mheld  \x1b[0m  never a payment\n          live got 12 of them\n" +
		"  held    never a payment                        live got 12 of them\n"
	if text := p.out.String(); text != want {
		t.Errorf("got\n%q\nwant\n%q", text, want)
	}
}

type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, errors.New("nobody reads") }

func TestSceneThatNobodySees(t *testing.T) {
	if err := newDemoScene(closedPipe{}).close([]traffic.Books{{}}, &demo.Evidence{}); err == nil || !strings.Contains(err.Error(), "nobody reads") {
		t.Errorf("error %v", err)
	}
}
