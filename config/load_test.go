package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the expected parts of the case files")

// TestLoadCases loads what every case file holds: one tain.yaml, or a folder of several files. The
// rest of a case are the settings that differ from the defaults, the table and the complaints.
func TestLoadCases(t *testing.T) {
	files, _ := filepath.Glob("testdata/load/*.txtar")
	if len(files) == 0 {
		t.Fatal("no case files")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := txtar.Archive{Comment: archive.Comment}
			dir := t.TempDir()
			for _, input := range archive.Files {
				if strings.Contains(input.Name, ".") {
					got.Files = append(got.Files, input)
					write(t, filepath.Join(dir, input.Name), string(input.Data))
				}
			}
			path := dir
			if len(got.Files) == 1 {
				path = filepath.Join(dir, got.Files[0].Name)
			}
			config, errs := Load(path)
			var complaints strings.Builder
			for _, err := range errs {
				complaints.WriteString(strings.ReplaceAll(err.Error(), dir+"/", "") + "\n")
			}
			for _, warning := range config.Warnings {
				complaints.WriteString("of no use: " + strings.ReplaceAll(warning.Error(), dir+"/", "") + "\n")
			}
			result := func(name, text string) txtar.File {
				return txtar.File{Name: name, Data: []byte(strings.ReplaceAll(text, dir, "."))}
			}
			got.Files = append(got.Files, result("settings", string(settings(t, config))),
				result("table", config.Table.String()), result("complaints", complaints.String()))
			compareCase(t, file, txtar.Format(&got))
		})
	}
}

// settings lists the settings that are not the default.
func settings(t *testing.T, c *Config) []byte {
	t.Helper()
	flat := func(c Config) map[string]string {
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var tree map[string]any
		if err := json.Unmarshal(text, &tree); err != nil {
			t.Fatal(err)
		}
		lines := map[string]string{}
		flatten(lines, "", tree)
		return lines
	}
	defaults := flat(Defaults())
	var out bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(flat(*c))) {
		if value := flat(*c)[name]; value != defaults[name] {
			out.WriteString(name + " = " + value + "\n")
		}
	}
	return out.Bytes()
}

func flatten(lines map[string]string, path string, value any) {
	if tree, ok := value.(map[string]any); ok {
		for key, value := range tree {
			flatten(lines, join(path, key), value)
		}
		return
	}
	text, _ := json.Marshal(value)
	lines[path] = string(text)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// compareCase compares a case file with what it should be now, or rewrites it.
func compareCase(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		write(t, file, string(got))
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

func TestLoadFailures(t *testing.T) {
	f := func(path, want string) {
		t.Helper()
		config, errs := Load(path)
		if len(errs) != 1 || !strings.Contains(errs[0].Error(), want) {
			t.Errorf("%s: %v, want %s", path, errs, want)
		}
		if config == nil || config.Table == nil {
			t.Errorf("%s: no configuration", path)
		}
	}
	dir := t.TempDir()
	f(filepath.Join(dir, "none.yaml"), "none.yaml: can't be read: no such file or directory; name a file or a folder")
	f(dir, "the folder has no *.yaml; put one there")
	large := filepath.Join(dir, "large.yaml")
	write(t, large, strings.Repeat("#", maxFile+1))
	f(large, "the file is larger than 16MiB")
}

func TestReadIsBounded(t *testing.T) {
	r := reader{file: "f", places: map[string]place{}, nodes: maxNodes - 1}
	var mask []string
	r.read(r.parse([]byte("[a, b, c]")), reflect.ValueOf(&mask).Elem(), "mask")
	if len(r.errs) != 1 || !strings.Contains(r.errs[0].Text, "too many values") {
		t.Errorf("errors %v", r.errs)
	}
}

func TestErrorsNameTheRoute(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tain.yaml")
	write(t, file, "routes:\n- name: a\n  backends: [http://b]\n- name: b\n  backends: [ftp://b]\n- name: c\n  backendz: x\n- match: method=\n  backends: [http://b]\ndrain: never\n")
	config, errs := Load(file)
	var names []string
	for _, err := range errs {
		names = append(names, err.(*Error).Route)
	}
	if got := strings.Join(names, ","); got != "b,c,routes[3],routes[3]," {
		t.Errorf("routes %q in %v", got, errs)
	}
	if routes := config.Table.Routes(); len(routes) != 1 || routes[0].Name != "a" {
		t.Errorf("the table is\n%s", config.Table)
	}
}

// FuzzLoad checks that no file makes Load fail, and that what it makes serves.
func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("testdata/load/*.txtar")
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(archive.Files[0].Data))
	}
	file := filepath.Join(f.TempDir(), "tain.yaml")
	f.Fuzz(func(t *testing.T, text string) {
		write(t, file, text)
		config, errs := Load(file)
		for _, err := range errs {
			if e, ok := err.(*Error); !ok || e.Text == "" {
				t.Errorf("%q: the error %#v", text, err)
			}
		}
		_ = config.Table.String()
	})
}

func BenchmarkLoad(b *testing.B) {
	var text strings.Builder
	text.WriteString("mirrors:\n  v2: {targets: [http://v2]}\nroutes:\n")
	for i := range 10_000 {
		fmt.Fprintf(&text, "- name: r%d\n  hosts: [h%d.example.com]\n  match: [path=/service-%d/*]\n  backends: [http://b]\n  mirrors: [v2]\n", i, i%50, i)
	}
	file := filepath.Join(b.TempDir(), "tain.yaml")
	if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, errs := Load(file); len(errs) > 0 {
			b.Fatal(errs)
		}
	}
}
