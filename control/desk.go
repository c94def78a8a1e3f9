package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

const (
	// maxStanding is how many decisions may stand, besides the kill switch, which nothing keeps off.
	maxStanding = 1024
	// recent is how many decisions are kept in memory.
	recent = 100
)

// Desk is where decisions are made. Its methods are safe for concurrent use.
type Desk struct {
	apply func(State)
	now   func() time.Time

	mu       sync.Mutex // guards the fields below, and held while a decision is made
	standing []Decision // the oldest first
	latest   []Decision // the oldest first
	path     string     // of the file that keeps what stands; "" keeps nothing; not changed later
	audit    *auditLog  // nil where nothing is kept
}

// InMemory returns a desk whose decisions end with the process. apply puts a state into force.
func InMemory(apply func(State)) *Desk { return &Desk{apply: apply, now: time.Now} }

// Open returns a desk that keeps its decisions in dir, in files whose names begin with name, and puts
// into force what stands since before. name must be the same after a restart, and that of no other
// process.
//
// An error says what can't be had; the desk can be used all the same. Where it can't be read what
// stands, the kill switch is on: it might have been before. Where nothing can be written, decisions
// end with the process.
func Open(dir, name string, apply func(State)) (*Desk, error) {
	d := InMemory(apply)
	err := d.open(dir, name)
	d.apply(stateOf(d.standing))
	return d, err
}

func (d *Desk) open(dir, name string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return unkept(err)
	}
	path := filepath.Join(dir, name+".json")
	unread := d.load(path)
	audit, latest, err := openAudit(filepath.Join(dir, name+".audit.jsonl"))
	if err != nil {
		return errors.Join(unread, unkept(err))
	}
	d.path, d.audit, d.latest = path, audit, latest
	if unread != nil {
		unread = errors.Join(unread, d.record(d.standing[0]))
	}
	return unread
}

func unkept(err error) error {
	return fmt.Errorf("what operators decide is not kept over a restart: %w", err)
}

// kept is the content of the file that keeps what stands.
type kept struct {
	Standing []Decision `json:"standing"`
}

// load reads what stands. If that can't be read, the kill switch stands alone. The file is left as it
// is until the next decision, for those who want to mend it.
func (d *Desk) load(path string) error {
	var k kept
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(text, &k)
	}
	for i := 0; i < len(k.Standing) && err == nil; i++ {
		if _, known := undoes[k.Standing[i].What]; !known {
			err = fmt.Errorf("there is no decision %q", k.Standing[i].What)
		}
	}
	if d.standing = k.Standing; err == nil {
		return nil
	}
	err = fmt.Errorf("what was decided before the restart can't be read from %s, so the kill switch is on until somebody turns it off: %w", path, err)
	d.standing = []Decision{{Time: d.now().UTC(), What: Kill, By: "tain", From: "start", Why: err.Error()}}
	return err
}

// Close ends the use of the files.
func (d *Desk) Close() error {
	if d.audit == nil {
		return nil
	}
	return d.audit.close()
}

// Report is what holds for the mirrors of the configuration, in their order, and then for those that
// are not in it any more, but for which something was decided.
func (d *Desk) Report(configured ...Mirror) Report {
	d.mu.Lock()
	defer d.mu.Unlock()
	state := stateOf(d.standing)
	r := Report{Killed: state.Killed, Mirrors: []Mirror{}, Standing: append([]Decision{}, d.standing...), Kept: d.path, Latest: slices.Clone(d.latest)}
	slices.Reverse(r.Latest)
	for _, m := range configured {
		r.Mirrors = append(r.Mirrors, state.Mirrors[m.Mirror].of(m))
		delete(state.Mirrors, m.Mirror)
	}
	for _, name := range slices.Sorted(maps.Keys(state.Mirrors)) {
		r.Mirrors = append(r.Mirrors, state.Mirrors[name].of(Mirror{Mirror: name, Configured: []Share{}}))
	}
	return r
}

// ErrRefused is what Decide returns, wrapped, where it has changed nothing.
var ErrRefused = errors.New("nothing was changed")

// Decide puts a decision into force. Its time is now. An error that is no [ErrRefused] says what
// could not be kept: the decision is in force all the same.
func (d *Desk) Decide(what Decision) error {
	if err := what.check(); err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	what.Time = d.now().UTC()
	next := stand(d.standing, &what)
	if what.What != Kill && len(next) > max(maxStanding, len(d.standing)) {
		return fmt.Errorf("%w: %d decisions stand, which is the limit; take some of them back", ErrRefused, maxStanding)
	}
	d.standing = next
	d.apply(stateOf(next))
	if d.path == "" {
		return d.record(what)
	}
	return errors.Join(d.keep(), d.record(what))
}

// keep writes what stands.
func (d *Desk) keep() error {
	text, err := json.MarshalIndent(kept{d.standing}, "", "\t")
	if err != nil {
		panic("BUG: decisions that are no JSON: " + err.Error())
	}
	if err = replace(d.path, append(text, '\n')); err != nil {
		return fmt.Errorf("in force, but not kept over a restart: %w", err)
	}
	return nil
}

// record remembers a decision, and writes it into the audit log.
func (d *Desk) record(what Decision) error {
	d.latest = append(d.latest, what)
	if len(d.latest) > recent {
		d.latest = slices.Delete(d.latest, 0, len(d.latest)-recent)
	}
	if d.audit == nil {
		return nil
	}
	if err := d.audit.append(&what); err != nil {
		return fmt.Errorf("in force, but not in the audit log: %w", err)
	}
	return nil
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
