package v1alpha1

import (
	"encoding/json"
	"testing"
)

// TestJSON checks that the written form survives a round trip, the percentage to its last digit.
func TestJSON(t *testing.T) {
	f := func(text string) {
		t.Helper()
		var spec MirrorSpec
		if err := json.Unmarshal([]byte(text), &spec); err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(spec)
		if err != nil || string(got) != text {
			t.Errorf("%s, error %v, want %s", got, err, text)
		}
	}
	f(`{"targets":[{"url":"http://v2:80"}]}`)
	f(`{"match":["method=GET"],"percent":0.0001,"writes":true,` +
		`"targets":[{"name":"v2","url":"http://v2:80"},{"url":"http://v1:80","baseline":true}],` +
		`"host":"-shadow","timeout":"5s","maxBody":"64KiB"}`)
}
