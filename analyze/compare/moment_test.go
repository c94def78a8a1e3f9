package compare

import "testing"

func TestSameMoment(t *testing.T) {
	f := func(a, b string, want bool) {
		t.Helper()
		if got := sameMoment([]byte(a), []byte(b), epoch.UnixNano()); got != want {
			t.Errorf("%s and %s: same = %v, want %v", a, b, got, want)
		}
		if got := sameMoment([]byte(b), []byte(a), epoch.UnixNano()); got != want {
			t.Errorf("%s and %s: same = %v, want %v", b, a, got, want)
		}
	}
	// The request came at 2026-01-02T03:04:05Z, which is 1767323045.
	f("2026-01-02T03:04:05Z", "2026-01-02T03:04:06.123Z", true)
	f("2026-01-02T03:04:05Z", "2026-01-02T04:04:06+01:00", true)
	f("2026-01-02 03:04:05", "2026-01-02 03:04:07", true)
	f("Fri, 02 Jan 2026 03:04:05 GMT", "Fri, 02 Jan 2026 03:04:06 GMT", true)
	f("1767323045", "1767323046", true)
	f("1767323045.25", "1767323046", true)
	f("1767323045000", "1767323045123", true)
	f("1767323045000000", "1767323045123000", true)
	f("1767323045000000000", "1767323045123000000", true)
	f("1767323045", "2026-01-02T03:04:06Z", true)
	f("2026-01-02T04:04:05Z", "2026-01-02T04:04:06Z", true) // expires in an hour
	f("2026-01-02T03:04:05Z", "2026-01-02T03:05:05Z", false)
	f("2025-12-02T03:04:05Z", "2025-12-02T03:04:06Z", false) // long ago
	f("2026-02-02T03:04:05Z", "2026-02-02T03:04:06Z", false)
	f("1667323045", "1667323046", false)
	f("9999999999999999999999", "9999999999999999999998", false)
	f("2026-01-02T03:04:05Z", "no time at all", false)
	f("1767323045.2.5", "1767323045.2.6", false)
	f("12.5", "12.6", false)
	f("", "", false)
}
