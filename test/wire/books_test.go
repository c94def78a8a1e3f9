package wire

import "testing"

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
	all := ParseBooks(metrics)
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
