package route

import (
	"os"
	"strings"
	"testing"
)

// TestDocumentedNames looks on the page for every name that is dropped because it is usual.
func TestDocumentedNames(t *testing.T) {
	page, err := os.ReadFile("../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ToLower(string(page))
	for _, names := range [][]string{UsualHeaders, UsualParams, ClientHeaders} {
		seen := map[string]bool{}
		for _, name := range names {
			folded := strings.ToLower(name)
			if !strings.Contains(text, "`"+folded+"`") {
				t.Errorf("%s is not on the page", name)
			}
			if seen[folded] || !only(name, isTokenByte) {
				t.Errorf("%q is there twice, or no name", name)
			}
			seen[folded] = true
		}
	}
}
