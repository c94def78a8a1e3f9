package store

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"tain.dev/tain/finding"
	"tain.dev/tain/traffic"
)

// segmentBytes is when a segment is full. A small budget has smaller segments, four at least, so
// that deleting the oldest does not delete everything.
const segmentBytes = 8 << 20

// smallestBudget is what a few records need.
const smallestBudget = 1 << 20

const header = `{"format":"tain-recording","version":1}` + "\n"

// runName and segmentName match what tain itself makes. Nothing else is ever deleted.
var (
	runName     = regexp.MustCompile(`^\d{8}T\d{6}Z-\d+$`)
	segmentName = regexp.MustCompile(`^pairs-\d{6,}\.jsonl$`)
)

// segments writes the segments of one run. It belongs to one goroutine.
type segments struct {
	dir, run string
	budget   int64 // bytes, for all runs
	full     int64 // bytes, of one segment

	number int
	file   *os.File
	out    *bufio.Writer
	size   int64
}

// openSegments makes the folder of a run, and its first segment, so that what can't be written is
// known at once.
func openSegments(dir string, budget int64, start time.Time) (*segments, error) {
	if budget < smallestBudget {
		return nil, fmt.Errorf("recording in %s: a budget of %d bytes is below the smallest, %d", dir, budget, smallestBudget)
	}
	run := filepath.Join(dir, fmt.Sprintf("%s-%d", start.UTC().Format("20060102T150405Z"), os.Getpid()))
	if err := os.MkdirAll(run, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder for recordings: %w", err)
	}
	s := &segments{dir: dir, run: run, budget: budget, full: min(segmentBytes, budget/4)}
	if err := s.next(); err != nil {
		return nil, err
	}
	return s, nil
}

// next ends the segment at hand and begins another, after making room for it.
func (s *segments) next() error {
	if s.file != nil {
		if err := s.close(); err != nil {
			return err
		}
	}
	if err := prune(s.dir, s.run, s.budget-s.full); err != nil {
		return err
	}
	s.number++
	name := filepath.Join(s.run, fmt.Sprintf("pairs-%06d.jsonl", s.number))
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("beginning a segment: %w", err)
	}
	s.file, s.out, s.size = file, bufio.NewWriterSize(file, 64<<10), int64(len(header))
	if _, err := s.out.WriteString(header); err != nil {
		return fmt.Errorf("writing a segment: %w", err)
	}
	return s.flush()
}

// write adds a record.
func (s *segments) write(r *traffic.Record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("BUG: encoding record %d: %w", r.ID, err)
	}
	line = append(line, '\n')
	if s.size+int64(len(line)) > s.full && s.size > int64(len(header)) {
		if err := s.next(); err != nil {
			return err
		}
	}
	s.size += int64(len(line))
	if _, err := s.out.Write(line); err != nil {
		return fmt.Errorf("writing a segment: %w", err)
	}
	return nil
}

func (s *segments) flush() error {
	if err := s.out.Flush(); err != nil {
		return fmt.Errorf("writing a segment: %w", err)
	}
	return nil
}

// close ends the segment at hand.
func (s *segments) close() error {
	if err := s.flush(); err != nil {
		return err
	}
	if err := s.file.Close(); err != nil {
		return fmt.Errorf("closing a segment: %w", err)
	}
	return nil
}

// abandon closes the file whatever became of it; what went wrong is known already.
func (s *segments) abandon() { _ = s.file.Close() }

// writeFindings writes findings.json, which is there whole or not at all.
func (s *segments) writeFindings(findings []finding.Finding) error {
	if findings == nil {
		findings = []finding.Finding{}
	}
	text, err := json.MarshalIndent(struct {
		Format   string            `json:"format"`
		Version  int               `json:"version"`
		Findings []finding.Finding `json:"findings"`
	}{"tain-findings", 1, findings}, "", "  ")
	if err != nil {
		return fmt.Errorf("BUG: encoding findings: %w", err)
	}
	name := filepath.Join(s.run, "findings.json")
	err = os.WriteFile(name+".new", append(text, '\n'), 0o600)
	if err == nil {
		err = os.Rename(name+".new", name)
	}
	if err != nil {
		return fmt.Errorf("keeping the findings: %w; free some space, or choose another folder with --data", err)
	}
	return nil
}

// segment is a file that counts in the budget.
type segment struct {
	run, path string
	size      int64
}

// prune deletes the oldest segments until all of them together take no more than room bytes, and
// the folders of other runs that have none left.
func prune(dir, own string, room int64) error {
	all, err := listSegments(dir)
	if err != nil {
		return err
	}
	total, left := int64(0), make(map[string]int)
	for _, s := range all {
		total += s.size
		left[s.run]++
	}
	for _, s := range all {
		if total <= room {
			break
		}
		if err := os.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("deleting the oldest recording: %w", err)
		}
		total -= s.size
		if left[s.run]--; left[s.run] == 0 && s.run != own {
			_ = os.Remove(filepath.Join(s.run, "findings.json"))
			_ = os.Remove(s.run) // fails if there is anything else in it, which is right
		}
	}
	return nil
}

// listSegments lists the segments of all runs, the oldest first.
func listSegments(dir string) (all []segment, err error) {
	runs, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("listing recordings: %w", err)
	}
	for _, run := range runs {
		if !run.IsDir() || !runName.MatchString(run.Name()) {
			continue
		}
		files, err := os.ReadDir(filepath.Join(dir, run.Name()))
		if err != nil {
			continue // another process may have deleted it
		}
		for _, f := range files {
			info, err := f.Info()
			if err == nil && info.Mode().IsRegular() && segmentName.MatchString(f.Name()) {
				at := filepath.Join(dir, run.Name())
				all = append(all, segment{at, filepath.Join(at, f.Name()), info.Size()})
			}
		}
	}
	slices.SortFunc(all, func(a, b segment) int { return cmp.Compare(a.path, b.path) })
	return all, nil
}
