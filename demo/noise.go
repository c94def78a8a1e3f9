package demo

import (
	"context"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// noise makes what differs between two answers without meaning anything. Its methods may be
// called by any number of goroutines.
type noise struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func newNoise(seed uint64) *noise {
	return &noise{rng: rand.New(rand.NewPCG(seed, 2))}
}

// token returns size random bytes in hexadecimal.
func (n *noise) token(size int) string {
	b := make([]byte, size)
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range b {
		b[i] = byte(n.rng.Uint32())
	}
	return hex.EncodeToString(b)
}

// intN returns a number from 0 to limit-1.
func (n *noise) intN(limit int) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.rng.IntN(limit)
}

// shuffled returns a copy of list in random order, as a database without ORDER BY would.
func (n *noise) shuffled(list []string) []string {
	list = slices.Clone(list)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// stamp is the time as the shop prints it. Its length never varies.
func stamp() string {
	return time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
}

// wait sleeps for about usual, now and then for four times as long, and returns early when ctx
// ends.
func (n *noise) wait(ctx context.Context, usual time.Duration) {
	percent := 80 + n.intN(60)
	if n.intN(100) == 0 {
		percent = 400
	}
	timer := time.NewTimer(usual * time.Duration(percent) / 100)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
