package route

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestReadSecret(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	f := func(content, want, complaint string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		s := Secret{Name: "Authorization", File: file, Prefix: "Bearer "}
		got, err := s.Read()
		if got != want || (err == nil) != (complaint == "") {
			t.Errorf("%q: %q, error %v", content, got, err)
		}
		if err != nil && (!strings.Contains(err.Error(), complaint) || !strings.Contains(err.Error(), file)) {
			t.Errorf("%q: the error is %q, want %q in it", content, err, complaint)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the error quotes the credential: %v", err)
		}
	}
	f("s3cret", "Bearer s3cret", "")
	f(" s3 cret\r\n", "Bearer s3 cret", "")
	f("sécret", "Bearer sécret", "")
	f("", "", "is empty")
	f(" \n", "", "is empty")
	f("s3cret\ns3cret", "", "has a line end")
	f("s3cret\x00", "", "control character")
	f(strings.Repeat("s3cret", 4000), "", "longer than")
	f(strings.Repeat("a", maxSecret), "Bearer "+strings.Repeat("a", maxSecret), "")
}

// TestReadNoSecret holds that what is no file is an error, and holds nobody up.
func TestReadNoSecret(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{dir, pipe, filepath.Join(dir, "none"), ""} {
		s := Secret{Name: "X", File: file}
		if value, err := s.Read(); value != "" || err == nil || !strings.Contains(err.Error(), "can't be read") {
			t.Errorf("%q: %q, error %v", file, value, err)
		}
	}
}
