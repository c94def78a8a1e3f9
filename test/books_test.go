package test

import (
	"net/http"
	"regexp"
	"strconv"
	"testing"
)

// books are the counters of one target, as an operator reads them: by name, and where there are
// reasons by "name/reason" besides.
type books map[string]int

// sample is a line of the metrics that belongs to the books.
var sample = regexp.MustCompile(`(?m)^tain_mirror_([a-z]+?)(?:_total)?\{([^}]*)\} ([0-9.e+]+)$`)

var label = regexp.MustCompile(`(\w+)="([^"]*)"`)

// parseBooks reads the books by target. Each name is the sum of its reasons.
func parseBooks(metrics string) map[string]books {
	all := make(map[string]books)
	for _, line := range sample.FindAllStringSubmatch(metrics, -1) {
		labels := make(map[string]string)
		for _, l := range label.FindAllStringSubmatch(line[2], -1) {
			labels[l[1]] = l[2]
		}
		value, err := strconv.ParseFloat(line[3], 64)
		if err != nil || labels["target"] == "" {
			continue
		}
		b := all[labels["target"]]
		if b == nil {
			b = make(books)
			all[labels["target"]] = b
		}
		b[line[1]] += int(value)
		if reason := labels["reason"]; reason != "" {
			b[line[1]+"/"+reason] += int(value)
		}
	}
	return all
}

// check fails the test unless the books balance, with what is under way.
func (b books) check(t *testing.T) {
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

// books returns those of the only target, and fails the test unless they balance.
func (p *tain) books(t *testing.T) books {
	t.Helper()
	status, metrics := p.get("/metrics")
	if status != http.StatusOK {
		t.Fatalf("reading the metrics: status %d: %s", status, metrics)
	}
	all := parseBooks(metrics)
	if len(all) != 1 {
		t.Fatalf("the metrics have the books of %d targets, want 1:\n%s", len(all), metrics)
	}
	for _, b := range all {
		b.check(t)
		return b
	}
	return nil
}

// settled waits until nothing is under way, and returns the books.
func (p *tain) settled(t *testing.T) books {
	t.Helper()
	var b books
	eventually(t, "the copies to come to their end", func() bool {
		b = p.books(t)
		return b["queued"]+b["inflight"]+b["comparing"] == 0
	})
	return b
}

func TestParseBooks(t *testing.T) {
	const metrics = `# HELP tain_mirror_seen_total Requests.
# TYPE tain_mirror_seen_total counter
tain_mirror_seen_total{mirror="mirror",target="a"} 12
tain_mirror_dropped_total{mirror="mirror",target="a",reason="memory"} 2
tain_mirror_dropped_total{mirror="mirror",reason="queue",target="a"} 3
tain_mirror_queued{mirror="mirror",target="a"} 1
tain_mirror_sent_total{mirror="mirror",target="a"} 6
tain_mirror_seen_total{mirror="mirror",target="b"} 1.2e+03
tain_proxy_requests_total{class="2xx"} 12
`
	all := parseBooks(metrics)
	f := func(target, name string, want int) {
		t.Helper()
		if got := all[target][name]; got != want {
			t.Errorf("%s of %s is %d, want %d", name, target, got, want)
		}
	}
	f("a", "seen", 12)
	f("a", "dropped", 5)
	f("a", "dropped/memory", 2)
	f("a", "dropped/queue", 3)
	f("a", "queued", 1)
	f("a", "sent", 6)
	f("b", "seen", 1200)
	if len(all) != 2 {
		t.Errorf("the metrics have %d targets, want 2", len(all))
	}
}
