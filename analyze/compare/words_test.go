package compare

import (
	"testing"

	"tain.dev/tain/finding"
	"tain.dev/tain/redact"
)

func TestSays(t *testing.T) {
	f := func(kind finding.Kind, path, live, mirror, want string, severe finding.Severity) {
		t.Helper()
		d := &diff{kind: kind, path: path, live: live, mirror: mirror}
		if got := says(d); got != want {
			t.Errorf("%s %s: %q, want %q", kind, path, got, want)
		}
		if got := severity(d); got != severe {
			t.Errorf("%s %s is %s, want %s", kind, path, got, severe)
		}
	}
	f(finding.Status, "200→500", "200", "500", "The status is 500 where live has 200", finding.High)
	f(finding.Status, "302→200", "302", "200", "The status is 200 where live has 302", finding.High)
	f(finding.Status, "404→400", "404", "400", "The status is 400 where live has 404", finding.Medium)
	f(finding.Status, "503→200", "503", "200", "The status is 200 where live has 503", finding.Medium)
	f(finding.Status, "OK→NOT_FOUND", "OK", "NOT_FOUND (5)", "The status is NOT_FOUND (5) where live has OK", finding.High)
	f(finding.Status, "code 17→OK", "code 17", "OK", "The status is OK where live has code 17", finding.Medium)
	f(finding.Status, "OK→none", "OK", noCode.String(), "The status is missing where live has OK", finding.High)
	f(finding.Trailer, "Grpc-Message", "a", "b", "The trailer Grpc-Message is b where live has a", finding.Medium)
	f(finding.Trailer, "X-Checksum", absent, "1", "The trailer X-Checksum is new: 1", finding.Low)
	f(finding.Type, "message[*].3", "varint 5", `bytes "a"`, `message[*].3 is bytes "a" where live has varint 5`, finding.High)
	f(finding.Header, "Vary", "Accept", absent, "The header Vary is missing; live has Accept", finding.Medium)
	f(finding.Header, "X-New", absent, "1", "The header X-New is new: 1", finding.Low)
	f(finding.Header, "Content-Security-Policy", "a", "b", "The header Content-Security-Policy is b where live has a", finding.Medium)
	f(finding.Header, "Access-Control-Allow-Origin", "a", "b", "The header Access-Control-Allow-Origin is b where live has a", finding.Medium)
	f(finding.Removed, "a.b", "1", absent, "a.b is missing; live has 1", finding.High)
	f(finding.Added, "a.b", absent, "1", "a.b is new: 1", finding.Low)
	f(finding.Type, "a", "1", `"1"`, `a is a string where live has a number: "1", live 1`, finding.High)
	f(finding.Type, "a", "{}", "[]", "a is an array where live has an object: [], live {}", finding.High)
	f(finding.Type, "a", "null", "true", "a is a boolean where live has null: true, live null", finding.High)
	f(finding.Type, "a", redact.Masked, redact.Masked, "a has another type than live's", finding.High)
	f(finding.Value, "a", "1", "2", "a is 2 where live has 1", finding.Medium)
	f(finding.Order, "a", "[1,2]", "[2,1]", "a has the same elements in another order", finding.Low)
	f(finding.Body, "", "5 bytes", "6 bytes", "The body differs: 6 bytes, live 5 bytes", finding.Medium)
}

func TestBaselineSays(t *testing.T) {
	f := func(count, pairs uint64, controlled bool, want string) {
		t.Helper()
		got := baselineSays(&finding.Finding{BaselineCount: count, BaselinePairs: pairs}, controlled)
		if got != want {
			t.Errorf("%d of %d: %q, want %q", count, pairs, got, want)
		}
	}
	f(0, 0, false, "; without a baseline this may be noise")
	f(0, 1200, true, "; the baseline in none of 1,200")
	f(3, 1200, true, "; the baseline in 3 of 1,200 (0.2 %)")
}
