//go:build linux

// Bench measures tain beside nginx, HAProxy and Envoy, in one run on one machine, and prints one
// table. Only ratios mean something: absolute times depend on the machine and its neighbours.
//
// README.md says what each section measures and how.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	only      []string
	peers     []string
	rounds    int
	length    time.Duration
	memoryFor time.Duration
	idleConns int
	starts    int
	gigabytes float64
	reloadFor time.Duration
	crowdSize int
	crowdFor  time.Duration
	binary    string
	json      bool
}

// section is one part of the benchmark.
type section struct {
	name, title string
	run         func(*bench) error
}

// sections are in the order in which they run. The short ones come first.
var sections = []section{
	{"go", "Look-ups and allocations (`go test -bench`)", (*bench).goBenchmarks},
	{"startup", "Start-up", (*bench).startup},
	{"cpu", "CPU per request at saturation, 32 keep-alive connections, small JSON", (*bench).cpu},
	{"tls", "CPU per request over TLS 1.3 at saturation, 32 keep-alive connections, small JSON", (*bench).tls},
	{"h2c", "CPU per request over HTTP/2 in cleartext at saturation, 4 connections × 16 streams, small JSON", (*bench).h2c},
	{"h2", "CPU per request over HTTP/2 and TLS 1.3 at saturation, 4 connections × 16 streams, small JSON", (*bench).h2},
	{"idle", "Idle keep-alive connections", (*bench).idle},
	{"latency", "Live latency, open-loop load at half of the saturating rate", (*bench).latency},
	{"upload", "A live upload of 50 MB while the mirror's target accepts and never reads", (*bench).upload},
	{"stream", "Large bodies, every request mirrored", (*bench).stream},
	{"reload", "Another configuration every 100 ms under load", (*bench).reload},
	{"rules", "Rules: how fast and how exactly they take effect", (*bench).rules},
	{"crowd", "Good clients amid a crowd of connections of which half misbehave", (*bench).crowd},
	{"faults", "Faults of the mirror's target", (*bench).faults},
	{"memory", "Resident memory under faults at full load, `--mirror-memory 64MiB`", (*bench).memory},
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench: error:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	o, r, err := parseFlags(args)
	if err != nil {
		return err
	}
	if played, err := r.play(); played {
		return err
	}
	return measureAll(o)
}

func parseFlags(args []string) (o options, r role, err error) {
	var only, peers string
	names := sectionNames()
	f := flag.NewFlagSet("bench", flag.ExitOnError)
	f.StringVar(&only, "only", strings.Join(names, ","), "sections to run, separated by commas")
	f.StringVar(&peers, "peers", "nginx,haproxy,envoy", "peers to measure where they are installed; nginx is always the yardstick")
	f.IntVar(&o.rounds, "rounds", 9, "interleaved rounds; the table has their medians")
	f.DurationVar(&o.length, "for", 3*time.Second, "length of each load in a round")
	f.DurationVar(&o.memoryFor, "memory-for", time.Minute, "length of each load of the memory section")
	f.IntVar(&o.idleConns, "idle", 10_000, "idle connections to hold")
	f.IntVar(&o.starts, "starts", 20, "starts to measure")
	f.Float64Var(&o.gigabytes, "gigabytes", 10, "size of each large body, in 10⁹ bytes")
	f.IntVar(&o.crowdSize, "crowd", 8000, "connections of the crowd")
	f.DurationVar(&o.crowdFor, "crowd-for", 12*time.Second, "length of each load of the crowd section")
	f.DurationVar(&o.reloadFor, "reload-for", time.Minute, "length of the reload section")
	f.StringVar(&o.binary, "tain", "", "a tain binary to measure, instead of building ./cmd/tain")
	f.BoolVar(&o.json, "json", false, "print JSON instead of Markdown")
	r.flags(f)
	f.Parse(args)
	o.only, o.peers = strings.Split(only, ","), strings.Split(peers, ",")
	for _, name := range o.only {
		if !slices.Contains(names, name) {
			return o, r, fmt.Errorf("-only %s: no section %q; the sections are %s", only, name, strings.Join(names, ","))
		}
	}
	if o.rounds < 1 || o.length <= 0 || o.memoryFor <= 0 || o.starts < 1 || o.idleConns < 1 || o.gigabytes <= 0 || o.crowdSize < 1 || o.crowdFor <= 0 || o.reloadFor < time.Second {
		return o, r, fmt.Errorf("-rounds, -for, -memory-for, -starts, -idle, -gigabytes, -crowd and -crowd-for must be positive, -reload-for a second at least")
	}
	return o, r, nil
}

func sectionNames() []string {
	var names []string
	for _, s := range sections {
		names = append(names, s.name)
	}
	return names
}

// measureAll runs the chosen sections and prints their tables. A section that fails is a note in
// the output, so that one missing program does not cost the others' results.
func measureAll(o options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b, err := newBench(ctx, o)
	if err != nil {
		return err
	}
	defer b.close()
	failed := false
	for _, s := range sections {
		if !slices.Contains(o.only, s.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: %s\n", s.title)
		b.report.begin(s.title)
		began := time.Now()
		err := s.run(b)
		b.stopAll()
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted in section %s", s.name)
		}
		if err != nil {
			failed = true
			fmt.Fprintf(os.Stderr, "bench: section %s: %v\n", s.name, err)
			b.report.note("not measured: " + err.Error())
		}
		fmt.Fprintf(os.Stderr, "bench: %s took %v\n", s.name, time.Since(began).Round(time.Second))
	}
	if err := b.report.print(os.Stdout, o.json); err != nil {
		return err
	}
	if failed {
		return fmt.Errorf("a section could not be measured, see its note")
	}
	return nil
}
