// The repository tests itself: beauty that no test holds decays. The rules are written as text
// here, and every list of exceptions may only shrink.
package tain_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "tain.dev/tain"

// importRule says which folders of ours each folder may import. Nouns and leaves come first; a
// stage imports nouns and leaves, never a stage; only cmd/tain imports everything. A folder that
// is not here may not exist. A new leaf is one line, with its reason in docs/architecture.md.
const importRule = `
route:           -
traffic:         -
finding:         traffic
api/v1alpha1:    -
config:          route api/v1alpha1

netloop:         -
http1:           -
http2:           netloop http1
tlsconf:         -
proxyproto:      -
accesslog:       -
redact:          -
stat:            -
pace:            -
control:         -
upstream:        route netloop http1 http2 tlsconf

source:          route traffic finding config
source/file:     route traffic finding config api/v1alpha1
proxy:           route traffic finding config netloop http1 http2 proxyproto accesslog upstream redact stat
mirror:          route traffic finding config netloop http1 http2 upstream redact stat pace control
analyze:         route traffic finding config stat
analyze/compare: route traffic finding config stat redact
store:           route traffic finding config redact
report:          route traffic finding config
console:         route traffic finding config control

demo:            traffic finding
cmd/tain:        *
bench:           bench/load test/faulty test/pki
bench/load:      -
test:            test/faulty test/wire test/pki
test/smuggling:  test/faulty test/wire test/pki
test/websocket:  test/faulty test/wire test/pki
test/grpc:       test/faulty test/wire test/pki
test/h2spec:     test/faulty test/wire test/pki
examples:        test/faulty test/pki
test/pki:        -
test/wire:       -
test/faulty:     -
test/faulty/cmd: test/faulty
.:               -
`

// stages turn one noun into the next. They export little, and name the metrics.
var stages = []string{"source", "proxy", "mirror", "analyze", "store", "report", "console"}

// A source is one Go file of the repository.
type source struct {
	path, dir string // slashed, from the repository's root; dir is "." there
	test      bool   // a test, or a file of a folder that only tests and measures
	lines     int
	file      *ast.File
	fset      *token.FileSet
}

func (s *source) is(n ast.Node) string {
	return fmt.Sprintf("%s:%d", s.path, s.fset.Position(n.Pos()).Line)
}

// length is the number of lines of n, from its first to its last.
func (s *source) length(n ast.Node) int {
	return s.fset.Position(n.End()).Line - s.fset.Position(n.Pos()).Line + 1
}

// sources parses the repository once. It reads the files itself instead of asking go list,
// because the test cache knows the files that a test opens, not those that a command reads.
var sources = sync.OnceValue(func() []*source {
	var all []*source
	for _, name := range files(".go") {
		text, err := os.ReadFile(name)
		if err != nil {
			panic(err)
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			panic(err)
		}
		if ast.IsGenerated(file) {
			continue
		}
		dir := path.Dir(name)
		all = append(all, &source{
			path: name, dir: dir, file: file, fset: fset,
			test:  strings.HasSuffix(name, "_test.go") || measures(dir),
			lines: strings.Count(string(text), "\n"),
		})
	}
	return all
})

// measures says that a folder holds no part of the program, only what tests or measures it.
func measures(dir string) bool {
	return dir == "test" || strings.HasPrefix(dir, "test/") || dir == "bench" || strings.HasPrefix(dir, "bench/")
}

// files lists the repository's files with one of the endings, sorted, hidden folders and testdata left out.
func files(endings ...string) []string {
	var names []string
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := name != "." && strings.HasPrefix(d.Name(), ".")
		if d.IsDir() && (hidden || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !d.IsDir() && slices.Contains(endings, filepath.Ext(name)) {
			names = append(names, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
	return names
}

// parseRule turns text such as importRule into folder → allowed folders.
func parseRule(t *testing.T, text string) map[string][]string {
	rule := map[string][]string{}
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		dir, allowed, ok := strings.Cut(line, ":")
		if !ok || rule[dir] != nil {
			t.Fatalf("import rule: line %q has no colon or repeats a folder", line)
		}
		rule[dir] = strings.Fields(allowed)
	}
	return rule
}

func TestImportRule(t *testing.T) {
	rule := parseRule(t, importRule)
	for _, s := range sources() {
		allowed, known := rule[s.dir]
		if !known {
			t.Errorf("%s: folder %q has no line in importRule", s.path, s.dir)
			continue
		}
		for _, imp := range s.file.Imports {
			name, _ := strconv.Unquote(imp.Path.Value)
			name, ours := strings.CutPrefix(name, module+"/")
			if !ours || name == s.dir || slices.Contains(allowed, name) || slices.Contains(allowed, "*") {
				continue
			}
			if strings.HasSuffix(s.path, "_test.go") && (strings.HasPrefix(name, "test/") || s.dir == "mirror" && name == "proxy") {
				continue // a test may use what exists for tests, and mirror's stand behind a real proxy
			}
			t.Errorf("%s: %s must not import %s; it may import: %s", s.is(imp), s.dir, name, strings.Join(allowed, " "))
		}
	}
}

// TestDependenciesAreExplained holds that docs/dependencies.md lists the modules that are imported,
// no less and no more.
func TestDependenciesAreExplained(t *testing.T) {
	text, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		used[m[1]] = false
	}
	for _, s := range sources() {
		for _, imp := range s.file.Imports {
			name, _ := strconv.Unquote(imp.Path.Value)
			host, _, _ := strings.Cut(name, "/")
			if !strings.Contains(host, ".") || strings.HasPrefix(name, module) {
				continue
			}
			listed := false
			for m := range used {
				if name == m || strings.HasPrefix(name, m+"/") {
					used[m], listed = true, true
				}
			}
			if !listed {
				t.Errorf("%s: %s belongs to no module of docs/dependencies.md; add it there with its reason", s.is(imp), name)
			}
		}
	}
	for m, imported := range used {
		if !imported {
			t.Errorf("docs/dependencies.md lists %s, which nothing imports", m)
		}
	}
}

// TestImportRuleItself holds the sentence above importRule.
func TestImportRuleItself(t *testing.T) {
	for dir, allowed := range parseRule(t, importRule) {
		for _, name := range allowed {
			if slices.Contains(stages, name) && !slices.Contains(allowed, "*") {
				t.Errorf("the rule lets %s import the stage %s", dir, name)
			}
		}
	}
}

func TestFolderNames(t *testing.T) {
	refused := []string{"pkg", "util", "utils", "common", "types", "models", "service", "core", "helpers", "internal"}
	for _, s := range sources() {
		if slices.Contains(refused, path.Base(s.dir)) {
			t.Errorf("%s: name the folder for what it holds, not %q", s.path, path.Base(s.dir))
		}
	}
}

func TestPackageDocs(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources() {
		documented[s.dir] = documented[s.dir] || s.file.Doc != nil
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	var all, bare int
	var missing []string
	for _, s := range sources() {
		if strings.HasSuffix(s.path, "_test.go") || s.file.Name.Name == "main" {
			continue
		}
		for _, name := range exported(s) {
			all++
			if !name.documented {
				bare++
				missing = append(missing, s.is(name.ident)+": "+name.ident.Name)
			}
		}
	}
	if all == 0 || bare*100 > all*5 {
		t.Errorf("%d of %d exported names have no comment, more than 5 %%:\n%s", bare, all, strings.Join(missing, "\n"))
	}
}

// TestStagesExportLittle counts types and functions, not methods or constants.
func TestStagesExportLittle(t *testing.T) {
	const most = 12
	exceptions := map[string]int{}
	count := map[string]int{}
	for _, s := range sources() {
		for _, name := range exported(s) {
			if !s.test && name.surface {
				count[s.dir]++
			}
		}
	}
	for _, dir := range stages {
		if count[dir] > max(most, exceptions[dir]) {
			t.Errorf("%s exports %d types and functions, more than %d", dir, count[dir], max(most, exceptions[dir]))
		}
	}
}

type name struct {
	ident      *ast.Ident
	documented bool
	surface    bool // a type or a function
}

// exported lists the exported names that a file declares, methods of exported types with them.
func exported(s *source) []name {
	var names []name
	add := func(id *ast.Ident, surface bool, docs ...*ast.CommentGroup) {
		if id.IsExported() {
			has := slices.ContainsFunc(docs, func(d *ast.CommentGroup) bool { return d != nil })
			names = append(names, name{id, has, surface})
		}
	}
	for _, decl := range s.file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || ast.IsExported(receiver(d)) {
				add(d.Name, d.Recv == nil, d.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch sp := spec.(type) {
				case *ast.TypeSpec:
					add(sp.Name, true, d.Doc, sp.Doc, sp.Comment)
				case *ast.ValueSpec:
					for _, id := range sp.Names {
						add(id, false, d.Doc, sp.Doc, sp.Comment)
					}
				}
			}
		}
	}
	return names
}

// receiver is the name of a method's type.
func receiver(d *ast.FuncDecl) string {
	typ := d.Recv.List[0].Type
	for {
		switch x := typ.(type) {
		case *ast.StarExpr:
			typ = x.X
		case *ast.IndexExpr:
			typ = x.X
		case *ast.IndexListExpr:
			typ = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}
