package report

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"tain.dev/tain/finding"
	"tain.dev/tain/traffic"
)

// document is the report for pipelines. Fields are added without a new version; a new version
// means that old readers would misunderstand.
type document struct {
	Format   string            `json:"format"`
	Version  int               `json:"version"`
	Started  time.Time         `json:"started"`
	Ended    time.Time         `json:"ended"`
	Balanced bool              `json:"balanced"`
	Live     jsonSide          `json:"live"`
	Targets  []jsonTarget      `json:"targets"`
	Findings []finding.Finding `json:"findings"`
	More     uint64            `json:"more_differences,omitempty"`
	Notes    []string          `json:"notes,omitempty"`
}

type jsonSide struct {
	Name     string  `json:"name"`
	Requests uint64  `json:"requests"`
	Errors   uint64  `json:"errors,omitempty"`
	P50      float64 `json:"p50_ms"`
	P90      float64 `json:"p90_ms"`
	P99      float64 `json:"p99_ms"`
}

type jsonTarget struct {
	jsonSide
	Mirror    string          `json:"mirror"`
	Baseline  bool            `json:"baseline,omitempty"`
	Differing uint64          `json:"differing"`
	Redacted  uint64          `json:"redacted,omitempty"`
	Books     traffic.Account `json:"books"`
}

// JSON writes the report for pipelines: one object, with a line feed at its end.
func JSON(w io.Writer, s Snapshot) error {
	d := document{
		Format: "tain-report", Version: 1, Started: s.Started.UTC(), Ended: s.Now.UTC(), Balanced: true,
		Live: side(&s.Live), Targets: []jsonTarget{}, Findings: s.Findings, More: s.More, Notes: s.Notes,
	}
	if d.Findings == nil {
		d.Findings = []finding.Finding{}
	}
	for i := range s.Targets {
		t := &s.Targets[i]
		j := jsonTarget{
			jsonSide: side(&t.Side), Mirror: t.Books.Mirror, Baseline: t.Books.Baseline,
			Differing: t.Differing, Redacted: t.Redacted, Books: t.Books.Account(),
		}
		d.Balanced = d.Balanced && j.Books.Imbalance == ""
		d.Targets = append(d.Targets, j)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(d); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

func side(s *Side) jsonSide {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return jsonSide{s.Name, s.Requests, s.Errors, ms(s.Latency.P50), ms(s.Latency.P90), ms(s.Latency.P99)}
}
