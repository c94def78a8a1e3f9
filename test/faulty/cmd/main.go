// Faulty runs a target that misbehaves in one known way, and prints the address of it:
//
//	faulty -listen 127.0.0.1:0 -mode drip -for 10m
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"tain.dev/tain/test/faulty"
)

// The exit codes are those of tain.
const (
	exitOK       = 0
	exitNegative = 1
	exitUsage    = 64
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run serves until ctx or the lifetime ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("faulty", flag.ContinueOnError)
	flags.SetOutput(stderr)
	listen := flags.String("listen", "127.0.0.1:0", "IP `address` and port to listen on")
	mode := flags.String("mode", "ok", "`name` of the way to misbehave")
	life := flags.Duration("for", 10*time.Minute, "`duration` after which to end, so that none is left behind")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: faulty [flags]")
		flags.PrintDefaults()
		fmt.Fprintln(stderr, "modes, some with a pause that may follow as in slow:250ms:")
		for _, m := range faulty.Modes() {
			fmt.Fprintf(stderr, "  %-18s %s\n", m.Name, m.Says)
		}
	}
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return exitOK
	} else if err != nil {
		return exitUsage
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "faulty: argument %q: there are only flags; see -h\n", flags.Arg(0))
		return exitUsage
	}
	if _, err := faulty.ParseMode(*mode); err != nil {
		fmt.Fprintf(stderr, "faulty: -mode: %v\n", err)
		return exitUsage
	}
	srv, err := faulty.Listen(*listen, *mode)
	if err != nil {
		fmt.Fprintf(stderr, "faulty: -listen %s: %v\n", *listen, err)
		return exitNegative
	}
	defer srv.Close()
	fmt.Fprintln(stdout, srv.Addr)
	select {
	case <-ctx.Done():
	case <-time.After(*life):
	}
	return exitOK
}
