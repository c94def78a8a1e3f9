package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"

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
	if term.IsTerminal(int(os.Stderr.Fd())) && os.Getenv("TERM") != "dumb" && !onTerminal(cfg.AccessLog) {
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

// onTerminal says whether the access log goes where a live summary would, which it would tear apart.
func onTerminal(log config.AccessLog) bool {
	switch log.Path {
	case config.Stdout, "-":
		return term.IsTerminal(int(os.Stdout.Fd()))
	case config.Stderr:
		return term.IsTerminal(int(os.Stderr.Fd()))
	}
	return false
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
		if err != nil || width == 0 {
			width, height = 80, 24
		}
		color := colored(os.Stderr)
		lines := report.Summary(samples.snapshot(), report.Options{Width: width, Color: color})
		if ill := illness(s.upstreams.Status(), s.mirror.Books(), s.certs.Status(), time.Now()); ill != "" {
			lines = slices.Insert(lines, 1, warning(ill, width, color)) // below the title, where no terminal is too small for it
		}
		if d.live.Draw(lines, height) != nil {
			return // nobody looks
		}
	}
}

// warning is a line of the live summary, cut to its width. Servers may have a say in the text, so
// nothing in it may be taken for an order by the terminal.
func warning(text string, width int, color bool) string {
	line := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '·'
	}, text))
	if len(line) > width {
		line = append(line[:max(width-1, 0)], '…')
	}
	if color {
		return "\x1b[33m" + string(line) + "\x1b[0m"
	}
	return string(line)
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
	if err := d.write(w, snap); err != nil && !s.unseen {
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
