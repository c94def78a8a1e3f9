package route

import "testing"

// TestHashIsForEver holds values that the reference implementation gives too (xxhsum -H64). Were one
// of them another one day, all samples would have other users.
func TestHashIsForEver(t *testing.T) {
	f := func(key string, want, wantSalted uint64) {
		t.Helper()
		seed := Sample{Salt: "v2"}.withSeed().seed
		if got, salted := hash64(key, 0), hash64(key, seed); got != want || salted != wantSalted {
			t.Errorf("%q: 0x%016x and with salt 0x%016x", key, got, salted)
		}
		if hash64([]byte(key), 0) != want {
			t.Errorf("%q: bytes have another hash", key)
		}
	}
	f("", 0xef46db3751d8e999, 0xda43ca0256a2174e)
	f("a", 0xd24ec4f1a98c6e5b, 0xf9a89fa4bb616946)
	f("user-42", 0x397e9d3a76af7c81, 0x1b13c3a3b330ed50)
	f("203.0.113.9", 0x7e5b5499aea8414b, 0xa72c17fea43d92f3)
	f("2001:db8::1", 0x26c33ef1c67e1031, 0xc5d3502cbdac38a5)
	f("3f2504e0-4f89-41d3-9a0c-0305e82c3301", 0xc1c458571da87539, 0x7e55c3c3cc3fef67)
	f("the quick brown fox jumps over the lazy dog, and over the fence", 0x567801e061a90687, 0x2f7055008612f54c)
}

// TestHashOfEveryLength sums up hashes of every length up to that of six stripes.
func TestHashOfEveryLength(t *testing.T) {
	var bytes [200]byte
	for i := range bytes {
		bytes[i] = byte(i * 7)
	}
	sum := uint64(0)
	for n := range len(bytes) + 1 {
		sum = sum*31 + hash64(bytes[:n], uint64(n))
	}
	if sum != 0x52816bcb43c29757 {
		t.Errorf("0x%016x", sum)
	}
}
