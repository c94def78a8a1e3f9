package analyze

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tain.dev/tain/traffic"
)

// ledger counts how pairs end.
type ledger [traffic.Compared + 1]atomic.Int64

func (l *ledger) pair() *traffic.Pair {
	p := &traffic.Pair{Live: new(traffic.Exchange), Mirror: new(traffic.Exchange)}
	p.Live.Reset(nil)
	p.Mirror.Reset(nil)
	p.Settle = func(_ *traffic.Pair, why traffic.Uncompared) { l[why].Add(1) }
	return p
}

func (l *ledger) want(t *testing.T, why traffic.Uncompared, n int64) {
	t.Helper()
	if got := l[why].Load(); got != n {
		t.Errorf("%d pairs ended with reason %d, want %d", got, why, n)
	}
}

func compared(*traffic.Pair) traffic.Uncompared { return traffic.Compared }

func TestEveryPairEndsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var books ledger
		w := New(Config{Lanes: 2, Ring: 8, Analysers: []Analyser{compared}})
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error)
		go func() { ran <- w.Run(ctx) }()
		taken := int64(0)
		for i := range 100 {
			if w.Offer(i%2, books.pair()) {
				taken++
			}
			if i%3 == 0 {
				synctest.Wait()
			}
		}
		time.Sleep(longNap) // of the bubble's clock
		books.want(t, traffic.Compared, taken)
		cancel()
		if err := <-ran; err != nil {
			t.Errorf("Run returned %v", err)
		}
		if w.Offer(0, books.pair()) {
			t.Error("a stopped worker took a pair")
		}
	})
}

func TestRefusesWhenFull(t *testing.T) {
	var books ledger
	w := New(Config{Lanes: 1, Ring: 4})
	for i := range 6 {
		if got, want := w.Offer(0, books.pair()), i < 4; got != want {
			t.Errorf("offer %d: taken = %v, want %v", i, got, want)
		}
	}
}

func TestWorkerWakesByKick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var books ledger
		w := New(Config{Lanes: 1, Ring: 8, Analysers: []Analyser{compared}})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go w.Run(ctx)
		synctest.Wait() // it sleeps now, and the bubble's clock stands
		for range 3 {
			w.Offer(0, books.pair())
		}
		synctest.Wait()
		books.want(t, traffic.Compared, 0)
		w.Offer(0, books.pair())
		synctest.Wait()
		books.want(t, traffic.Compared, 4)
	})
}

func TestStopBoundsTheDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var books ledger
		slow := func(*traffic.Pair) traffic.Uncompared {
			time.Sleep(time.Second) // of the bubble's clock
			return traffic.Compared
		}
		w := New(Config{Lanes: 1, Ring: 64, Drain: 1500 * time.Millisecond, Analysers: []Analyser{slow}})
		for range 10 {
			w.Offer(0, books.pair())
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		w.Run(ctx)
		books.want(t, traffic.Compared, 2)
		books.want(t, traffic.UncomparedStopping, 8)
	})
}

func TestFaultIsCountedAndLoggedOnce(t *testing.T) {
	var books ledger
	var log bytes.Buffer
	seen := 0
	w := New(Config{Lanes: 1, Log: slog.New(slog.NewTextHandler(&log, nil)), Analysers: []Analyser{
		func(*traffic.Pair) traffic.Uncompared { panic("no such field") },
		func(*traffic.Pair) traffic.Uncompared { seen++; return traffic.Compared },
	}})
	for range 3 {
		w.Offer(0, books.pair())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.Run(ctx)
	books.want(t, traffic.UncomparedFault, 3)
	if seen != 3 {
		t.Errorf("the next analyser saw %d pairs, want 3", seen)
	}
	if n := strings.Count(log.String(), "no such field"); n != 1 {
		t.Errorf("logged %d times, want once:\n%s", n, &log)
	}
}

func TestFirstReasonCounts(t *testing.T) {
	w := New(Config{Analysers: []Analyser{
		compared,
		func(*traffic.Pair) traffic.Uncompared { return traffic.UncomparedLive },
		func(*traffic.Pair) traffic.Uncompared { return traffic.UncomparedMemory },
	}})
	if got := w.run(nil); got != traffic.UncomparedLive {
		t.Errorf("run = %v, want live", got)
	}
}

func TestOfferAllocatesNothing(t *testing.T) {
	var books ledger
	w := New(Config{Lanes: 1, Ring: 1 << 12})
	p := books.pair()
	if n := testing.AllocsPerRun(1000, func() { w.Offer(0, p) }); n != 0 {
		t.Errorf("Offer allocates %v times, want 0", n)
	}
}

func BenchmarkOffer(b *testing.B) {
	p := &traffic.Pair{}
	w := New(Config{Lanes: 1})
	lane := &w.lanes[0]
	var out [batch]*traffic.Pair
	for i := 0; b.Loop(); i++ {
		w.Offer(0, p)
		if i%batch == 0 {
			lane.pop(out[:])
		}
	}
}
