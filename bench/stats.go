//go:build linux

package main

import (
	"math/rand/v2"
	"slices"
)

// quantity is a measured value with its spread.
type quantity struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	Unit  string  `json:"unit"`
}

// single is a value that was measured once.
func single(value float64, unit string) *quantity { return &quantity{value, value, value, unit} }

// count is a number of things.
func count(n int, unit string) *quantity { return single(float64(n), unit) }

// middle is the median of the rounds, with the smallest and the largest.
func middle(unit string, rounds []float64) *quantity {
	if len(rounds) == 0 {
		return nil
	}
	return &quantity{median(rounds), slices.Min(rounds), slices.Max(rounds), unit}
}

// interval is the median of the rounds, with the 95 % bootstrap interval of that median: what the
// median would be for rounds drawn from these, again and again.
func interval(unit string, rounds []float64) *quantity {
	const draws = 10_000
	if len(rounds) == 0 {
		return nil
	}
	random := rand.New(rand.NewPCG(1, uint64(len(rounds)))) // the same rounds give the same interval
	medians := make([]float64, draws)
	drawn := make([]float64, len(rounds))
	for i := range medians {
		for j := range drawn {
			drawn[j] = rounds[random.IntN(len(rounds))]
		}
		medians[i] = median(drawn)
	}
	slices.Sort(medians)
	return &quantity{median(rounds), medians[draws*25/1000], medians[draws*975/1000], unit}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// ratios divides round by round: what disturbs a round disturbs both.
func ratios(values, bases []float64) []float64 {
	n := min(len(values), len(bases))
	r := make([]float64, n)
	for i := range n {
		r[i] = values[i] / bases[i]
	}
	return r
}
