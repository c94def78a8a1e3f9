package route

import (
	"flag"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"testing"
)

var long = flag.Bool("long", false, "take a thousand million samples")

// byUser samples by a header, and user is a request with it.
var byUser = []SampleKey{{Kind: KeyHeader, Name: "X-User"}}

func user(key string) *Request {
	return &Request{Header: func(string) (string, bool) { return key, true }}
}

// within checks that a share of n is what it should be, within 4 standard deviations.
func within(t *testing.T, what string, taken, n int, perMillion uint32) {
	t.Helper()
	p := float64(perMillion) / All
	want, deviation := p*float64(n), math.Sqrt(p*(1-p)*float64(n))
	if math.Abs(float64(taken)-want) > 4*deviation {
		t.Errorf("%s of %s: %d of %d are taken, want %.0f ± %.0f", what, FormatPercent(perMillion), taken, n, want, 4*deviation)
	}
}

// TestShares takes a million requests by chance and by keys, with and without salt.
func TestShares(t *testing.T) {
	const n = 1_000_000
	shares := []uint32{0, 10_000, 125_000, 500_000, All}
	samples := map[string]Sample{
		"chance":           {},
		"chance with salt": Sample{Salt: "v2"}.withSeed(),
		"keys":             {By: byUser},
		"keys with salt":   Sample{By: byUser, Salt: "v2"}.withSeed(),
	}
	for what, s := range samples {
		taken := make([]int, len(shares))
		rnd := rand.New(rand.NewPCG(1, 2))
		var key [8]byte
		q := &Request{Header: func(string) (string, bool) { return unsafeString(key[:]), true }}
		for i := range n {
			for digit := range key {
				key[digit] = '0' + byte(i>>(3*digit)&7)
			}
			place, _, _ := s.Place(q, rnd.Uint64())
			for j, share := range shares {
				if place < share {
					taken[j]++
				}
			}
		}
		for j, share := range shares {
			within(t, what, taken[j], n, share)
		}
	}
}

// TestEdgesOfShares asks about the last draw that is in a sample and the first that is not.
func TestEdgesOfShares(t *testing.T) {
	whole := new(big.Int).Lsh(big.NewInt(1), 64)
	for _, share := range []uint32{1, 2, 10_000, 125_000, 333_333, 500_000, All - 1} {
		edge := new(big.Int).Mul(whole, big.NewInt(int64(share)))
		edge.Div(edge.Add(edge, big.NewInt(All-1)), big.NewInt(All)) // rounded up
		s := Sample{PerMillion: share}
		if draw := edge.Uint64(); !s.Takes(nil, draw-1) || s.Takes(nil, draw) {
			t.Errorf("the edge of %s is not at %d", FormatPercent(share), draw)
		}
	}
	for _, draw := range []uint64{0, 1, math.MaxUint64 / 2, math.MaxUint64} {
		none, all := Sample{}, Sample{PerMillion: All}
		if none.Takes(nil, draw) || !all.Takes(nil, draw) {
			t.Errorf("0 takes the draw %d, or all does not", draw)
		}
	}
}

// TestRareShares decides a thousand million times, which takes a while.
func TestRareShares(t *testing.T) {
	if !*long {
		t.Skip("use -long")
	}
	const n = 1_000_000_000
	rare, common := Sample{PerMillion: 1}, Sample{PerMillion: All - 1}
	takenRare, takenCommon := 0, 0
	draws := rand.NewPCG(3, 4)
	for range n {
		draw := draws.Uint64()
		if rare.Takes(nil, draw) {
			takenRare++
		}
		if common.Takes(nil, draw) {
			takenCommon++
		}
	}
	t.Logf("%d and %d", takenRare, takenCommon)
	within(t, "chance", takenRare, n, 1)
	within(t, "chance", takenCommon, n, All-1)
}

// kindsOfKeys make the i-th key of kinds that one meets.
var kindsOfKeys = map[string]func(i int) string{
	"numbers":   func(i int) string { return fmt.Sprint(i) },
	"long ids":  func(i int) string { return fmt.Sprintf("user-%012d-eu-central-1-production", i) },
	"hex ids":   func(i int) string { return fmt.Sprintf("%08x", i*4096) },
	"addresses": func(i int) string { return fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&0xff, i&0xff) },
	"e-mail":    func(i int) string { return fmt.Sprintf("anna.%d@example.com", i) },
	"UUIDs": func(i int) string {
		a, b := bits.Mul64(uint64(i+1)*0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
		return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>52, b&0xffffffffffff)
	},
	"tokens": func(i int) string {
		rnd := rand.New(rand.NewPCG(uint64(i), 5))
		return fmt.Sprintf("s%%3A%016x%016x", rnd.Uint64(), rnd.Uint64())
	},
}

const keys = 100_000

// TestKeysSpread holds that the places of all kinds of keys are even: chi-square over 256 equal parts,
// which has 255 ± 22.6 for even places, with a salt and without.
func TestKeysSpread(t *testing.T) {
	for kind, key := range kindsOfKeys {
		samples := []Sample{{}, Sample{Salt: "v2"}.withSeed(), Sample{Salt: "v3"}.withSeed()}
		counts := make([][256]int, len(samples))
		for i := range keys {
			q := user(key(i))
			for j, s := range samples {
				point, _ := byUser[0].point(q, s.seed, 0)
				counts[j][point>>56]++
			}
		}
		for j, s := range samples {
			chi := 0.0
			for _, n := range counts[j] {
				const want = keys / 256.0
				chi += (float64(n) - want) * (float64(n) - want) / want
			}
			if chi < 255-4*22.6 || chi > 255+4*22.6 {
				t.Errorf("%s with salt %q: chi-square is %.0f", kind, s.Salt, chi)
			}
		}
	}
}

// TestMoreAddsKeys raises a share: what was copied goes on to be copied.
func TestMoreAddsKeys(t *testing.T) {
	for kind, key := range kindsOfKeys {
		five, ten := Sample{PerMillion: 50_000, By: byUser}, Sample{PerMillion: 100_000, By: byUser}
		inFive, inTen := 0, 0
		for i := range keys {
			q := user(key(i))
			small, large := five.Takes(q, rand.Uint64()), ten.Takes(q, rand.Uint64())
			if small && !large {
				t.Fatalf("%s: %s is in 5 %% and not in 10 %%", kind, key(i))
			}
			if small {
				inFive++
			}
			if large {
				inTen++
			}
		}
		within(t, kind, inFive, keys, 50_000)
		within(t, kind, inTen, keys, 100_000)
	}
}

// TestFatesAreForEver holds who is in a sample of 5 % and of 10 %: the same in every process, on every
// machine, with every version of Go.
func TestFatesAreForEver(t *testing.T) {
	f := func(salt string, want uint64) {
		t.Helper()
		five := Sample{PerMillion: 50_000, By: byUser, Salt: salt}.withSeed()
		ten := Sample{PerMillion: 100_000, By: byUser, Salt: salt}.withSeed()
		digest := uint64(0)
		for i := range keys {
			q := user(kindsOfKeys["UUIDs"](i))
			for _, taken := range []bool{five.Takes(q, rand.Uint64()), ten.Takes(q, rand.Uint64())} {
				digest *= 31
				if taken {
					digest++
				}
			}
		}
		if digest != want {
			t.Errorf("with salt %q: 0x%016x", salt, digest)
		}
	}
	f("", 0x9d12309c7fb84de4)
	f("v2", 0x0b505fd367a9637d)
}

// TestSalts holds that samples of different salts are independent and those of the same are one, by
// keys as by chance. Of n requests, a quarter is in two independent halves.
func TestSalts(t *testing.T) {
	const n = 100_000
	f := func(by []SampleKey, one, other string, want uint32) {
		t.Helper()
		a := Sample{PerMillion: All / 2, By: by, Salt: one}.withSeed()
		b := Sample{PerMillion: All / 2, By: by, Salt: other}.withSeed()
		both := 0
		rnd := rand.New(rand.NewPCG(6, 7))
		for i := range n {
			q, draw := user(fmt.Sprint(i)), rnd.Uint64()
			if a.Takes(q, draw) && b.Takes(q, draw) {
				both++
			}
		}
		within(t, fmt.Sprintf("salts %q and %q by %v", one, other, by), both, n, want)
	}
	for _, by := range [][]SampleKey{nil, byUser, {{Kind: KeyRandom}}} {
		f(by, "", "", All/2)
		f(by, "v2", "v2", All/2)
		f(by, "", "v2", All/4)
		f(by, "v2", "v3", All/4)
		f(by, "a", "b", All/4)
	}
	f(byUser, "", "v2", All/4)
}

// TestNestedByChance gives the same draw to several mirrors, as Envoy does.
func TestNestedByChance(t *testing.T) {
	for _, salt := range []string{"", "v2"} {
		small, large := Sample{PerMillion: 50_000, Salt: salt}.withSeed(), Sample{PerMillion: 100_000, Salt: salt}.withSeed()
		for range 100_000 {
			if draw := rand.Uint64(); small.Takes(nil, draw) && !large.Takes(nil, draw) {
				t.Fatalf("the draw %d is in 5 %% and not in 10 %%", draw)
			}
		}
	}
}
