package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

const page = "../docs/configuration.md"

// TestDocumentedExamples loads every example of the page.
func TestDocumentedExamples(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```yaml\n")[1:]
	if len(blocks) < 3 {
		t.Fatalf("only %d examples", len(blocks))
	}
	for _, block := range blocks {
		example, _, _ := strings.Cut(block, "```")
		file := filepath.Join(t.TempDir(), "tain.yaml")
		write(t, file, example)
		if c, errs := Load(file); len(errs) > 0 || len(c.Table.Routes()) == 0 {
			t.Errorf("%s%v", example, errs)
		}
	}
}

// TestDocumentedDefaults looks for every setting and its default in the tables of the page.
func TestDocumentedDefaults(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{} // defaults by section and name
	section := ""
	for line := range strings.Lines(string(text)) {
		if title, ok := strings.CutPrefix(line, "### "); ok {
			section = strings.TrimSpace(title)
		} else if strings.HasPrefix(line, "## ") {
			section = ""
		}
		if cells := strings.Split(line, " | "); strings.HasPrefix(line, "| `") {
			name := strings.Trim(cells[0], "| `")
			if _, taken := rows[join(section, name)]; !taken {
				rows[join(section, name)] = strings.Trim(cells[1], "` ")
			}
		}
	}
	defaults := Defaults()
	defaults.Loops, defaults.Mirror.Instance = 0, ""
	prose := map[string]string{"listen": ":8080", "loops": "number of CPUs", "mirror.instance": "the host name", "mirror.pseudonymKey": "none", "data.dir": "$XDG_STATE_HOME/tain", "accessLog.template": "none"}
	var visit func(v reflect.Value, path string)
	visit = func(v reflect.Value, path string) {
		for i, field := range reflect.VisibleFields(v.Type()) {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name == "-" {
				continue
			}
			name = join(path, name)
			got, documented := rows[name]
			want, isProse := prose[name]
			if !isProse {
				want = written(v.Field(i), field.Tag.Get("unit"))
			}
			if d, err := time.ParseDuration(got); err == nil && field.Type == reflect.TypeFor[time.Duration]() {
				got = d.String()
			}
			if !documented || got != want {
				t.Errorf("%s: the page says %q, the default is %q", name, got, want)
			}
			if field.Type.Kind() == reflect.Struct {
				visit(v.Field(i), name)
			}
		}
	}
	visit(reflect.ValueOf(defaults), "")
}

// written is a default as the page writes it.
func written(v reflect.Value, unit string) string {
	switch value := v.Interface().(type) {
	case time.Duration:
		return value.String()
	case string:
		if value == "" {
			return off
		}
		return value
	case []string:
		if len(value) > 0 {
			return strings.Join(value, ", ")
		}
		return "none"
	}
	switch {
	case v.Kind() == reflect.Slice:
		return "none"
	case v.Kind() == reflect.Struct:
		return "see below"
	case unit == "bytes":
		return FormatSize(v.Int())
	}
	return fmt.Sprint(v.Interface())
}

// TestDocumentedNames looks for the name of everything that can be written, at any depth.
func TestDocumentedNames(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[reflect.Type]bool{} // a condition may hold others
	var visit func(typ reflect.Type, path string)
	visit = func(typ reflect.Type, path string) {
		if seen[typ] {
			return
		}
		seen[typ] = true
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			visit(typ.Elem(), path)
		case reflect.Struct:
			for _, field := range reflect.VisibleFields(typ) {
				name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
				if name == "" || name == "-" {
					continue
				}
				if !strings.Contains(string(text), "`"+name+"`") && !strings.Contains(string(text), name+":") {
					t.Errorf("%s is not on the page", join(path, name))
				}
				visit(field.Type, join(path, name))
			}
		}
	}
	visit(reflect.TypeFor[document](), "")
}
