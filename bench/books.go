//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// account is what tain's books say about the copies to one target.
type account struct {
	Seen       int            `json:"seen"`
	Unsampled  int            `json:"unsampled"`
	Dropped    map[string]int `json:"dropped"`
	Sent       int            `json:"sent"`
	Answered   int            `json:"answered"`
	Failed     map[string]int `json:"failed"`
	Compared   int            `json:"compared"`
	Uncompared map[string]int `json:"uncompared"`
	Queued     int            `json:"queued"`
	InFlight   int            `json:"inflight"`
	Comparing  int            `json:"comparing"`
	Imbalance  string         `json:"imbalance"`
}

// settled waits until no copy is under way, for limit at most, and returns the account of s's only
// target.
func (b *bench) settled(s *server, limit time.Duration) (account, error) {
	for began := time.Now(); ; {
		a, err := s.account()
		if err != nil || a.Queued+a.InFlight+a.Comparing == 0 {
			return a, err
		}
		if time.Since(began) > limit {
			return a, fmt.Errorf("copies of %s are still under way after %v: %+v", s.name, limit, a)
		}
		if err := b.pause(20 * time.Millisecond); err != nil {
			return a, err
		}
	}
}

// account asks the admin API of s for the books of its only target.
func (s *server) account() (account, error) {
	var page struct {
		Mirrors []account `json:"mirrors"`
	}
	if err := s.ask("/api/v1/mirrors", &page); err != nil {
		return account{}, err
	}
	if len(page.Mirrors) != 1 {
		return account{}, fmt.Errorf("%s has books of %d targets, want 1", s.name, len(page.Mirrors))
	}
	return page.Mirrors[0], nil
}

// ask reads what the admin API of s says at path.
func (s *server) ask(path string, into any) error {
	client := http.Client{Timeout: 10 * time.Second}
	answer, err := client.Get("http://" + s.admin + path)
	if err != nil {
		return fmt.Errorf("asking the admin API of %s: %w: %s", s.name, err, s.tail())
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("asking the admin API of %s for %s: %s", s.name, path, answer.Status)
	}
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		return fmt.Errorf("asking the admin API of %s for %s: %w", s.name, path, err)
	}
	return nil
}

// losses are the copies that were not answered, and the pairs that were not compared, in words; ""
// where there are none.
func (a *account) losses() string {
	var words []string
	for _, of := range []struct {
		name    string
		reasons map[string]int
	}{{"dropped", a.Dropped}, {"failed", a.Failed}, {"uncompared", a.Uncompared}} {
		for _, reason := range slices.Sorted(maps.Keys(of.reasons)) {
			words = append(words, fmt.Sprintf("%s{%s} %d", of.name, reason, of.reasons[reason]))
		}
	}
	return strings.Join(words, ", ")
}
