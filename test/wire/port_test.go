package wire

import (
	"net"
	"testing"
)

func TestFreeAddr(t *testing.T) {
	seen := make(map[string]bool)
	for range 2 * blockSize {
		addr := FreeAddr(t)
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatalf("the address %s is not free: %v", addr, err)
		}
		if len(seen) < blockSize-1 && seen[addr] {
			t.Fatalf("%s was given twice before all others were given once", addr)
		}
		seen[addr] = true
		l.Close()
	}
	if seen[ports.claim.Addr().String()] {
		t.Errorf("the port that claims the block was given away")
	}

	taken, err := net.Listen("tcp", FreeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for range blockSize {
		if addr := FreeAddr(t); addr == taken.Addr().String() {
			t.Fatalf("%s was given away while somebody listens there", addr)
		}
	}
}
