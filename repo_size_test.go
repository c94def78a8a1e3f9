package tain_test

import (
	"go/ast"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestFileSizes(t *testing.T) {
	const most = 800
	for _, s := range sources() {
		if !strings.HasSuffix(s.path, "_test.go") && s.lines > most {
			t.Errorf("%s has %d lines, more than %d", s.path, s.lines, most)
		}
	}
}

func TestFunctionSizes(t *testing.T) {
	const most, ninetieth = 100, 40
	var lengths []int
	for _, s := range sources() {
		if strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		for _, decl := range s.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			n := s.length(f)
			lengths = append(lengths, n)
			if n > most && !strings.HasPrefix(s.dir, "cmd/") {
				t.Errorf("%s: %s has %d lines, more than %d", s.is(f), f.Name.Name, n, most)
			}
		}
	}
	slices.Sort(lengths)
	if p90 := lengths[len(lengths)*9/10]; p90 > ninetieth {
		t.Errorf("a tenth of the functions is longer than %d lines, the rule is %d", p90, ninetieth)
	}
}

func TestInterfacesAreRare(t *testing.T) {
	var lines int
	var found []string
	for _, s := range sources() {
		if s.test {
			continue
		}
		lines += s.lines
		ast.Inspect(s.file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if _, ok := spec.Type.(*ast.InterfaceType); ok {
					found = append(found, s.is(spec)+": "+spec.Name.Name)
				}
			}
			return true
		})
	}
	if len(found)*1000 > max(lines, 1000) {
		t.Errorf("%d interfaces in %d lines, more than one per 1,000:\n%s", len(found), lines, strings.Join(found, "\n"))
	}
}

// TestTestsAreAsLongAsCode counts case files as tests, and bench as neither.
func TestTestsAreAsLongAsCode(t *testing.T) {
	var code, tests int
	for _, s := range sources() {
		switch {
		case s.dir == "bench" || strings.HasPrefix(s.dir, "bench/"):
		case s.test:
			tests += s.lines
		default:
			code += s.lines
		}
	}
	for _, pattern := range []string{"*/testdata/*", "*/*/testdata/*", "*/testdata/*/*"} {
		names, _ := filepath.Glob(pattern)
		for _, name := range names {
			if ext := path.Ext(name); ext == ".txtar" || ext == ".txt" {
				text, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				tests += strings.Count(string(text), "\n")
			}
		}
	}
	if tests < code {
		t.Errorf("%d lines of tests for %d lines of code", tests, code)
	}
}

// TestPanicsAreMarked holds that a panic is for states that can't be, and says so.
func TestPanicsAreMarked(t *testing.T) {
	for _, s := range sources() {
		if s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 1 {
				return true
			}
			if id, ok := call.Fun.(*ast.Ident); ok && id.Name == "panic" && !strings.Contains(firstString(call.Args[0]), "BUG:") {
				t.Errorf("%s: a panic is for impossible states and begins with \"BUG:\"; return an error for the others", s.is(call))
			}
			return true
		})
	}
}

// firstString is the first string literal in an expression.
func firstString(e ast.Expr) (first string) {
	ast.Inspect(e, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && first == "" {
			first, _ = strconv.Unquote(lit.Value)
		}
		return true
	})
	return first
}

func TestTestsDoNotSleep(t *testing.T) {
	for _, s := range sources() {
		if !strings.HasSuffix(s.path, "_test.go") || usesSynctest(s) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Sleep" {
				if id, ok := sel.X.(*ast.Ident); ok && id.Name == "time" {
					t.Errorf("%s: wait for what should happen, or use testing/synctest; do not sleep", s.is(sel))
				}
			}
			return true
		})
	}
}

func usesSynctest(s *source) bool {
	return slices.ContainsFunc(s.file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"testing/synctest"` })
}

// TestMetricNames holds tain_<stage>_…: the stage that counts, or what is counted for several, is in
// the name.
func TestMetricNames(t *testing.T) {
	counts := append(slices.Clone(stages), "config", "build", "compare", "upstream", "certificate", "access_log")
	metric := regexp.MustCompile(`^tain_(` + strings.Join(counts, "|") + `)_[a-z0-9_]*$`)
	looksLike := regexp.MustCompile(`^tain_[a-z0-9_]*$`)
	for _, s := range sources() {
		if s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text, _ := strconv.Unquote(lit.Value)
				if looksLike.MatchString(text) && !metric.MatchString(text) {
					t.Errorf("%s: metric %q does not match %s", s.is(lit), text, metric)
				}
			}
			return true
		})
	}
}

// TestExamplesAreStarted holds that the test beside the examples names each of them.
func TestExamplesAreStarted(t *testing.T) {
	text, err := os.ReadFile("examples/examples_test.go")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir("examples")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !strings.Contains(string(text), "f("+strconv.Quote(e.Name())) {
			t.Errorf("examples/%s is started by no test", e.Name())
		}
	}
}

func TestMarkdownLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, name := range files(".md") {
		for _, m := range link.FindAllStringSubmatch(prose(t, name), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			to := name
			if file != "" {
				to = path.Join(path.Dir(name), file)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: link %s leads nowhere", name, m[1])
			} else if anchor != "" && !slices.Contains(anchors(t, to), anchor) {
				t.Errorf("%s: link %s: no such heading in %s", name, m[1], to)
			}
		}
	}
}

// prose is a Markdown file without its code blocks.
func prose(t *testing.T, name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile("(?s)```.*?```").ReplaceAllString(string(text), "")
}

// anchors lists the headings of a Markdown file the way that links name them.
func anchors(t *testing.T, name string) []string {
	var all []string
	odd := regexp.MustCompile(`[^\p{L}\p{N}\- _]`)
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(prose(t, name), -1) {
		all = append(all, strings.ReplaceAll(odd.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return all
}
