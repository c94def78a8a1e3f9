package compare

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tain.dev/tain/finding"
	"tain.dev/tain/redact"
)

// jsonDiffs compares two documents and lists what differs, with the values.
func jsonDiffs(t *testing.T, live, mirror string) (all []string) {
	t.Helper()
	var examples []*diff
	d := differ{veil: new(veil), mask: redact.New("token"), now: epoch.UnixNano()}
	d.note = func(kind finding.Kind, path []byte) *diff {
		examples = append(examples, &diff{kind: kind, path: string(path)})
		return examples[len(examples)-1]
	}
	if !d.json([]byte(live), []byte(mirror)) {
		t.Fatalf("%s or %s is no JSON", live, mirror)
	}
	for _, e := range examples {
		all = append(all, fmt.Sprintf("%s %s: %s, live %s", e.kind, e.path, e.mirror, e.live))
	}
	return all
}

func TestArrays(t *testing.T) {
	f := func(live, mirror string, want ...string) {
		t.Helper()
		if got := jsonDiffs(t, live, mirror); !slices.Equal(got, want) {
			t.Errorf("%s and %s: %q, want %q", live, mirror, got, want)
		}
	}
	f(`[]`, `[ ]`)
	f(`[1]`, `[]`, "removed [*]: (absent), live 1")
	f(`[]`, `[1]`, "added [*]: 1, live (absent)")
	f(`[1,2]`, `[2,1]`, "order $: [2,1], live [1,2]")
	f(`[1,2]`, `[1.0,2e0]`)
	f(`[1,2,3]`, `[1,9,3]`, "value [*]: 9, live 2")
	f(`[1,2,3]`, `[1,3]`, "removed [*]: (absent), live 2")
	f(`[1,3]`, `[1,2,3]`, "added [*]: 2, live (absent)")
	f(`[1,1,2]`, `[1,2,2]`, "value [*]: 2, live 1")
	f(`[1,2,3]`, `[3,1,9]`, "order $: [3,1,9], live [1,2,3]", "value [*]: 9, live 2")
	f(`[[1,2],[3]]`, `[[2,1],[3]]`, "order [*]: [2,1], live [1,2]")
	f(`[[1],[2]]`, `[[2],[1]]`, "order $: [[2],[1]], live [[1],[2]]")
	f(`[1]`, `["1"]`, `type [*]: "1", live 1`)
	f(`[{"a":1,"b":2}]`, `[{"b":2,"a":1}]`)
	// Elements that are known by a field.
	f(`[{"id":1,"v":1},{"id":2,"v":2}]`, `[{"id":2,"v":2},{"id":1,"v":9}]`,
		`order $: [{"id":2,"v":2},{"id":1,"v":9}], live [{"id":1,"v":1},{"id":2,"v":2}]`, "value [*].v: 9, live 1")
	f(`[{"id":1,"v":1},{"id":2,"v":2}]`, `[{"id":2,"v":9}]`,
		`removed [*]: (absent), live {"id":1,"v":1}`, "value [*].v: 9, live 2")
	f(`[{"sku":"a","v":1},{"sku":"b","v":2}]`, `[{"sku":"c","v":3},{"sku":"b","v":4}]`,
		`removed [*]: (absent), live {"sku":"a","v":1}`, "value [*].v: 4, live 2", `added [*]: {"sku":"c","v":3}, live (absent)`)
	// An id that is made up for every answer identifies nothing; the name does.
	f(`[{"id":1,"name":"a","v":1},{"id":2,"name":"b","v":2}]`, `[{"id":3,"name":"b","v":2},{"id":4,"name":"a","v":1}]`,
		`order $: [{"id":3,"name":"b","v":2},{"id":4,"name":"a","v":1}], live [{"id":1,"name":"a","v":1},{"id":2,"name":"b","v":2}]`,
		"value [*].id: 4, live 1", "value [*].id: 3, live 2")
	// Secrets.
	f(`[{"token":"a"}]`, `[{"token":"b"}]`, "value [*].token: [masked], live [masked]")
	f(`[{"token":"a"},{"n":1}]`, `[{"n":1}]`, `removed [*]: (absent), live {"token":"[masked]"}`)
}

// TestShuffledArrays changes one field in arrays of any order, and asks for that field, and the
// order, and nothing else.
func TestShuffledArrays(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		n := 2 + rng.IntN(20)
		live, mirror := make([]string, n), make([]string, n)
		changed := rng.IntN(n)
		for i := range n {
			live[i] = fmt.Sprintf(`{"id":%d,"tags":["x","y"],"price":%d}`, i, i*10)
			mirror[i] = live[i]
			if i == changed {
				mirror[i] = fmt.Sprintf(`{"price":-1,"id":%d,"tags":["x","y"]}`, i)
			}
		}
		rng.Shuffle(n, func(i, j int) { mirror[i], mirror[j] = mirror[j], mirror[i] })
		text := func(list []string) string { return `{"items":[` + strings.Join(list, ",") + `]}` }
		for _, got := range jsonDiffs(t, text(live), text(mirror)) {
			if !strings.HasPrefix(got, "order items:") && !strings.HasPrefix(got, "value items[*].price: -1") {
				t.Errorf("of one price in another order it says %q", got)
			}
		}
	}
}

func TestObjects(t *testing.T) {
	f := func(live, mirror string, want ...string) {
		t.Helper()
		if got := jsonDiffs(t, live, mirror); !slices.Equal(got, want) {
			t.Errorf("%s and %s: %q, want %q", live, mirror, got, want)
		}
	}
	f(`{"a":1}`, `{"a":1}`)
	f(`{"a":1}`, `{}`, "removed a: (absent), live 1")
	f(`{}`, `{"a":1}`, "added a: 1, live (absent)")
	f(`{"a":{"b":{"c":1}}}`, `{"a":{"b":{"c":2}}}`, "value a.b.c: 2, live 1")
	f(`{"b":1,"a":2}`, `{"a":3,"c":4,"b":1}`, "value a: 3, live 2", "added c: 4, live (absent)")
	f(`{"a":null}`, `{"a":1}`, "type a: 1, live null")
	f(`{"a":true}`, `{"a":false}`, "value a: false, live true")
	f(`{"a":"x"}`, `{"a":"y"}`, `value a: "y", live "x"`)
	f(`{"a":"\u0078"}`, `{"a":"x"}`)
	f(`{"\u0061":1}`, `{"a":2}`, "value a: 2, live 1")
	f(`{"a b":1,"":2}`, `{"a b":2,"":3}`, `value "a b": 2, live 1`, `value "": 3, live 2`)
	f(`{"users":{"17":{"v":1}}}`, `{"users":{"17":{"v":2}}}`, "value users.{id}.v: 2, live 1")
	f(`{"at":"2026-01-02T03:04:05Z"}`, `{"at":"2026-01-02T03:04:06Z"}`)
	f(`{"at":"2020-01-02T03:04:05Z"}`, `{"at":"2020-01-02T03:04:06Z"}`, `value at: "2020-01-02T03:04:06Z", live "2020-01-02T03:04:05Z"`)
	f(`{"token":{"a":1}}`, `{"token":{"a":2}}`, "value token.a: [masked], live [masked]")
	f(`{"q":"/?token=abc"}`, `{"q":"/"}`, `value q: "/", live "[masked]"`)
}
