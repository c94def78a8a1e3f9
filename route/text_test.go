package route

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the expected parts of the case files")

// TestCases reads the text in every case file: each has the input, the table as it is written, and
// the complaints.
func TestCases(t *testing.T) {
	files, _ := filepath.Glob("testdata/text/*.txtar")
	if len(files) == 0 {
		t.Fatal("no case files")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			table, errs := ParseWith(string(archive.Files[0].Data), pathsAndKeys)
			var complaints strings.Builder
			for _, err := range errs {
				var e *Error
				if !errors.As(err, &e) || e.Code() == "" {
					t.Errorf("%v has no code", err)
				}
				complaints.WriteString(e.Code() + ": " + err.Error() + "\n")
			}
			got := txtar.Archive{Comment: archive.Comment, Files: []txtar.File{
				archive.Files[0],
				{Name: "table", Data: []byte(table.String())},
				{Name: "complaints", Data: []byte(complaints.String())},
			}}
			compareCase(t, file, txtar.Format(&got))
		})
	}
}

// compareCase compares a case file with what it should be now, or rewrites it.
func compareCase(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s (run with -update to accept):\n%s", file, got)
	}
}

func TestWriteTo(t *testing.T) {
	var b bytes.Buffer
	tbl := mustParse(t, "route a\nbackend http://b\nroute b\nbackend http://b\n")
	n, err := tbl.WriteTo(&b)
	if err != nil || n != int64(b.Len()) || b.String() != tbl.String() {
		t.Errorf("wrote %d bytes %q, error %v", n, b.String(), err)
	}
	if got := tbl.Routes()[0].String() + "\n" + tbl.Routes()[1].String(); got != tbl.String() {
		t.Errorf("the routes are %q", got)
	}
}

func TestPartsAsText(t *testing.T) {
	tbl := mustParse(t, "route a\nbackend http://b\nmirror m 1%\nmethod GET\nto http://t v2\n")
	m := tbl.Routes()[0].Mirrors[0]
	if got, want := m.String(), "mirror m 1%\n  method GET\n  to http://t:80 v2\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := m.Match.String(), "method GET\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestParseBoundsErrors(t *testing.T) {
	_, errs := Parse(strings.Repeat("nonsense\n", 1000))
	if len(errs) != maxErrors {
		t.Errorf("%d errors", len(errs))
	}
}

func TestRegexpsAreBounded(t *testing.T) {
	var b strings.Builder
	for i := range MaxRegexps + 1 {
		b.WriteString("route r" + strings.Repeat("x", i) + "\npath ~ /x\nbackend http://b\n")
	}
	tbl, errs := Parse(b.String())
	if len(tbl.Routes()) != MaxRegexps || len(errs) != 1 || !strings.Contains(errs[0].Error(), "more than 64 routes") {
		t.Errorf("%d routes, errors %v", len(tbl.Routes()), errs)
	}
}

// FuzzParse checks that what is read is written so that it reads back the same.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/text/*.txtar")
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(archive.Files[0].Data))
	}
	f.Fuzz(func(t *testing.T, text string) {
		first, _ := ParseWith(text, pathsAndKeys)
		written := first.String()
		second, errs := ParseWith(written, pathsAndKeys)
		if len(errs) > 0 {
			t.Fatalf("%q is written as\n%s\nwhich is wrong: %v", text, written, errs)
		}
		if again := second.String(); again != written {
			t.Fatalf("%q is written as\n%s\nand then as\n%s", text, written, again)
		}
		second.Lookup(&Request{Method: "GET", Host: text, Path: text, Query: text})
	})
}

// FuzzQuery checks that a parameter found in place is the one that decoding all of them finds.
func FuzzQuery(f *testing.F) {
	f.Add("a=1&b=%32&a", "b")
	f.Add("%61=+&&=", "a")
	f.Fuzz(func(t *testing.T, query, name string) {
		want, present := "", false
		for key, value := range Params(query) {
			if key == name && !present {
				want, present = value, true
			}
		}
		equal := Condition{Name: name, Op: OpEqual, Value: want}
		raw, ok := findParam(query, name)
		if ok != present || ok && !equal.holdsEncoded(raw) {
			t.Fatalf("%q in %q: %q %v, want %q %v", name, query, raw, ok, want, present)
		}
	})
}
