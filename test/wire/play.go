package wire

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// Play acts out a case file.
type Play struct {
	// Enter brings an actor of each kind on the stage.
	Enter map[string]func(testing.TB) *Peer
	// Other takes steps whose name has no verb of this package. It returns false for a step that
	// it does not know.
	Other func(step, text string) bool
	// Vars are the words that begin with $, without it.
	Vars map[string]string
}

// Files returns the case files that match the pattern, by name. There must be some.
func Files(t testing.TB, pattern string) map[string]*txtar.Archive {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: no case files, %v", pattern, err)
	}
	files := make(map[string]*txtar.Archive)
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimSuffix(filepath.Base(path), ".txtar")] = a
	}
	return files
}

// Settings yields the lines "setting value" of a case file's comment, with the variables filled in.
func (p *Play) Settings(a *txtar.Archive) map[string]string {
	settings := make(map[string]string)
	for line := range strings.Lines(string(a.Comment)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, _ := strings.Cut(line, " ")
		settings[name] += p.fill(strings.TrimSpace(value)) + "\n"
	}
	return settings
}

// Run acts out all steps in their order.
func (p *Play) Run(t testing.TB, a *txtar.Archive) {
	t.Helper()
	stage := make(map[string]*Peer)
	for i, step := range a.Files {
		if !p.act(t, stage, step.Name, p.Text(string(step.Data))) {
			t.Fatalf("step %d, %q: there is no such step", i+1, step.Name)
		}
		if t.Failed() {
			t.Fatalf("at step %d, %q", i+1, step.Name)
		}
	}
}

func (p *Play) act(t testing.TB, stage map[string]*Peer, step, text string) bool {
	t.Helper()
	actor, verb, _ := strings.Cut(step, " ")
	enter := p.Enter[strings.TrimRight(actor, "0123456789")]
	if enter == nil {
		return p.Other != nil && p.Other(step, text)
	}
	peer := stage[actor]
	if peer == nil {
		peer = enter(t)
		peer.t, peer.name = t, actor
		stage[actor] = peer
	}
	switch verb {
	case "sends":
		peer.Sends(text)
	case "gets":
		peer.Gets(text)
	case "gets nothing":
		peer.GetsNothing()
	case "ends":
		peer.Ends()
	case "closes":
		peer.Closes()
	case "resets":
		peer.Resets()
	case "sees end":
		peer.SeesEnd()
	case "sees break":
		peer.SeesBreak()
	case "sees reset":
		peer.SeesReset()
	case "enters":
	default:
		return false
	}
	return true
}

// Text is what the content of a step is on the wire.
func (p *Play) Text(content string) string { return Unescape(p.fill(content)) }

func (p *Play) fill(text string) string {
	for name, value := range p.Vars {
		text = strings.ReplaceAll(text, "$"+name, value)
	}
	return text
}
