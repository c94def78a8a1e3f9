package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tain.dev/tain/test/pki"
	"tain.dev/tain/test/wire"
)

var (
	yamlBlock   = regexp.MustCompile("(?s)```yaml\n(.*?)```")
	writtenCert = regexp.MustCompile(`[\w-]+\.(pem|key)\b`)
)

// TestDocumentedFiles checks every configuration that a page shows: a whole file, or what stands in a
// mirror.
func TestDocumentedFiles(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("there are no pages: %v", err)
	}
	pair := pki.New(t).Issue(t, "shop.localhost")
	for _, page := range pages {
		for _, block := range yamlBlock.FindAllStringSubmatch(read(t, page), -1) {
			file := filepath.Join(t.TempDir(), "tain.yaml")
			write(t, file, whole(block[1]))
			for _, m := range writtenCert.FindAllStringSubmatch(block[1], -1) {
				from := map[string]string{"pem": pair.Cert, "key": pair.Key}[m[1]]
				write(t, filepath.Join(filepath.Dir(file), m[0]), read(t, from))
			}
			if out, err := exec.Command(wire.Binary, "check", "-f", file).CombinedOutput(); err != nil {
				t.Errorf("%s shows\n%sof which tain check says: %v\n%s", page, block[1], err, out)
			}
		}
	}
}

var lineStart = regexp.MustCompile(`(?m)^(.)`)

// whole is the file around the text of a mirror, or of some.
func whole(text string) string {
	switch {
	case regexp.MustCompile(`(?m)^routes:`).MatchString(text):
		return text
	case strings.HasPrefix(text, "mirrors:"):
		return text + "routes: []\n"
	}
	if !regexp.MustCompile(`(?m)^targets:`).MatchString(text) {
		text += "targets: http://v2\n"
	}
	return "routes:\n- name: all\n  backends: http://v1\n  mirrors:\n  - name: v2\n" + lineStart.ReplaceAllString(text, "    $1")
}

// TestDocumentedCommands asks tain for help on every command that a page or the README shows, with its
// flags, so that none is one that there is not.
func TestDocumentedCommands(t *testing.T) {
	command := regexp.MustCompile("(?m)^(?:\\$ )?tain (mirror|run|check|routes|demo|version)\\b((?:[^\n#]*\\\\\n)*[^\n#]*)")
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	flag := regexp.MustCompile(`--[a-z][a-z-]*`)
	for _, page := range append(pages, "../README.md") {
		for _, m := range command.FindAllStringSubmatch(read(t, page), -1) {
			help, err := exec.Command(wire.Binary, m[1], "--help").Output()
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range flag.FindAllString(m[2], -1) {
				if !regexp.MustCompile(regexp.QuoteMeta(name) + `\b`).Match(help) {
					t.Errorf("%s: tain %s has no flag %s", page, m[1], name)
				}
			}
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
