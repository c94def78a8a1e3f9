package wire

import (
	"net/http"
	"regexp"
	"strconv"
	"testing"
)

// Books are the counters of one target, as an operator reads them: by name, and where there are
// reasons by "name/reason" besides.
type Books map[string]int

// line is a line of the metrics that belongs to the books.
var line = regexp.MustCompile(`(?m)^tain_mirror_([a-z]+?)(?:_total)?\{([^}]*)\} ([0-9.e+]+)$`)

var label = regexp.MustCompile(`(\w+)="([^"]*)"`)

// ParseBooks reads the books by target from the text of the metrics. Each name is the sum of its
// reasons.
func ParseBooks(metrics string) map[string]Books {
	all := make(map[string]Books)
	for _, match := range line.FindAllStringSubmatch(metrics, -1) {
		labels := make(map[string]string)
		for _, l := range label.FindAllStringSubmatch(match[2], -1) {
			labels[l[1]] = l[2]
		}
		value, err := strconv.ParseFloat(match[3], 64)
		if err != nil || labels["target"] == "" {
			continue
		}
		b := all[labels["target"]]
		if b == nil {
			b = make(Books)
			all[labels["target"]] = b
		}
		b[match[1]] += int(value)
		if reason := labels["reason"]; reason != "" {
			b[match[1]+"/"+reason] += int(value)
		}
	}
	return all
}

// check fails the test unless the books balance, with what is under way.
func (b Books) check(t testing.TB) {
	t.Helper()
	f := func(sum string, parts ...string) {
		t.Helper()
		total := 0
		for _, part := range parts {
			total += b[part]
		}
		if b[sum] != total {
			t.Errorf("%s is %d, but %v are %d in all: %v", sum, b[sum], parts, total, b)
		}
	}
	f("seen", "unmatched", "unsampled", "dropped", "queued", "sent")
	f("sent", "answered", "failed", "inflight")
	f("answered", "compared", "uncompared", "comparing")
}

// Metrics returns the text of the metrics.
func (p *Tain) Metrics(t testing.TB) string {
	t.Helper()
	status, metrics := p.Get("/metrics")
	if status != http.StatusOK {
		t.Fatalf("reading the metrics: status %d: %s", status, metrics)
	}
	return metrics
}

// Books returns those of the only target, and fails the test unless they balance.
func (p *Tain) Books(t testing.TB) Books {
	t.Helper()
	metrics := p.Metrics(t)
	all := ParseBooks(metrics)
	if len(all) != 1 {
		t.Fatalf("the metrics have the books of %d targets, want 1:\n%s", len(all), metrics)
	}
	for _, b := range all {
		b.check(t)
		return b
	}
	return nil
}

// Settled waits until nothing is under way, and returns the books.
func (p *Tain) Settled(t testing.TB) Books {
	t.Helper()
	var b Books
	Until(t, "the copies to come to their end", func() bool {
		b = p.Books(t)
		return b["queued"]+b["inflight"]+b["comparing"] == 0
	})
	return b
}
