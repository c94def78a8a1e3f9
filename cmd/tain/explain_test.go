package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the expected parts of the case files")

// TestExplain runs the case files: each has a configuration and other files, the lines to run, and what
// they say.
func TestExplain(t *testing.T) {
	files, _ := filepath.Glob("testdata/explain/*.txtar")
	if len(files) == 0 {
		t.Fatal("there are no cases")
	}
	for _, file := range files {
		file, _ = filepath.Abs(file)
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			var out bytes.Buffer
			var parts []txtar.File
			for _, part := range archive.Files {
				if part.Name == "out" {
					continue
				}
				parts = append(parts, part)
				if err := os.WriteFile(part.Name, part.Data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for line := range strings.Lines(contentOf(t, archive, "run")) {
				explainLine(&out, strings.TrimSpace(line))
			}
			archive.Files = append(parts, txtar.File{Name: "out", Data: out.Bytes()})
			compareCase(t, file, txtar.Format(archive))
		})
	}
}

// explainLine runs a line, and writes what it says.
func explainLine(out *bytes.Buffer, line string) {
	fmt.Fprintf(out, "$ tain explain %s\n", line)
	code, stdout, stderr := run(append([]string{"explain"}, words(line)...)...)
	here, _ := os.Getwd()
	out.WriteString(strings.ReplaceAll(stdout+stderr, here+"/", ""))
	if code != exitOK {
		fmt.Fprintf(out, "exit code %d\n", code)
	}
	out.WriteString("\n")
}

// words splits a line as a shell does that knows only single quotes.
func words(line string) (all []string) {
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			all = append(all, part)
			continue
		}
		all = append(all, strings.Fields(part)...)
	}
	return all
}

func contentOf(t *testing.T, archive *txtar.Archive, name string) string {
	t.Helper()
	for _, part := range archive.Files {
		if part.Name == name {
			return string(part.Data)
		}
	}
	t.Fatalf("the case has no file %s", name)
	return ""
}

func compareCase(t *testing.T, file string, got []byte) {
	t.Helper()
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case bytes.Equal(got, want):
	case *update:
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s; run with -update if it is meant. It is now\n%s", filepath.Base(file), got)
	}
}

// TestExplainPage holds that the page shows what its example says.
func TestExplainPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/explain.md")
	if err != nil {
		t.Fatal(err)
	}
	archive, err := txtar.ParseFile("testdata/explain/docs.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if out := strings.TrimSpace(contentOf(t, archive, "out")); !strings.Contains(string(page), out) {
		t.Errorf("docs/explain.md does not have\n%s", out)
	}
}
