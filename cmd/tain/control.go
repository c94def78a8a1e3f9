package main

import (
	"errors"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"tain.dev/tain/config"
	"tain.dev/tain/control"
	"tain.dev/tain/route"
)

// openDesk opens the desk, and puts into force what operators decided before a restart.
func (s *system) openDesk() {
	dir, keeps := dataDir(s.cfg)
	name := deskName(s.cfg)
	if !keeps || name == "" {
		s.desk = control.InMemory(s.mirror.Control)
		return
	}
	var err error
	s.desk, err = control.Open(filepath.Join(dir, "control"), name, s.mirror.Control)
	if err != nil {
		s.log.Error("the decisions of operators", "err", err)
	}
	for _, d := range s.desk.Report().Standing {
		s.log.Warn("what was decided before still holds; tain ctl shows and changes it", append(decided(&d), "since", d.Time)...)
	}
}

// deskName is the name that a tain has over restarts, and that no other one has: the address of its
// admin API or, without one, its first listener. "" is none, because the address has no fixed port.
func deskName(cfg *config.Config) string {
	addr := cfg.Admin
	if addr == "" {
		addr = cfg.Listen[0].Address
	}
	if _, port, err := net.SplitHostPort(addr); err == nil && port == "0" {
		return ""
	}
	return strings.ReplaceAll(addr, "/", "_")
}

// decide puts a decision into force, and tells of it. An error is as [control.Desk.Decide] has it.
func (s *system) decide(d control.Decision) error {
	err := s.desk.Decide(d)
	if errors.Is(err, control.ErrRefused) {
		return err
	}
	s.log.Warn(outcomes[d.What], decided(&d)...)
	if err != nil {
		s.log.Error("a decision", "err", err)
	}
	return err
}

// outcomes say what follows from a decision.
var outcomes = map[string]string{
	control.Kill:    "the kill switch is on: nothing is mirrored; tain ctl unkill, or SIGUSR2, allows it again",
	control.Unkill:  "the kill switch is off: mirrors copy again",
	control.Pause:   "a mirror is paused",
	control.Resume:  "a mirror goes on",
	control.Percent: "a mirror has another share",
}

// decided is a decision as the log has it.
func decided(d *control.Decision) (attrs []any) {
	attrs = []any{"what", d.What}
	if d.What != control.Kill && d.What != control.Unkill {
		attrs = append(attrs, "mirror", d.Mirror)
	}
	if d.What == control.Percent {
		share := "the configuration's"
		if d.Percent != nil {
			share = route.FormatPercent(uint32(*d.Percent))
		}
		attrs = append(attrs, "percent", share)
	}
	attrs = append(attrs, "by", d.By, "from", d.From)
	if d.Why != "" {
		attrs = append(attrs, "why", d.Why)
	}
	return attrs
}

// control is what operators decided, and what holds for each mirror.
func (s *system) control() control.Report {
	return s.desk.Report(configured(s.table.Load().Routes())...)
}

// configured are the mirrors of routes with their shares, each name once.
func configured(routes []*route.Route) (mirrors []control.Mirror) {
	at := make(map[string]int)
	for _, r := range routes {
		for _, m := range r.Mirrors {
			i, ok := at[m.Name]
			if !ok {
				i = len(mirrors)
				mirrors, at[m.Name] = append(mirrors, control.Mirror{Mirror: m.Name}), i
			}
			if share := control.Share(m.Sample.PerMillion); !slices.Contains(mirrors[i].Configured, share) {
				mirrors[i].Configured = append(mirrors[i].Configured, share)
			}
		}
	}
	return mirrors
}
