//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

// contender is one proxy in one configuration, and its rounds.
type contender struct {
	name   string
	start  func() (*server, error)
	target *server // where it mirrors to, nil for none

	server  *server
	cpu     []float64 // microseconds per request, one value per round
	rate    []float64 // requests per second
	copied  []float64 // copies per request
	books   account   // of tain, at the end
	errors  int
	missing error // why it could not be measured
}

// compete starts all contenders and measures them under g in interleaved rounds, each round
// beginning with another one.
func (b *bench) compete(g generator, all []*contender) error {
	for _, c := range all {
		if c.server, c.missing = c.start(); c.missing != nil && !errors.Is(c.missing, errNotInstalled) {
			b.report.note(c.name + ": " + c.missing.Error())
		}
		if c.missing == nil {
			if _, c.missing = b.saturate(g, c.server, time.Second); c.missing != nil { // warm up
				b.report.note(c.name + ": " + c.missing.Error())
			}
		}
	}
	for round := range b.rounds {
		for i := range all {
			c := all[(round+i)%len(all)]
			if c.missing != nil {
				continue
			}
			if err := b.round(g, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// round measures one contender once.
func (b *bench) round(g generator, c *contender) error {
	var before int
	var err error
	if c.target != nil {
		if before, err = served(c.target); err != nil {
			return err
		}
	}
	u, err := b.saturate(g, c.server, b.length)
	if err != nil {
		return err
	}
	c.cpu = append(c.cpu, u.cpu.Seconds()*1e6)
	c.rate = append(c.rate, u.perSecond)
	c.errors += u.errors
	if c.target == nil {
		return nil
	}
	after, err := served(c.target)
	if err != nil {
		return err
	}
	c.copied = append(c.copied, float64(after-before)/float64(u.requests))
	if c.server.admin != "" {
		c.books, err = b.settled(c.server, 30*time.Second)
	}
	return err
}

func (c *contender) row(base *contender, l limit) row {
	if c.missing != nil {
		return row{What: c.name, Limit: l, Note: "not measured"}
	}
	r := row{What: c.name, Measured: middle("µs", c.cpu), Note: fmt.Sprintf("%.0f requests/s", median(c.rate))}
	if base.missing == nil {
		r.Ratio, r.Limit = middle("", ratios(c.cpu, base.cpu)), l
	}
	if c.errors > 0 {
		r.spoil("%d errors", c.errors)
	}
	if c.target != nil {
		c.noteCopies(&r)
	}
	return r
}

// noteCopies says how many requests were copied and compared. What is not copied costs nothing, so that
// a row of a proxy that leaves out more than one in a hundred reaches nothing.
func (c *contender) noteCopies(r *row) {
	copied := median(c.copied)
	if say := fmt.Sprintf("%.1f %% copied", 100*copied); copied < 0.99 {
		r.spoil("%s", say)
	} else {
		r.Note += ", " + say
	}
	if c.books.Seen == 0 {
		return
	}
	r.Note += fmt.Sprintf(", %.1f %% compared", 100*float64(c.books.Compared)/float64(c.books.Seen))
	if losses := c.books.losses(); losses != "" {
		r.Note += fmt.Sprintf(" (of %d: %s)", c.books.Seen, losses)
	}
	if c.books.Imbalance != "" {
		r.spoil("%s", c.books.Imbalance)
	}
}

// versus compares two contenders.
func versus(c, base *contender, l limit) row {
	r := row{What: c.name + ", against " + base.name, Limit: l}
	if c.missing != nil || base.missing != nil {
		r.Note = "not measured"
		return r
	}
	r.Ratio = middle("", ratios(c.cpu, base.cpu))
	return r
}

var statusRequests = regexp.MustCompile(`(?m)^ \d+ \d+ (\d+)`)

// served is how many requests a target of [bench.answering] has had, the question not counted.
func served(s *server) (int, error) {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + s.addr + "/status")
	if err != nil {
		return 0, fmt.Errorf("asking %s for its count: %w", s.name, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, fmt.Errorf("asking %s for its count: %w", s.name, err)
	}
	m := statusRequests.FindSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("asking %s for its count: no count in %q", s.name, text)
	}
	n, err := strconv.Atoi(string(m[1]))
	return n - 1, err
}
