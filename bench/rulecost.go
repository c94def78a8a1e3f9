//go:build linux

package main

import (
	"fmt"
	"os/exec"
	"strings"
)

// tenConditions are a mirror's settings for whatever wrk asks: ten conditions that hold, a consistent sample
// with all of it, and five changes of the header.
const tenConditions = `    match:
    - method=GET
    - path=/*
    - source=127.0.0.0/8
    - header.Host
    - header.X-Env!=test
    - query.debug!=1
    - cookie.beta!=1
    - size=0
    - not: {any: [path=/pay/*, header.X-Payment]}
    - any: [scheme=http, port=443]
    sample: address
    copy:
      headers:
        set: {X-Env: test, X-Version: v2}
        add: {X-Copied: "1"}
        remove: [X-Debug, X-Trace]
`

// priced compares what a request costs with many rules, and with none, all of them copied.
func (b *bench) priced() error {
	live, target, err := b.upstreams()
	if err != nil {
		return err
	}
	none := &contender{name: "without", target: target, start: func() (*server, error) { return b.limited(live.addr, target.addr, "") }}
	many := &contender{name: "with", target: target, start: func() (*server, error) { return b.limited(live.addr, target.addr, tenConditions) }}
	all := []*contender{none, many}
	if err := b.compete(wrk, all); err != nil {
		return err
	}
	for _, c := range all {
		if c.missing != nil {
			return c.missing
		}
		b.stop(c.server)
	}
	r := row{What: "the same at saturation, in processor time of the whole of tain", Measured: middle("µs", differences(many.cpu, none.cpu)), Note: fmt.Sprintf("%.1f µs without", median(none.cpu))}
	many.noteCopies(&r)
	b.report.add(r)
	return nil
}

// ruleCost quotes the benchmark of the same rules, in which nothing else is measured.
func (b *bench) ruleCost() error {
	out, err := exec.CommandContext(b.ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkRules$", "-benchmem", "-benchtime", "200ms", "-count", "7", "./mirror").CombinedOutput()
	if err != nil {
		return fmt.Errorf("go test -bench Rules ./mirror: %w: %.300s", err, out)
	}
	none, many, allocations := ruleCosts(string(out))
	if len(none) == 0 || len(none) != len(many) {
		return fmt.Errorf("go test -bench Rules ./mirror: %d and %d results in %.300s", len(none), len(many), out)
	}
	b.report.add(row{What: "ten conditions, a consistent sample and five changes of the header: what a request costs more", Measured: middle("ns", differences(many, none)), Limit: limit{Must: 1000}, Note: allocations + " allocations"})
	return nil
}

// ruleCosts reads the nanoseconds without and with rules, and how many allocations these make.
func ruleCosts(out string) (none, many []float64, allocations string) {
	for line := range strings.Lines(out) {
		r, ok := parseBench("mirror", line)
		switch {
		case ok && strings.Contains(r.What, "Rules/none"):
			none = append(none, r.Measured.Value)
		case ok && strings.Contains(r.What, "Rules/many"):
			many = append(many, r.Measured.Value)
			allocations, _, _ = strings.Cut(r.Note, " ")
		}
	}
	return none, many, allocations
}

// differences subtracts round by round.
func differences(values, bases []float64) []float64 {
	d := make([]float64, min(len(values), len(bases)))
	for i := range d {
		d[i] = values[i] - bases[i]
	}
	return d
}
