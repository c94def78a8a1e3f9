//go:build linux

package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// usage is what one load at saturation gave.
type usage struct {
	requests  int
	perSecond float64
	errors    int           // socket errors and answers other than 2xx and 3xx
	cpu       time.Duration // of the proxy, per request
}

// saturate loads s with wrk over [connections] keep-alive connections for d, and measures what the
// server's processes spend on it.
func (b *bench) saturate(s *server, d time.Duration) (usage, error) {
	before, err := s.cpu()
	if err != nil {
		return usage{}, err
	}
	out, err := exec.CommandContext(b.ctx, "wrk", "-t1", "-c"+strconv.Itoa(connections),
		"-d"+strconv.Itoa(max(int(d.Seconds()), 1)), "http://"+s.addr+"/").CombinedOutput()
	if err != nil {
		return usage{}, fmt.Errorf("wrk on %s: %w: %.300s", s.name, err, out)
	}
	// Copies and comparisons that are still under way belong to the load.
	if err := b.pause(200 * time.Millisecond); err != nil {
		return usage{}, err
	}
	after, err := s.cpu()
	if err != nil {
		return usage{}, err
	}
	u, err := parseWrk(string(out))
	if err != nil {
		return usage{}, fmt.Errorf("wrk on %s: %w", s.name, err)
	}
	u.cpu = (after - before) / time.Duration(u.requests)
	return u, nil
}

var (
	wrkRequests = regexp.MustCompile(`(\d+) requests in `)
	wrkRate     = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	wrkBroken   = regexp.MustCompile(`Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)`)
	wrkStatus   = regexp.MustCompile(`Non-2xx or 3xx responses: (\d+)`)
)

// parseWrk reads what wrk prints. No request at all is an error.
func parseWrk(text string) (usage, error) {
	var u usage
	requests, rate := wrkRequests.FindStringSubmatch(text), wrkRate.FindStringSubmatch(text)
	if requests == nil || rate == nil {
		return u, fmt.Errorf("can't read its output: %.300s", text)
	}
	u.requests, _ = strconv.Atoi(requests[1])
	u.perSecond, _ = strconv.ParseFloat(rate[1], 64)
	if u.requests == 0 {
		return u, fmt.Errorf("no request was answered: %.300s", text)
	}
	for _, pattern := range []*regexp.Regexp{wrkBroken, wrkStatus} {
		if counts := pattern.FindStringSubmatch(text); counts != nil {
			for _, c := range counts[1:] {
				n, _ := strconv.Atoi(c)
				u.errors += n
			}
		}
	}
	return u, nil
}
