package demo

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// noisy matches what may differ between two answers of the same version.
var noisy = regexp.MustCompile(`"(generated_at|updated_at|request_id|token)":"[^"]*"|"took_ms":\d|content="[0-9a-f]{16}"`)

var tagList = regexp.MustCompile(`"tags":\[[^\]]*\]`)

// shape is what remains of a body when its noise is taken away.
func shape(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	body := tagList.ReplaceAllStringFunc(string(plain(t, w)), func(list string) string {
		letters := strings.Split(list, "")
		sort.Strings(letters)
		return strings.Join(letters, "")
	})
	return noisy.ReplaceAllString(body, "")
}

// TestNoiseIsInBothVersions asks two instances of a version for the same thing, and expects
// different bytes of the same shape.
func TestNoiseIsInBothVersions(t *testing.T) {
	f := func(version int, path string, wantNoisyBody bool) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			a, b := get(t, Shop(version, 1), path), get(t, Shop(version, 2), path)
			for _, name := range []string{"X-Request-Id", "Traceparent", "Set-Cookie"} {
				x, y := a.Header().Get(name), b.Header().Get(name)
				if x == "" || x == y {
					t.Errorf("version %d, %s: header %s is %q and %q, want two values", version, path, name, x, y)
				}
			}
			if noisy := a.Body.String() != b.Body.String(); noisy != wantNoisyBody {
				t.Errorf("version %d, %s: bodies differ %v, want %v", version, path, noisy, wantNoisyBody)
			}
			if x, y := shape(t, a), shape(t, b); x != y {
				t.Errorf("version %d, %s: without noise\n%s\nis not\n%s", version, path, x, y)
			}
		})
	}
	for _, version := range []int{1, 2} {
		f(version, "/", true)
		f(version, "/products", true)
		f(version, "/products/1", true)
		f(version, "/products/99999", true)
		f(version, "/orders/"+theCatalogue().orderIDs[0], true)
		f(version, "/cart/1", true)
		f(version, "/search?q=lamp", true)
		f(version, "/recommendations/1", true)
	}
}

func TestTagsComeInAnyOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := Shop(1, 1)
		orders := make(map[string]bool)
		for range 50 {
			var page productPage
			if err := json.Unmarshal(get(t, h, "/products/1").Body.Bytes(), &page); err != nil {
				t.Fatal(err)
			}
			orders[strings.Join(page.Tags, " ")] = true
			slices.Sort(page.Tags)
			want := slices.Sorted(slices.Values(theCatalogue().products[0].Tags))
			if !slices.Equal(page.Tags, want) {
				t.Fatalf("the tags are %v, want a permutation of %v", page.Tags, want)
			}
		}
		if len(orders) < 10 {
			t.Errorf("50 answers have %d orders of tags, want many", len(orders))
		}
	})
}

// TestWaits asserts that only recommendations differ in their median wait, by the planted factor.
func TestWaits(t *testing.T) {
	f := func(path string, v1, v2 time.Duration) {
		t.Helper()
		for version, usual := range map[int]time.Duration{1: v1, 2: v2} {
			synctest.Test(t, func(t *testing.T) {
				h := Shop(version, 1)
				var waits []time.Duration
				for range 201 {
					start := time.Now()
					get(t, h, path)
					waits = append(waits, time.Since(start))
				}
				slices.Sort(waits)
				median := waits[len(waits)/2]
				if median < usual*9/10 || median > usual*13/10 {
					t.Errorf("version %d, %s: the median wait is %v, want about %v", version, path, median, usual)
				}
				if longest := waits[len(waits)-1]; longest == median {
					t.Errorf("version %d, %s: every wait is %v, want noise", version, path, median)
				}
			})
		}
	}
	f("/products/1", usualWait, usualWait)
	f("/search?q=lamp", usualWait, usualWait)
	f("/recommendations/1", recommendWait, 4*recommendWait)
}

func TestWaitEndsWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		newNoise(1).wait(ctx, time.Hour)
		if took := time.Since(start); took != time.Second {
			t.Errorf("the wait took %v, want 1s", took)
		}
	})
}
