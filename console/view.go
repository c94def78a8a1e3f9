package console

import (
	"encoding/json"
	"fmt"
	"time"

	"tain.dev/tain/control"
	"tain.dev/tain/route"
	"tain.dev/tain/traffic"
)

// The views are the forms in which the API shows the nouns that have no JSON form of their own.

type routeView struct {
	Name     string        `json:"name"`
	Hosts    []string      `json:"hosts,omitempty"` // none is any
	Backends []backendView `json:"backends"`
	Mirrors  []policyView  `json:"mirrors,omitempty"`
}

type backendView struct {
	URL    string `json:"url"`
	Weight uint32 `json:"weight"`
}

type policyView struct {
	Name    string       `json:"name"`
	Percent float64      `json:"percent"`
	Writes  bool         `json:"writes"`
	Targets []targetView `json:"targets"`
}

type targetView struct {
	Name     string `json:"name"`
	URL      string `json:"url"`
	Baseline bool   `json:"baseline,omitempty"`
}

func viewRoutes(routes []*route.Route) []routeView {
	views := make([]routeView, 0, len(routes))
	for _, r := range routes {
		v := routeView{Name: r.Name, Hosts: r.Hosts}
		for _, b := range r.Backends {
			v.Backends = append(v.Backends, backendView{b.URL, b.Weight})
		}
		for _, m := range r.Mirrors {
			v.Mirrors = append(v.Mirrors, viewPolicy(m))
		}
		views = append(views, v)
	}
	return views
}

func viewPolicy(m *route.Mirror) policyView {
	v := policyView{Name: m.Name, Percent: float64(m.Sample.PerMillion) / (route.All / 100), Writes: m.Writes}
	for _, t := range m.Targets {
		v.Targets = append(v.Targets, targetView{t.Name, t.URL, t.Baseline})
	}
	return v
}

// booksView is one target's account. The words are those of the metrics.
type booksView struct {
	Mirror   string `json:"mirror"`
	Target   string `json:"target"`
	Baseline bool   `json:"baseline"`
	Paused   bool   `json:"paused"`
	// Standing are the decisions that hold for the mirror, besides the kill switch.
	Standing []control.Decision `json:"standing,omitempty"`
	traffic.Account
	Limits  *traffic.Throttle `json:"limits,omitempty"`
	Latency Latency           `json:"latency"`
}

func viewMirrors(books []traffic.Books, latency func(mirror, target string) Latency, standing []control.Decision) []booksView {
	views := make([]booksView, 0, len(books))
	for i := range books {
		b := &books[i]
		views = append(views, booksView{
			Mirror: b.Mirror, Target: b.Target, Baseline: b.Baseline, Paused: b.Paused,
			Standing: about(b.Mirror, standing),
			Account:  b.Account(),
			Limits:   b.Throttle,
			Latency:  latency(b.Mirror, b.Target),
		})
	}
	return views
}

// reason is one of the closed lists of traffic: its values are indexes, its names are labels.
type reason interface {
	~uint8
	fmt.Stringer
}

// merged adds up the books of the same mirror and target: a mirror's name is unique only in its
// route.
func merged(books []traffic.Books) []traffic.Books {
	type key struct{ mirror, target string }
	at := make(map[key]int, len(books))
	sums := make([]traffic.Books, 0, len(books))
	for i := range books {
		k := key{books[i].Mirror, books[i].Target}
		if first, ok := at[k]; ok {
			add(&sums[first], &books[i])
			continue
		}
		at[k] = len(sums)
		sums = append(sums, books[i])
	}
	return sums
}

func add(sum, b *traffic.Books) {
	sum.Paused = sum.Paused && b.Paused
	sum.Seen += b.Seen
	sum.Unsampled += b.Unsampled
	sum.Sent += b.Sent
	sum.Answered += b.Answered
	sum.Compared += b.Compared
	sum.Queued += b.Queued
	sum.InFlight += b.InFlight
	sum.Comparing += b.Comparing
	addEach(sum.Unmatched[:], b.Unmatched[:])
	addEach(sum.Dropped[:], b.Dropped[:])
	addEach(sum.Failed[:], b.Failed[:])
	addEach(sum.Uncompared[:], b.Uncompared[:])
}

func addEach(sum, counts []uint64) {
	for i, n := range counts {
		sum[i] += n
	}
}

// MarshalJSON shows the count and the quantiles, in milliseconds; the buckets are for the metrics.
func (l Latency) MarshalJSON() ([]byte, error) {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return json.Marshal(struct {
		Count uint64  `json:"count"`
		P50   float64 `json:"p50_ms"`
		P90   float64 `json:"p90_ms"`
		P99   float64 `json:"p99_ms"`
	}{l.Count, ms(l.P50), ms(l.P90), ms(l.P99)})
}
