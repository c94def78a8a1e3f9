package wire

import (
	"fmt"
	"net"
	"sync"
	"testing"
)

// The ports of tests lie below those that systems give to connections and to listeners on port 0
// (32768 and up on Linux), so that nobody takes one between its choice and its use. Each process has a block
// of them: it listens on the first for as long as it runs, and gives away the others in turn.
const (
	firstBlock = 10_000
	lastBlock  = 32_000
	blockSize  = 200
)

var ports struct {
	mu    sync.Mutex
	claim net.Listener // on the block's first port
	block int
	given int // the last one's place in the block
}

// FreeAddr returns an address that nobody listens on, and that nobody else is given soon.
func FreeAddr(t testing.TB) string {
	t.Helper()
	ports.mu.Lock()
	defer ports.mu.Unlock()
	if ports.claim == nil {
		claimBlock(t)
	}
	for range blockSize {
		ports.given = ports.given%(blockSize-1) + 1
		if l, err := listenOn(ports.block + ports.given); err == nil {
			l.Close()
			return l.Addr().String()
		}
	}
	t.Fatalf("all ports from %d to %d are taken", ports.block, ports.block+blockSize-1)
	return ""
}

func claimBlock(t testing.TB) {
	t.Helper()
	for block := firstBlock; block < lastBlock; block += blockSize {
		if l, err := listenOn(block); err == nil {
			ports.claim, ports.block = l, block
			return
		}
	}
	t.Fatalf("no port from %d to %d is free", firstBlock, lastBlock)
}

func listenOn(port int) (net.Listener, error) {
	return net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
}
