package proxy

import (
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"tain.dev/tain/http2"
)

// TestReasons holds that every reason has a word of its own that fits a metric label, and a text.
func TestReasons(t *testing.T) {
	if len(reasonNames) > maxReasons {
		t.Fatalf("there are %d reasons, and counters for %d", len(reasonNames), maxReasons)
	}
	if sorted := slices.Sorted(slices.Values(reasonNames)); len(slices.Compact(sorted)) != len(reasonNames) {
		t.Errorf("a reason is there twice in %q", reasonNames)
	}
	for why := range reason(len(reasonNames)) {
		if name := why.String(); name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			t.Errorf("reason %d is called %q", why, name)
		}
		if text := (note{reason: why}).text(); text == "" {
			t.Errorf("reason %s has no text", why)
		}
	}
	if name := reasonClient.String(); name != "client_gone" {
		t.Errorf("the names are not in the order of the reasons: the user went away is %q", name)
	}
}

// TestReasonsOfHTTP2 holds that each fault of a user is counted by its own word, and is none that the
// operator has to hear of.
func TestReasonsOfHTTP2(t *testing.T) {
	words := http2.Reasons()
	if len(http2Reasons) != len(words) || len(reasonNames) != int(reasonHTTP2)+len(words) {
		t.Fatalf("%d words of %d are known: %v", len(http2Reasons), len(words), http2Reasons)
	}
	page, err := os.ReadFile("../docs/hardening.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range words {
		if !strings.Contains(string(page), "`http2_"+word+"`") {
			t.Errorf("docs/hardening.md does not name http2_%s", word)
		}
		why := http2Reasons[word]
		if got := why.String(); got != "http2_"+word {
			t.Errorf("%s is counted as %s", word, got)
		}
		if n := (note{reason: why}); n.level() != slog.LevelDebug || n.text() != "an HTTP/2 client was refused" {
			t.Errorf("%s is logged as %v %q", word, n.level(), n.text())
		}
	}
}
