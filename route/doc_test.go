package route

import (
	"os"
	"strings"
	"testing"
)

// TestDocumentedTextForm reads the example of the package comment.
func TestDocumentedTextForm(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var example strings.Builder
	for line := range strings.Lines(string(text)) {
		if code, ok := strings.CutPrefix(line, "//\t"); ok {
			example.WriteString(code)
		}
	}
	table, errs := ParseWith(example.String(), pathsAndKeys)
	if len(errs) > 0 || len(table.Routes()) != 3 {
		t.Errorf("%v in\n%s", errs, &example)
	}
}
