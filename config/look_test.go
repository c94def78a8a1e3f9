package config

import (
	"path/filepath"
	"strings"
	"testing"

	"tain.dev/tain/route"
)

// TestLooks holds that what others find in a mirror is told once, at the place of the setting.
func TestLooks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tain.yaml")
	write(t, file, `mirrors:
  v2:
    copy:
      redact: [a, b]
    targets: http://t
routes:
- {name: one, match: path=/1, backends: "http://live", mirrors: v2}
- {name: two, match: path=/2, backends: "http://live", mirrors: [v2, {name: own, targets: "http://t"}]}
- {name: bad, match: path=/3, backends: "http://live", mirrors: {name: "", targets: ":"}}
`)
	var seen []string
	look := func(m *route.Mirror) (errs, useless []error) {
		seen = append(seen, m.Name)
		if m.Name == "v2" {
			errs = append(errs, &Error{Setting: "copy.redact[1].name", Text: "is wrong"})
			useless = append(useless, &Error{Setting: "copy.redact[0]", Text: "is of no use"})
		}
		return errs, useless
	}
	c, errs := Load(file, look)
	if got := strings.Join(seen, " "); got != "v2 own" {
		t.Errorf("looked at %s", got)
	}
	if len(errs) != 2 || errs[0].Error() != file+":4:19: mirrors.v2.copy.redact[1].name: is wrong" || !strings.Contains(errs[1].Error(), ":9:") {
		t.Errorf("the errors are %v", errs)
	}
	if len(c.Warnings) != 1 || c.Warnings[0].Error() != file+":4:16: mirrors.v2.copy.redact[0]: is of no use" {
		t.Errorf("the warnings are %v", c.Warnings)
	}
	if n := len(c.Table.Routes()); n != 2 {
		t.Errorf("%d routes serve", n)
	}
}
