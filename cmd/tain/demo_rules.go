package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tain.dev/tain/config"
	"tain.dev/tain/demo"
	"tain.dev/tain/mirror"
)

// The bounds of the scene on rules. Everything that users ask in it is kept in memory to its end.
const (
	rulesRate              = 400 // requests per second
	minScene, maxScene     = 2 * time.Second, time.Minute
	rulesFile, rulesSecret = "tain.yaml", "pseudonym.key"
)

func newDemoRulesCommand() *cobra.Command {
	var length time.Duration
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "See which requests are copied, how many, and what they look like",
		Long: `tain demo rules mirrors the traffic of made-up users under a configuration with many wishes: a tenth of the
users of one country, always the same ones; never a payment; never more than the target can bear; only what
live answered well; without personal data. It shows the file, and keeps it, so that it can be copied.

It ends by itself, with what became of the requests, some of them beside their copies, and whether each rule was
held, told from what users sent and the target got. The last line is "rules N, held N". It exits with 1 unless
all were held.`,
		Example: "  tain demo rules\n  tain demo rules --for 20s",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if length < minScene || length > maxScene {
				return seeHelp(cmd, fmt.Errorf("--for: %s is not from %s to %s", length, minScene, maxScene))
			}
			return runDemoRules(cmd, length)
		},
	}
	cmd.Flags().DurationVar(&length, "for", 10*time.Second, "how long users visit the shop")
	return cmd
}

func runDemoRules(cmd *cobra.Command, length time.Duration) error {
	live, closeLive, err := startShop(1, 1)
	if err != nil {
		return environment(err, "")
	}
	defer closeLive()
	witness := demo.NewWitness(demo.Shop(1, 2))
	target, closeTarget, err := serveDemo(witness)
	if err != nil {
		return environment(fmt.Errorf("starting the target: %w", err), "")
	}
	defer closeTarget()
	path, err := writeRules(demo.RulesFile(live, target))
	if err != nil {
		return environment(fmt.Errorf("writing the rules: %w", err), "TMPDIR names a folder that can be written")
	}
	cfg, errs := config.Load(path, mirror.CheckRedaction)
	if len(errs) > 0 {
		return &exitError{code: exitInternal, err: joinErrors(errs)}
	}
	log := newLogWriter(os.Stderr)
	defer log.close()
	s, err := build(cfg, newLogger(cfg.Log, log))
	if err != nil {
		return err
	}
	p := newDemoScene(cmd.OutOrStdout())
	if err := p.open(path, length); err != nil {
		return err
	}
	visits, err := demo.NewVisits("http://"+s.listeners.addrs()[0], rulesRate)
	if err != nil {
		return err
	}
	if err := s.visited(visits, length); err != nil {
		return err
	}
	return p.close(s.mirror.Books(), &demo.Evidence{Visits: visits.All(), Copies: witness.Copies()})
}

// visited runs the system while users visit it, and ends it when all of them have their answers.
func (s *system) visited(visits *demo.Visits, length time.Duration) error {
	ctx, free := s.untilEnded()
	defer free()
	visiting, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	over := make(chan struct{})
	go func() {
		defer close(over)
		visits.Run(visiting)
		s.end()
	}()
	err := s.run(ctx)
	<-over
	return errors.Join(err, s.store.Close(nil))
}

// writeRules writes the configuration, and the key that it needs, to a folder of their own.
func writeRules(text string) (path string, err error) {
	dir, err := os.MkdirTemp("", "tain-demo-")
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, rulesSecret), []byte(rand.Text()+"\n"), 0o600); err != nil {
		return "", err
	}
	path = filepath.Join(dir, rulesFile)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// serveDemo serves a part of the demo on a free port of loopback.
func serveDemo(h http.Handler) (url string, stop func(), err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(ln)
	return "http://" + ln.Addr().String(), func() { server.Close() }, nil
}
