//go:build linux

package main

import (
	"fmt"
	"math"
	"time"

	"tain.dev/tain/bench/load"
	"tain.dev/tain/test/faulty"
)

// limited starts tain in front of live, with a mirror to target whose settings are given besides as YAML.
func (b *bench) limited(live, target, settings string) (*server, error) {
	return b.configured(fmt.Sprintf("listen: ADDR\nroutes:\n- name: all\n  backends: http://%s\n  mirrors:\n  - name: m\n    targets: http://%s\n%s", live, target, settings))
}

// rated gives ten times as many requests as copies may go out.
func (b *bench) rated() error {
	const rate, length = 1000, 30 * time.Second
	live, err := b.upstream("live")
	if err != nil {
		return err
	}
	target, err := newArrivals()
	if err != nil {
		return err
	}
	defer target.close()
	s, err := b.limited(live.addr, target.addr(), fmt.Sprintf("    limits: {rate: %d/s}\n", rate))
	if err != nil {
		return err
	}
	done := b.beside(s, 10*rate, length+2*time.Second)
	if err := b.pause(time.Second); err != nil { // the burst of the beginning
		return err
	}
	start, before := time.Now(), target.count.Load()
	if err := b.pause(length); err != nil {
		return err
	}
	perSecond := float64(target.count.Load()-before) / time.Since(start).Seconds()
	result := <-done
	if result.err != nil {
		return result.err
	}
	b.report.add(row{
		What: fmt.Sprintf("`rate: %d/s` under %d requests/s: how far copies/s are from it", rate, 10*rate), Measured: single(100*math.Abs(perSecond-rate)/rate, "%"), Limit: limit{Must: 1},
		Note: fmt.Sprintf("%.1f copies/s over %v, %d of %d live requests failed", perSecond, length, result.Failed+result.Lost, result.Intended),
	})
	b.stop(s)
	return nil
}

// loaded is what came of a load.
type loaded struct {
	*load.Result
	err error
}

// beside loads s at a constant rate, beside what else is done.
func (b *bench) beside(s *server, rate float64, length time.Duration) <-chan loaded {
	done := make(chan loaded, 1)
	go func() {
		result, err := load.Run(b.ctx, load.Options{Addr: s.addr, Path: "/", Rate: rate, Conns: connections, Duration: length, Grace: time.Second})
		done <- loaded{result, err}
	}()
	return done
}

// phase is how long a target of [bench.adaptive] has the same capacity.
const phase = 20 * time.Second

// sampling is how often its latency is looked at.
const sampling = 100 * time.Millisecond

// adaptive copies more than a target bears whose capacity halves, and recovers.
func (b *bench) adaptive() error {
	const service = 10 * time.Millisecond
	live, err := b.upstream("live")
	if err != nil {
		return err
	}
	target, err := faulty.Start(fmt.Sprint("capacity:", service))
	if err != nil {
		return err
	}
	defer target.Close()
	s, err := b.limited(live.addr, target.Addr, "    limits: {adaptive: true}\n")
	if err != nil {
		return err
	}
	done := b.beside(s, 2*faulty.Desks*float64(time.Second/service), 3*phase)
	var w watched
	for _, desks := range []int{faulty.Desks, faulty.Desks / 2, faulty.Desks} {
		target.Open(desks)
		if err := b.watch(&w, target, desks, service); err != nil {
			return err
		}
	}
	result := <-done
	if result.err != nil {
		return result.err
	}
	b.report.add(
		row{What: "`adaptive`, target whose capacity halves and recovers: longest time with its latency above twice the unloaded one", Measured: single(w.longest.Seconds(), "s"), Limit: limit{Must: 3},
			Note: fmt.Sprintf("by the mean of each %v; unloaded %v; %d of %d live requests failed", sampling, service, result.Failed+result.Lost, result.Intended)},
		row{What: "the same: what is used of its capacity", Measured: single(100*w.served/w.capacity, "%"), Limit: limit{Must: 85, AtLeast: true}, Note: fmt.Sprintf("of the whole time, %v", 3*phase)})
	b.stop(s)
	return nil
}

// watched is what a target has shown.
type watched struct {
	served, capacity float64 // requests
	above, longest   time.Duration
}

// watch looks at a target for a phase in which it has so many desks.
func (b *bench) watch(w *watched, target *faulty.Server, desks int, service time.Duration) error {
	n, took := target.Served()
	last := time.Now()
	for began := last; time.Since(began) < phase; {
		if err := b.pause(sampling); err != nil {
			return err
		}
		nextN, nextTook := target.Served()
		now := time.Now()
		w.add(nextN-n, nextTook-took, now.Sub(last), desks, service)
		n, took, last = nextN, nextTook, now
	}
	return nil
}

// add takes what happened in a while. Where nothing was answered, it was too slow.
func (w *watched) add(n int64, took, while time.Duration, desks int, service time.Duration) {
	w.served += float64(n)
	w.capacity += float64(desks) * float64(while) / float64(service)
	if n > 0 && took <= time.Duration(2*n)*service {
		w.above = 0
		return
	}
	w.above += while
	w.longest = max(w.longest, w.above)
}
