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

// TestReadKey reads keys of pseudonyms.
func TestReadKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	f := func(content, key, complaint string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := (&Redaction{KeyFile: file}).Key()
		if string(got) != key && complaint == "" || complaint == "" && err != nil || complaint != "" && (err == nil || !strings.Contains(err.Error(), complaint)) {
			t.Errorf("%q: %q, %v", content, got, err)
		}
	}
	f("0123456789abcdef\r\n", "0123456789abcdef", "")
	f("\x00\xff23456789abcdef\n1", "\x00\xff23456789abcdef\n1", "")
	f("0123456789abcde\n", "", "has 15 bytes; use 16 or more")
	f("", "", "has 0 bytes")
	f(strings.Repeat("a", maxSecret+1), "", "is longer than 16384 bytes")
	if _, err := (&Redaction{KeyFile: file + "x"}).Key(); err == nil || !strings.Contains(err.Error(), "the key of pseudonyms can't be read") {
		t.Errorf("a file that is not there: %v", err)
	}
	if key, err := new(Redaction).Key(); key != nil || err != nil {
		t.Errorf("no file: %q, %v", key, err)
	}
}
