//go:build linux

package main

import (
	"slices"
	"testing"
)

func TestMedian(t *testing.T) {
	f := func(want float64, values ...float64) {
		t.Helper()
		before := slices.Clone(values)
		if got := median(values); got != want {
			t.Errorf("median of %v: %v, want %v", values, got, want)
		}
		if !slices.Equal(values, before) {
			t.Errorf("the rounds were reordered: %v", values)
		}
	}
	f(3, 3)
	f(2.5, 3, 2)
	f(3, 9, 1, 3)
	f(3, 1, 100, 2, 4)
}

func TestMiddle(t *testing.T) {
	if q := middle("µs", []float64{4, 1, 9}); *q != (quantity{4, 1, 9, "µs"}) {
		t.Errorf("%+v", *q)
	}
	if middle("µs", nil) != nil || interval("", nil) != nil {
		t.Error("no rounds give a quantity")
	}
}

func TestInterval(t *testing.T) {
	rounds := []float64{1.01, 0.99, 1.02, 1.00, 0.98, 1.03, 1.00, 1.01, 5}
	q := interval("", rounds)
	if q.Value != 1.01 || q.Low < 0.98 || q.Low > q.Value || q.High < q.Value || q.High > 1.03 {
		t.Errorf("%+v: one outlier of nine must not reach the interval", *q)
	}
	if again := interval("", rounds); *again != *q {
		t.Errorf("%+v, then %+v: the same rounds must give the same interval", *q, *again)
	}
	if q := interval("", []float64{2, 2, 2}); *q != (quantity{2, 2, 2, ""}) {
		t.Errorf("%+v", *q)
	}
}

func TestRatios(t *testing.T) {
	if got := ratios([]float64{2, 9, 5}, []float64{4, 3}); !slices.Equal(got, []float64{0.5, 3}) {
		t.Errorf("%v", got)
	}
}
