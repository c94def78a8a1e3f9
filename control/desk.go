package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

const (
	// maxMirrors is for how many mirrors something may be decided.
	maxMirrors = 1024
	// maxText is how long, in bytes, what people say of themselves and of their reasons may be.
	maxText = 256
	// recent is how many decisions are kept in memory.
	recent = 100
)

// Desk is where decisions are made. Its methods are safe for concurrent use.
type Desk struct {
	apply func(State)
	now   func() time.Time

	mu     sync.Mutex // guards the fields below, and held while a decision is made
	state  State
	latest []Decision // the oldest first
	path   string     // of the file that keeps the state; "" keeps nothing
	audit  *auditLog  // nil where nothing is kept
}

// InMemory returns a desk whose decisions end with the process. apply puts a state into force.
func InMemory(apply func(State)) *Desk { return &Desk{apply: apply, now: time.Now} }

// Open returns a desk that keeps its decisions in dir, in files whose names begin with name, and puts
// into force what holds since before. name must be the same after a restart, and that of no other
// process. Without an error the files can be written.
func Open(dir, name string, apply func(State)) (*Desk, error) {
	d := InMemory(apply)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	d.path = filepath.Join(dir, name+".json")
	if err := d.load(); err != nil {
		return nil, err
	}
	var err error
	if d.audit, d.latest, err = openAudit(filepath.Join(dir, name+".audit.jsonl")); err != nil {
		return nil, err
	}
	d.apply(d.state)
	return d, nil
}

func (d *Desk) load() error {
	text, err := os.ReadFile(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(text, &d.state)
	}
	if err != nil {
		return fmt.Errorf("what was decided before the restart can't be read: %w; mend or remove %s", err, d.path)
	}
	return nil
}

// Close ends the use of the files.
func (d *Desk) Close() error {
	if d.audit == nil {
		return nil
	}
	return d.audit.close()
}

// State is what holds. Nobody changes it.
func (d *Desk) State() State {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state
}

// Latest are the latest decisions, the newest first.
func (d *Desk) Latest() []Decision {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := slices.Clone(d.latest)
	slices.Reverse(all)
	return all
}

// Kept says where decisions are kept over a restart, "" where they are not.
func (d *Desk) Kept() string { return d.path }

// ErrRefused is what Decide returns, wrapped, where it has changed nothing.
var ErrRefused = errors.New("nothing was changed")

// Decide puts a decision into force. Its time is now. An error that is no [ErrRefused] says what
// could not be kept: the decision is in force all the same.
func (d *Desk) Decide(what Decision) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(what.By) > maxText || len(what.Why) > maxText {
		return fmt.Errorf("%w: who decides, and why, may take %d bytes each", ErrRefused, maxText)
	}
	next := d.state.after(&what)
	if len(next.Mirrors) > maxMirrors {
		return fmt.Errorf("%w: there are decisions about %d mirrors; resume some of them", ErrRefused, maxMirrors)
	}
	what.Time = d.now().UTC()
	d.state = next
	d.apply(next)
	d.latest = append(d.latest, what)
	if len(d.latest) > recent {
		d.latest = slices.Delete(d.latest, 0, len(d.latest)-recent)
	}
	if d.path == "" {
		return nil
	}
	return d.keep(&what)
}

// keep writes the state and the line of the audit log, both even if one fails.
func (d *Desk) keep(what *Decision) error {
	text, err := json.MarshalIndent(d.state, "", "\t")
	if err != nil {
		panic("BUG: a state that is no JSON: " + err.Error())
	}
	if err = replace(d.path, append(text, '\n')); err != nil {
		err = fmt.Errorf("in force, but not kept over a restart: %w", err)
	}
	if auditErr := d.audit.append(what); auditErr != nil {
		err = errors.Join(err, fmt.Errorf("in force, but not in the audit log: %w", auditErr))
	}
	return err
}

// replace makes text the content of a file, at once: after a crash it has the old content or the new.
func replace(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it has its name
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
