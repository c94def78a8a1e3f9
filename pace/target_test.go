package pace

import (
	"container/heap"
	"math/rand/v2"
)

// simulated is a target behind a gradient limiter, by discrete events: some servers with a queue in
// front, and copies that come at random times, or as soon as they are let.
type simulated struct {
	g       *Gradient
	rng     *rand.Rand
	servers int
	takes   float64 // ns that a server works on one copy, the mean if it is random
	random  bool    // exponential times
	rate    float64 // copies per second that come at random times; 0 is that some always wait

	now      int64
	arrives  int64   // the next copy, if there is a rate
	waiting  []int64 // when they came
	serving  served
	done     int
	refused  int
	worked   float64 // ns of servers
	finished func(took int64)
}

type serving struct{ ends, came int64 }

// served is a heap of what servers work on, by when it ends.
type served []serving

func (s served) Len() int           { return len(s) }
func (s served) Less(i, j int) bool { return s[i].ends < s[j].ends }
func (s served) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *served) Push(x any)        { *s = append(*s, x.(serving)) }
func (s *served) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}

// until plays until a time.
func (s *simulated) until(end int64) {
	for {
		s.feed()
		next := end
		if len(s.serving) > 0 {
			next = min(next, s.serving[0].ends)
		}
		if s.rate > 0 {
			next = min(next, s.arrives)
		}
		s.worked += float64(min(len(s.serving), s.servers)) * float64(next-s.now)
		s.now = next
		switch {
		case len(s.serving) > 0 && s.serving[0].ends == next:
			s.finish(heap.Pop(&s.serving).(serving))
		case next == end:
			return
		default:
			s.arrives = next + int64(s.rng.ExpFloat64()*1e9/s.rate)
			if !s.come() {
				s.refused++
			}
		}
	}
}

// feed sends all that may be sent, where some always wait.
func (s *simulated) feed() {
	for s.rate == 0 && s.come() {
	}
	s.serve()
}

func (s *simulated) come() bool {
	if !s.g.Acquire() {
		return false
	}
	s.waiting = append(s.waiting, s.now)
	s.serve()
	return true
}

func (s *simulated) serve() {
	for len(s.serving) < s.servers && len(s.waiting) > 0 {
		takes := s.takes
		if s.random {
			takes *= s.rng.ExpFloat64()
		}
		heap.Push(&s.serving, serving{s.now + int64(takes), s.waiting[0]})
		s.waiting = s.waiting[1:]
	}
}

func (s *simulated) finish(v serving) {
	s.done++
	if s.finished != nil {
		s.finished(s.now - v.came)
	}
	s.g.Release(s.now, s.now-v.came, Succeeded)
	s.serve()
}

// used is the part of what the servers could do since then that they did.
func (s *simulated) used(since int64) float64 {
	part := s.worked / float64(s.servers) / float64(s.now-since)
	s.worked = 0
	return part
}
