//go:build linux

package main

import (
	"slices"
	"testing"
)

func TestRuleCosts(t *testing.T) {
	none, many, allocations := ruleCosts(`goos: linux
BenchmarkRules/none-2         	 5616171	        44.75 ns/op	       0 B/op	       0 allocs/op
BenchmarkRules/many-2         	  321452	       906.5 ns/op	       8 B/op	       2 allocs/op
BenchmarkRules/none-2         	 5616171	        50.75 ns/op	       0 B/op	       0 allocs/op
BenchmarkRules/many-2         	  321452	       900.5 ns/op	       8 B/op	       2 allocs/op
PASS
`)
	if want := []float64{861.75, 849.75}; !slices.Equal(differences(many, none), want) || allocations != "2" {
		t.Errorf("%v and %v, %s allocations", none, many, allocations)
	}
}
