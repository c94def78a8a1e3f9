package config

import "testing"

func TestSize(t *testing.T) {
	f := func(text string, want int64, written string) {
		t.Helper()
		got, err := ParseSize(text)
		if err != nil || got != want || FormatSize(got) != written {
			t.Errorf("%q: %d %q, error %v", text, got, FormatSize(got), err)
		}
	}
	f("0", 0, "0")
	f("1", 1, "1B")
	f("1024", 1024, "1KiB")
	f("64MiB", 64<<20, "64MiB")
	f("64 MiB", 64<<20, "64MiB")
	f("1.5GB", 1_500_000_000, "1500MB")
	f("0.5KiB", 512, "512B")
	f("2kB", 2000, "2KB")
	f("9223372036854775807", 1<<63-1, "9223372036854775807B")
	for _, wrong := range []string{"", "-1", "MiB", "1 M", "1mib", "1e3", "0x10", ".5GB", "1.GB", "1,5GB", "9223372036854775808", "8388608TiB", "8388608.5TiB", "Inf", "1..2KB"} {
		if got, err := ParseSize(wrong); err == nil {
			t.Errorf("%q was read as %d", wrong, got)
		}
	}
}

func FuzzSize(f *testing.F) {
	f.Add("64MiB", int64(1))
	f.Add("1.5GB", int64(1<<40))
	f.Fuzz(func(t *testing.T, text string, bytes int64) {
		if n, err := ParseSize(text); err == nil && n < 0 {
			t.Errorf("%q is %d", text, n)
		}
		if bytes < 0 {
			return
		}
		if n, err := ParseSize(FormatSize(bytes)); err != nil || n != bytes {
			t.Errorf("%d is written %q and read as %d, error %v", bytes, FormatSize(bytes), n, err)
		}
	})
}
