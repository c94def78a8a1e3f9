package store

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tain.dev/tain/finding"
	"tain.dev/tain/traffic"
)

var quiet = slog.New(slog.DiscardHandler)

func record(id uint64, body string) func() *traffic.Record {
	return func() *traffic.Record {
		return &traffic.Record{ID: id, Time: time.Unix(int64(id), 0).UTC(), Route: "shop",
			Request: traffic.RecordMessage{Start: "GET / HTTP/1.1", Header: [][2]string{{"Host", "shop"}}, Body: body},
			Live:    traffic.RecordSide{Status: 200, GRPC: "NOT_FOUND (5)", Message: traffic.RecordMessage{Trailer: [][2]string{{"grpc-status", "5"}}}}}
	}
}

// finish runs s with what waits, to its end.
func finish(t *testing.T, s *Store, findings ...finding.Finding) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(findings); err != nil {
		t.Fatal(err)
	}
}

// read reads every segment of a run back.
func read(t *testing.T, dir string) (all []traffic.Record) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, "pairs-*.jsonl"))
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<22)
		if !lines.Scan() || lines.Text()+"\n" != header {
			t.Fatalf("%s begins with %q", name, lines.Text())
		}
		for lines.Scan() {
			var r traffic.Record
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			all = append(all, r)
		}
	}
	return all
}

func TestWritesAndReadsBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "data")
	s, err := Open(dir, 1<<20, quiet)
	if err != nil {
		t.Fatal(err)
	}
	for id := range uint64(5) {
		s.Offer(record(id, "a\nb"))
	}
	finish(t, s, finding.Finding{ID: "x", Kind: finding.Value})
	got := read(t, s.Dir())
	if len(got) != 5 || !reflect.DeepEqual(got[3], *record(3, "a\nb")()) {
		t.Errorf("read back %+v", got)
	}
	text, err := os.ReadFile(filepath.Join(s.Dir(), "findings.json"))
	if err != nil || !strings.Contains(string(text), `"format": "tain-findings"`) || !strings.Contains(string(text), `"id": "x"`) {
		t.Errorf("findings: %v\n%s", err, text)
	}
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		info, _ := d.Info()
		if want := map[bool]fs.FileMode{true: 0o700, false: 0o600}[d.IsDir()]; info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), want)
		}
		return nil
	})
}

func TestRotatesWithinTheBudget(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "20200102T030405Z-1")
	foreign := filepath.Join(old, "notes.txt")
	precious := filepath.Join(dir, "precious", "pairs-000001.jsonl")
	for _, name := range []string{
		filepath.Join(old, "pairs-000001.jsonl"), filepath.Join(old, "findings.json"), foreign,
		filepath.Join(dir, "20200102T030405Z-2", "pairs-000001.jsonl"), precious,
	} {
		os.MkdirAll(filepath.Dir(name), 0o700)
		os.WriteFile(name, make([]byte, 600<<10), 0o600)
	}
	const budget = 1 << 20
	w, err := openSegments(dir, budget, time.Unix(2e9, 0))
	if err != nil {
		t.Fatal(err)
	}
	for id := range uint64(40) {
		if err := w.write(record(id, strings.Repeat("x", 50<<10))()); err != nil {
			t.Fatal(err)
		}
		w.flush()
		total := int64(0)
		all, _ := listSegments(dir)
		for _, s := range all {
			total += s.size
		}
		if total > budget {
			t.Fatalf("after %d records, %d bytes are kept, budget %d", id+1, total, budget)
		}
	}
	if got := read(t, w.run); len(got) < 10 || got[len(got)-1].ID != 39 {
		t.Errorf("%d records are left, want the latest 10 at least", len(got))
	}
	for name, want := range map[string]bool{precious: true, foreign: true, filepath.Join(old, "findings.json"): false, filepath.Join(dir, "20200102T030405Z-2"): false} {
		if _, err := os.Stat(name); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", name, err == nil, want)
		}
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	os.WriteFile(file, nil, 0o600)
	f := func(dir string, maxBytes int64, want string) {
		t.Helper()
		if _, err := Open(dir, maxBytes, quiet); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	f(filepath.Join(file, "x"), 1<<20, file)
	f(t.TempDir(), 5, "a budget of 5 bytes")
}

func TestInMemory(t *testing.T) {
	s := InMemory()
	s.Offer(record(1, ""))
	finish(t, s)
	if len(s.Pairs(10)) != 1 || s.Dir() != "" || s.Counts().Off == "" {
		t.Errorf("without a folder: %d pairs, folder %q, %+v", len(s.Pairs(10)), s.Dir(), s.Counts())
	}
}

func TestFullDiskIsSaidOnce(t *testing.T) {
	var log bytes.Buffer
	s, err := Open(t.TempDir(), 1<<20, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	s.segments.file.Close() // every write fails from here on, as on a full disk
	for id := range uint64(3) {
		s.Offer(record(id, ""))
	}
	finish(t, s)
	s.Offer(record(9, ""))
	if n := strings.Count(log.String(), "--data"); n != 1 {
		t.Errorf("said %d times, want once:\n%s", n, &log)
	}
	if got := s.Counts(); got.Kept != 4 || got.Off == "" || len(s.Pairs(9)) != 4 {
		t.Errorf("%+v, %d in memory; want all 4 in memory", got, len(s.Pairs(9)))
	}
}

func TestRateIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := InMemory()
		made := 0
		build := func() *traffic.Record { made++; return record(1, "")() }
		for range 10 {
			for range 200 {
				s.Offer(build)
			}
			time.Sleep(time.Second) // of the bubble's clock
		}
		if got := s.Counts(); made != 10*perSecond || got.Kept != 10*perSecond || got.Skipped != 2000-10*perSecond {
			t.Errorf("%d made, %+v", made, got)
		}
	})
}

func TestRecent(t *testing.T) {
	s := InMemory()
	now := time.Now()
	s.now = func() time.Time { now = now.Add(time.Second); return now }
	for id := range uint64(recentCount + 10) {
		s.Offer(record(id, ""))
	}
	got := s.Pairs(3)
	if len(got) != 3 || got[0].ID != recentCount+9 || got[2].ID != recentCount+7 {
		t.Errorf("the latest three are %+v", got)
	}
	if n := len(s.Pairs(1 << 30)); n != recentCount {
		t.Errorf("%d in memory, want %d", n, recentCount)
	}
	if n := len(s.Pairs(-1)); n != 0 {
		t.Errorf("%d for a limit of -1", n)
	}
	s.Offer(record(recentCount, "again"))
	if n := len(s.Pair(recentCount)); n != 2 {
		t.Errorf("%d records of one request, want 2", n)
	}
	for id := range uint64(100) {
		s.Offer(record(id, strings.Repeat("x", 1<<20)))
	}
	if s.bytes > recentBytes || len(s.Pairs(99)) > 8 {
		t.Errorf("%d bytes in memory, bound %d", s.bytes, recentBytes)
	}
}

func TestSlowDiskDrops(t *testing.T) {
	s, err := Open(t.TempDir(), 1<<20, quiet)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	s.now = func() time.Time { now = now.Add(time.Second); return now }
	for id := range uint64(queueLength + 7) {
		s.Offer(record(id, ""))
	}
	if got := s.Counts(); got.Dropped != 7 {
		t.Errorf("%+v, want 7 dropped", got)
	}
	finish(t, s)
	if n := len(read(t, s.Dir())); n != queueLength {
		t.Errorf("%d on disk, want %d", n, queueLength)
	}
}

func ExampleStore() {
	s := InMemory()
	s.Offer(func() *traffic.Record { return &traffic.Record{ID: 1, Mirror: "quick"} })
	fmt.Println(len(s.Pairs(10)), s.Pairs(10)[0].Mirror)
	// Output: 1 quick
}
