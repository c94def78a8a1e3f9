//go:build linux

package main

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// wrk speaks HTTP/1.1 over [connections] keep-alive connections.
var (
	wrk    = wrkOver("http")
	wrkTLS = wrkOver("https")
)

func wrkOver(scheme string) generator {
	return generator{"wrk", func(addr string, d time.Duration) []string {
		return []string{"wrk", "-t1", "-c" + strconv.Itoa(connections), "-d" + seconds(d), scheme + "://" + addr + "/"}
	}, parseWrk}
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
			u.errors += sum(counts[1:])
		}
	}
	return u, nil
}

// sum adds up numbers that a pattern has found.
func sum(digits []string) (total int) {
	for _, d := range digits {
		n, _ := strconv.Atoi(d)
		total += n
	}
	return total
}
