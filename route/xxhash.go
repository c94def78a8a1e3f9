package route

import "math/bits"

// The primes of XXH64. They are variables, since sums and differences of them wrap around.
var (
	prime1 uint64 = 0x9e3779b185ebca87
	prime2 uint64 = 0xc2b2ae3d27d4eb4f
	prime3 uint64 = 0x165667b19e3779f9
	prime4 uint64 = 0x85ebca77c2b2ae63
	prime5 uint64 = 0x27d4eb2f165667c5
)

// hash64 is XXH64 of b. Samples by key rest on it, so it must never change: not with the version of
// Go, not with the machine. XXH64 has a specification, test vectors and a command (xxhsum -H64), so
// that anybody can say who is in a sample; it spreads all of its bits evenly whatever keys look like,
// which FNV-1a needs a finaliser for, and it takes eight bytes a step.
func hash64[T string | []byte](b T, seed uint64) uint64 {
	at := 0
	h := seed + prime5
	if len(b) >= 32 {
		h, at = hashStripes(b, seed)
	}
	h += uint64(len(b))
	for ; at+8 <= len(b); at += 8 {
		h = bits.RotateLeft64(h^round64(0, load64(b, at)), 27)*prime1 + prime4
	}
	if at+4 <= len(b) {
		h = bits.RotateLeft64(h^load32(b, at)*prime1, 23)*prime2 + prime3
		at += 4
	}
	for ; at < len(b); at++ {
		h = bits.RotateLeft64(h^uint64(b[at])*prime5, 11) * prime1
	}
	return avalanche64(h)
}

// hashStripes takes in as many stripes of 32 bytes as there are, and says where the rest begins.
func hashStripes[T string | []byte](b T, seed uint64) (h uint64, at int) {
	v1, v2, v3, v4 := seed+prime1+prime2, seed+prime2, seed, seed-prime1
	for ; at+32 <= len(b); at += 32 {
		v1 = round64(v1, load64(b, at))
		v2 = round64(v2, load64(b, at+8))
		v3 = round64(v3, load64(b, at+16))
		v4 = round64(v4, load64(b, at+24))
	}
	h = bits.RotateLeft64(v1, 1) + bits.RotateLeft64(v2, 7) + bits.RotateLeft64(v3, 12) + bits.RotateLeft64(v4, 18)
	for _, v := range [...]uint64{v1, v2, v3, v4} {
		h = (h^round64(0, v))*prime1 + prime4
	}
	return h, at
}

func round64(v, lane uint64) uint64 { return bits.RotateLeft64(v+lane*prime2, 31) * prime1 }

// avalanche64 makes every bit of h change half of the bits that it returns. No two h become the same.
func avalanche64(h uint64) uint64 {
	h = (h ^ h>>33) * prime2
	h = (h ^ h>>29) * prime3
	return h ^ h>>32
}

func load64[T string | []byte](b T, at int) uint64 { return load32(b, at) | load32(b, at+4)<<32 }

// load32 reads little-endian on every machine.
func load32[T string | []byte](b T, at int) uint64 {
	return uint64(b[at]) | uint64(b[at+1])<<8 | uint64(b[at+2])<<16 | uint64(b[at+3])<<24
}
