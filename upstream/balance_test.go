package upstream

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"tain.dev/tain/route"
)

// picks counts how often each server is picked in n picks.
func picks(c *Cluster, n int, except *Server) map[*Server]int {
	count := make(map[*Server]int)
	p := NewPicker()
	for i := range n {
		count[c.Pick(&p, Hash(fmt.Append(nil, i)), except)]++
	}
	return count
}

// expectShares holds that each server gets its share of n picks; shares are parts of their sum.
func expectShares(t *testing.T, c *Cluster, tolerance float64, shares ...float64) {
	t.Helper()
	const n = 60_000
	sum := 0.0
	for _, s := range shares {
		sum += s
	}
	count := picks(c, n, nil)
	for i, share := range shares {
		want := share / sum * n
		if got := float64(count[c.Servers()[i]]); math.Abs(got-want) > want*tolerance+tolerance {
			t.Errorf("server %d was picked %v times of %d, want %v", i, got, n, want)
		}
	}
}

func TestShares(t *testing.T) {
	f := func(policy route.Policy, tolerance float64, weights ...uint32) {
		t.Helper()
		shares := make([]float64, len(weights))
		for i, w := range weights {
			shares[i] = float64(w)
		}
		expectShares(t, numbered(t, len(weights), policy, weights...), tolerance, shares...)
	}
	for _, weights := range [][]uint32{{1}, {1, 1, 1}, {3, 1}, {5, 1, 1}, {10, 20, 30}, {1, 2, 3, 4, 5}} {
		f(route.RoundRobin, 0.001, weights...)
		f(route.Random, 0.1, weights...)
		f(route.LeastRequest, 0.1, weights...)
		f(route.Maglev, 0.1, weights...)
	}
	f(route.RoundRobin, 0.05, 65535, 6553, 655)
}

func TestRoundRobinTakesTurns(t *testing.T) {
	f := func(want string, weights ...uint32) {
		t.Helper()
		c := numbered(t, len(weights), route.RoundRobin, weights...)
		p := Picker{}
		var got strings.Builder
		for range want {
			got.WriteByte('a' + byte(slices.Index(c.Servers(), c.Pick(&p, 0, nil))))
		}
		if got.String() != want {
			t.Errorf("weights %v: %s, want %s", weights, got.String(), want)
		}
	}
	f("aaa", 1)
	f("abcabc", 1, 1, 1)
	f("aabaaaba", 3, 1)
	f("aaabcaaaaabcaa", 5, 1, 1)
	f("abababab", 1000, 1000)
	f("abaaba", 1000, 500)
}

// TestRoundRobinPassesOver holds that the share of a server that is ill goes to all others alike, not
// to the one behind it.
func TestRoundRobinPassesOver(t *testing.T) {
	c := numbered(t, 5, route.RoundRobin)
	setIll(c, "bad", c.Servers()[1], c.Servers()[2])
	expectShares(t, c, 0.001, 1, 0, 0, 1, 1)
	c = numbered(t, 3, route.RoundRobin, 1, 2, 4)
	setIll(c, "bad", c.Servers()[1])
	expectShares(t, c, 0.001, 1, 0, 4)
}

func TestLoopsBeginAnywhere(t *testing.T) {
	c := numbered(t, 100, route.RoundRobin)
	first := make(map[*Server]bool)
	for range 20 {
		p := NewPicker()
		first[c.Pick(&p, 0, nil)] = true
	}
	if len(first) < 5 {
		t.Errorf("20 loops begin with %d servers of 100", len(first))
	}
}

func TestLeastRequestAvoidsTheBusy(t *testing.T) {
	c := numbered(t, 2, route.LeastRequest)
	busy := c.Servers()[0]
	busy.Began()
	if n := picks(c, 1000, nil)[busy]; n != 0 {
		t.Errorf("of two servers the busy one was picked %d times", n)
	}
	c.Servers()[1].Began()
	c.Servers()[1].Began()
	if n := picks(c, 1000, nil)[busy]; n != 1000 {
		t.Errorf("of two servers the less busy one was picked %d times of 1000", n)
	}

	// Twice the weight may have twice the requests.
	c = numbered(t, 2, route.LeastRequest, 2, 1)
	for range 3 {
		c.Servers()[0].Began()
	}
	c.Servers()[1].Began()
	if n := picks(c, 1000, nil)[c.Servers()[1]]; n < 500 {
		t.Errorf("the server with a third of the requests and half the weight was picked %d times of 1000", n)
	}
}

// TestLeastRequestEvensOut sends requests of which those to one server last longer.
func TestLeastRequestEvensOut(t *testing.T) {
	c := numbered(t, 10, route.LeastRequest)
	p := NewPicker()
	var running [10][]*Server // by when they end
	slow := c.Servers()[0]
	most := int64(0)
	for i := range 10_000 {
		for _, s := range running[i%10] {
			s.Ended(OK, 0)
		}
		running[i%10] = nil
		s := c.Pick(&p, 0, nil)
		s.Began()
		end := i + 1
		if s == slow {
			end = i + 9
		}
		running[end%10] = append(running[end%10], s)
		most = max(most, slow.active.Load())
	}
	if most > 3 {
		t.Errorf("the slow server had %d requests at a time", most)
	}
}

func TestAvoidsExcept(t *testing.T) {
	for _, policy := range []route.Policy{route.RoundRobin, route.LeastRequest, route.Random, route.Maglev} {
		c := numbered(t, 3, policy)
		s := c.Servers()
		if n := picks(c, 1000, s[0])[s[0]]; n != 0 {
			t.Errorf("policy %d: the server to avoid was picked %d times", policy, n)
		}
		setIll(c, "bad", s[1])
		if n := picks(c, 1000, s[0])[s[2]]; n != 1000 {
			t.Errorf("policy %d: the last one to pick was picked %d times of 1000", policy, n)
		}
		one := numbered(t, 1, policy)
		if n := picks(one, 10, one.Servers()[0])[one.Servers()[0]]; n != 10 {
			t.Errorf("policy %d: the only server was picked %d times of 10", policy, n)
		}
		two := numbered(t, 2, policy)
		setIll(two, "bad", two.Servers()[0])
		if n := picks(two, 10, two.Servers()[1])[two.Servers()[1]]; n != 10 {
			t.Errorf("policy %d: the only server that is well was picked %d times of 10", policy, n)
		}
	}
}

func TestFewWellServersAreNotTrusted(t *testing.T) {
	for _, policy := range []route.Policy{route.RoundRobin, route.LeastRequest, route.Random, route.Maglev} {
		c := numbered(t, 4, policy)
		s := c.Servers()
		setIll(c, "bad", s[0], s[1])
		if count := picks(c, 1000, nil); count[s[0]]+count[s[1]] != 0 {
			t.Errorf("policy %d: with half of the servers well, ill ones are picked", policy)
		}
		setIll(c, "bad", s[2])
		if count := picks(c, 1000, nil); len(count) != 4 {
			t.Errorf("policy %d: with a quarter of the servers well, %d of 4 are picked", policy, len(count))
		}
		if !c.status().Panic {
			t.Errorf("policy %d: the status does not say so", policy)
		}
		setIll(c, "", s...)
		if c.status().Panic || len(picks(c, 1000, nil)) != 4 {
			t.Errorf("policy %d: servers that are well again are not picked", policy)
		}
	}
}

func TestNoServers(t *testing.T) {
	for _, policy := range []route.Policy{route.RoundRobin, route.LeastRequest, route.Random, route.Maglev} {
		c := numbered(t, 0, policy)
		if p := NewPicker(); c.Pick(&p, 1, nil) != nil {
			t.Errorf("policy %d: a server of none", policy)
		}
	}
}

func TestPriorities(t *testing.T) {
	c := newTestCluster(t, "srv+http://shop", nil)
	var places []place
	for i := range 6 {
		places = append(places, place{addr: addr(t, fmt.Sprintf("10.0.0.%d:80", i)), origin: c.origins[0], weight: 1, priority: uint16(i / 2 * 10)})
	}
	c.setPlaces(c.origins[0], places)
	s := c.Servers()
	f := func(what string, want ...*Server) {
		t.Helper()
		count := picks(c, 100, nil)
		for _, w := range want {
			if count[w] == 0 {
				t.Errorf("%s: %v is not picked", what, w.Addr)
			}
			delete(count, w)
		}
		for other := range count {
			t.Errorf("%s: %v is picked", what, other.Addr)
		}
	}
	f("all well", s[0], s[1])
	setIll(c, "bad", s[0])
	f("half of the first priority", s[1])
	setIll(c, "bad", s[1])
	f("none of the first priority", s[2], s[3])
	setIll(c, "bad", s[2], s[3])
	f("only the last priority", s[4], s[5])
	setIll(c, "bad", s[4], s[5])
	f("none at all", s[0], s[1])
	setIll(c, "", s[1])
	f("one of the first priority", s[1])
}

func TestSpread(t *testing.T) {
	f := func(weights []uint32, want []uint32) {
		t.Helper()
		if got := shares(weights); !slices.Equal(got, want) {
			t.Errorf("shares of %v: %v, want %v", weights, got, want)
		}
	}
	f([]uint32{1}, []uint32{1})
	f([]uint32{7, 7}, []uint32{1, 1})
	f([]uint32{10, 20, 40}, []uint32{1, 2, 4})
	f([]uint32{65535, 1}, []uint32{4096, 1})
	f([]uint32{math.MaxUint32, math.MaxUint32 - 1}, []uint32{2048, 2048})

	many := slices.Repeat([]uint32{1}, maxServers)
	many[0] = math.MaxUint32
	if n := len(spread(many)); n > 3*maxSlots {
		t.Errorf("%d slots for %d servers", n, len(many))
	}
}

func TestHash(t *testing.T) {
	f := func(text string, want uint64) {
		t.Helper()
		if got := Hash([]byte(text)); got != want {
			t.Errorf("%q: %#x, want %#x: users would move to other servers", text, got, want)
		}
	}
	f("", 0xf52a15e9a9b5e89b)
	f("10.1.2.3", 0xbedf7c9a597ef9ae)
	f("user-4711", 0xd5ae9cf0816577f5)
}

func TestPickDoesNotAllocate(t *testing.T) {
	for _, policy := range []route.Policy{route.RoundRobin, route.LeastRequest, route.Random, route.Maglev} {
		c := numbered(t, 100, policy, 3, 2)
		setIll(c, "bad", c.Servers()[7])
		p, i := NewPicker(), uint64(0)
		if n := testing.AllocsPerRun(1000, func() {
			i++
			s := c.Pick(&p, mix(i), c.Servers()[3])
			s.Began()
			s.Ended(OK, 1)
			c.ByToken(s.Token)
		}); n != 0 {
			t.Errorf("policy %d: %v allocations", policy, n)
		}
	}
}

func BenchmarkPick(b *testing.B) {
	names := map[route.Policy]string{route.RoundRobin: "roundRobin", route.LeastRequest: "leastRequest", route.Random: "random", route.Maglev: "maglev"}
	for policy := range route.Maglev + 1 {
		for _, n := range []int{3, 100, 1000} {
			for _, ill := range []int{0, 40} {
				c := numbered(b, n, policy, 2)
				setIll(c, "bad", c.Servers()[:n*ill/100]...)
				b.Run(fmt.Sprintf("%s/%d/ill=%d%%", names[policy], n, ill), func(b *testing.B) {
					b.ReportAllocs()
					p := NewPicker()
					for i := uint64(0); b.Loop(); i++ {
						c.Pick(&p, i*0x9e3779b97f4a7c15, nil)
					}
				})
			}
		}
	}
}
