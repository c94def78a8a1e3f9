package route

import "testing"

func TestParseFraction(t *testing.T) {
	f := func(text string, want uint32) {
		t.Helper()
		if got, err := ParseFraction(text); got != want || err != nil {
			t.Errorf("%s: %d, %v, want %d", text, got, err, want)
		}
	}
	f("1/2", 500_000)
	f("1/3", 333_333)
	f("2/3", 666_667)
	f("1/8", 125_000)
	f("25", 250_000)
	f("0", 0)
	f("0/7", 0)
	f("7/7", All)
	f("100", All)
	f("1/1000000", 1)
	f("1/1000001", 1)
	f("1/4294967295", 1)
	f("4294967294/4294967295", All-1)
	f("4294967295/4294967295", All)
	f("999999/1000000", All-1)
	f("3/2000000", 2)

	wrong := func(text string) {
		t.Helper()
		if got, err := ParseFraction(text); err == nil || got != 0 {
			t.Errorf("%q: %d", text, got)
		}
	}
	for _, text := range []string{"", "/", "1/", "/2", "1/0", "3/2", "101", "-1/2", "1.5/2", "1/2/3", "1 / 2", "+1/2", "1/4294967296"} {
		wrong(text)
	}
}
