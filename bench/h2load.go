//go:build linux

package main

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// h2load speaks HTTP/2: 4 connections with 16 streams each. Over http it knows beforehand that the
// server does, over https it asks by ALPN.
var (
	h2loadPlain = h2loadOver("http")
	h2loadTLS   = h2loadOver("https")
)

func h2loadOver(scheme string) generator {
	return generator{"h2load", func(addr string, d time.Duration) []string {
		return []string{"h2load", "-t1", "-c4", "-m16", "-D" + seconds(d), scheme + "://" + addr + "/"}
	}, parseH2load}
}

var (
	h2loadProtocol = regexp.MustCompile(`Application protocol: (\S+)`)
	h2loadRate     = regexp.MustCompile(`finished in \S+, ([\d.]+) req/s`)
	h2loadRequests = regexp.MustCompile(`requests: \d+ total, \d+ started, (\d+) done, \d+ succeeded, \d+ failed, (\d+) errored, (\d+) timeout`)
	h2loadStatus   = regexp.MustCompile(`status codes: \d+ 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx`)
)

// parseH2load reads what h2load prints. No request at all is an error, and so is HTTP/1.1, to which
// h2load falls back where a server does not offer HTTP/2. Failed requests are those with another
// status than 2xx, errored ones those without an answer.
func parseH2load(text string) (usage, error) {
	var u usage
	rate, requests, status := h2loadRate.FindStringSubmatch(text), h2loadRequests.FindStringSubmatch(text), h2loadStatus.FindStringSubmatch(text)
	if rate == nil || requests == nil || status == nil {
		return u, fmt.Errorf("can't read its output: %.300s", text)
	}
	u.requests, _ = strconv.Atoi(requests[1])
	u.perSecond, _ = strconv.ParseFloat(rate[1], 64)
	u.errors = sum(requests[2:]) + sum(status[1:])
	if u.requests == 0 {
		return u, fmt.Errorf("no request was answered: %s", text[max(0, len(text)-300):])
	}
	if p := h2loadProtocol.FindStringSubmatch(text); p == nil || p[1] != "h2" && p[1] != "h2c" {
		return u, fmt.Errorf("it did not speak HTTP/2: %.300s", text)
	}
	return u, nil
}
