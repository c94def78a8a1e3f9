package analyze

import (
	"context"
	"os"
	"strings"
	"testing"

	"tain.dev/tain/traffic"
)

func TestWorkerIsNice(t *testing.T) {
	var books ledger
	var stat []byte
	w := New(Config{Lanes: 1, Analysers: []Analyser{func(*traffic.Pair) traffic.Uncompared {
		stat, _ = os.ReadFile("/proc/thread-self/stat")
		return traffic.Compared
	}}})
	w.Offer(0, books.pair())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.Run(ctx)
	_, after, _ := strings.Cut(string(stat), ") ")
	if fields := strings.Fields(after); len(fields) < 17 || fields[16] != "19" {
		t.Errorf("the worker's thread has not nice 19: %q", stat)
	}
}
