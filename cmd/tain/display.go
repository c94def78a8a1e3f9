package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"tain.dev/tain/config"
	"tain.dev/tain/report"
)

// redrawEvery is how often the live summary is drawn.
const redrawEvery = 500 * time.Millisecond

// display is what a person sees: the live summary, where stderr is a terminal, with the log above
// it; and the report at the end.
type display struct {
	live   *report.Live // nil where there is no terminal
	log    *logWriter
	output string
	ended  chan struct{}
}

// prepare builds the system with its display.
func prepare(cfg *config.Config, output string) (*system, *display, error) {
	if output != "text" && output != "json" {
		return nil, nil, badOutput(output)
	}
	d := &display{output: output, ended: make(chan struct{})}
	var out io.Writer = os.Stderr
	if term.IsTerminal(int(os.Stderr.Fd())) && os.Getenv("TERM") != "dumb" {
		d.live = report.NewLive(os.Stderr)
		out = d.live
	}
	d.log = newLogWriter(out)
	s, err := build(cfg, newLogger(cfg.Log, d.log))
	if err != nil {
		d.close()
		return nil, nil, err
	}
	return s, d, nil
}

// run draws the live summary until ctx ends.
func (d *display) run(ctx context.Context, s *system) {
	defer close(d.ended)
	if d.live == nil {
		return
	}
	tick := time.NewTicker(redrawEvery)
	defer tick.Stop()
	samples := sampler{s: s}
	for {
		select {
		case <-ctx.Done():
			d.live.Close()
			return
		case <-tick.C:
		}
		width, height, err := term.GetSize(int(os.Stderr.Fd()))
		if err != nil {
			width, height = 80, 24
		}
		if d.live.Draw(report.Summary(samples.snapshot(), report.Options{Width: width, Color: colored(os.Stderr)}), height) != nil {
			return // nobody looks
		}
	}
}

// report takes the summary away and prints the report.
func (d *display) report(w io.Writer, s *system) error {
	<-d.ended
	d.close()
	samples := sampler{s: s}
	snap := samples.snapshot()
	if err := s.store.Close(snap.Findings); err != nil {
		fmt.Fprintf(os.Stderr, "tain: the findings were not kept: %v\n", err)
	}
	if err := d.write(w, snap); err != nil {
		return &exitError{code: exitInternal, err: err, hint: "free the disk, or send standard output elsewhere"}
	}
	return nil
}

func (d *display) write(w io.Writer, snap report.Snapshot) error {
	if d.output == "json" {
		return report.JSON(w, snap)
	}
	style := report.Options{Color: colored(os.Stdout)}
	if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		style.Width = width
	}
	return report.Text(w, snap, style)
}

// close writes the rest of the log. It may be called more than once.
func (d *display) close() {
	if d.log != nil {
		d.log.close()
		d.log = nil
	}
}

// colored says whether f is a terminal of somebody who has nothing against colours.
func colored(f *os.File) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}
