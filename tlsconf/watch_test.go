package tlsconf

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"

	"tain.dev/tain/test/pki"
	"tain.dev/tain/test/wire"
)

// loopTest runs the loop of a store with one certificate on a fake clock.
type loopTest struct {
	*testing.T
	ca      *pki.CA
	pair    pki.Pair
	s       *Store
	log     *logbook
	events  chan fsnotify.Event
	errs    chan error
	folders int // at the last watch
}

func testLoop(t *testing.T, f func(*loopTest)) {
	synctest.Test(t, func(t *testing.T) {
		l := &loopTest{T: t, ca: pki.New(t), events: make(chan fsnotify.Event), errs: make(chan error)}
		l.pair = l.ca.Make(t, pki.Leaf{Names: []string{"start"}, NotAfter: time.Now().AddDate(1, 0, 0)})
		l.s, l.log = newStore()
		mustServer(t, l.s, Listener{Certificates: []Pair{paths(l.pair)}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			l.s.loop(ctx, l.events, l.errs, func() { l.folders = len(l.s.folders()) })
		}()
		synctest.Wait()
		f(l)
		cancel()
		<-done
	})
}

// replace puts a certificate with a name into the files.
func (l *loopTest) replace(name string) {
	l.pair.Replace(l.T, l.ca.Make(l.T, pki.Leaf{Names: []string{name}, NotAfter: time.Now().AddDate(1, 0, 0)}))
}

// after lets time pass, and checks which certificate is used and what was logged.
func (l *loopTest) after(d time.Duration, name string, logged ...string) {
	l.Helper()
	time.Sleep(d) // of the fake clock
	synctest.Wait()
	if got := l.s.Status()[0].Names[0]; got != name {
		l.Errorf("after %s: the certificate of %s, want that of %s", d, got, name)
	}
	said := l.log.take()
	if n := strings.Count(said, "\n"); n != len(logged) {
		l.Errorf("after %s: %d lines: %s", d, n, said)
	}
	for _, want := range logged {
		if !strings.Contains(said, want) {
			l.Errorf("after %s: %q is not logged: %s", d, want, said)
		}
	}
}

func TestChangeIsTakenWhenItIsQuiet(t *testing.T) {
	testLoop(t, func(l *loopTest) {
		l.after(0, "start")
		l.replace("a")
		l.events <- fsnotify.Event{}
		l.after(quiet-1, "start")
		l.replace("b")
		l.events <- fsnotify.Event{}
		l.after(2*quiet-1, "start")
		l.after(1, "b", "took a new certificate")
		l.after(time.Hour, "b")
	})
}

func TestChangeWithoutEvent(t *testing.T) {
	testLoop(t, func(l *loopTest) {
		l.replace("a")
		l.after(interval+quiet-1, "start")
		l.after(1, "a", "took a new certificate")
	})
}

func TestErrorMayHideAnEvent(t *testing.T) {
	testLoop(t, func(l *loopTest) {
		l.replace("a")
		l.errs <- errors.New("the queue is full")
		l.after(2*quiet, "a", "the queue is full", "took a new certificate")
	})
}

func TestBrokenFileIsLoggedOnce(t *testing.T) {
	testLoop(t, func(l *loopTest) {
		good := readFileText(l, l.pair.Cert)
		writeFile(l, l.pair.Cert, good[:len(good)/2])
		l.events <- fsnotify.Event{}
		l.after(2*quiet, "start", "breaks off")
		if got := l.s.Status()[0].Error; !strings.Contains(got, l.pair.Cert+" breaks off") {
			l.Errorf("status: %q", got)
		}
		l.after(time.Hour, "start")
		writeFile(l, l.pair.Cert, nil)
		l.after(interval+quiet, "start", "holds nothing")
		if err := os.Remove(l.pair.Cert); err != nil {
			l.Fatal(err)
		}
		l.after(time.Hour, "start", "no such file")
		writeFile(l, l.pair.Cert, good)
		l.after(interval+quiet, "start", "is good again")
		if got := l.s.Status()[0].Error; got != "" {
			l.Errorf("status: %q", got)
		}
		l.replace("a")
		l.after(interval+quiet, "a", "took a new certificate")
	})
}

// TestBetweenTheTwoFiles replaces the certificate, and the key a moment later.
func TestBetweenTheTwoFiles(t *testing.T) {
	testLoop(t, func(l *loopTest) {
		next := l.ca.Make(l.T, pki.Leaf{Names: []string{"a"}, NotAfter: time.Now().AddDate(1, 0, 0)})
		writeFile(l, l.pair.Cert, readFileText(l, next.Cert))
		l.events <- fsnotify.Event{}
		l.after(2*quiet-1, "start")
		writeFile(l, l.pair.Key, readFileText(l, next.Key))
		l.after(quiet, "start")
		l.after(1, "a", "took a new certificate")
	})
}

func TestNewFilesAreWatched(t *testing.T) {
	testLoop(t, func(l *loopTest) {
		if l.folders != 1 {
			l.Errorf("%d folders are watched at first", l.folders)
		}
		mustClient(l.T, l.s, Client{CA: l.ca.File}, "a.example")
		synctest.Wait()
		if l.folders != 2 {
			l.Errorf("%d folders are watched for two configurations", l.folders)
		}
	})
}

func TestLoopWarnsOfExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, log := newStore()
		pair := pki.New(t).Make(t, pki.Leaf{Names: []string{"a.example"}, NotAfter: time.Now().Add(20 * time.Minute)})
		mustServer(t, s, Listener{Certificates: []Pair{paths(pair)}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.loop(ctx, nil, nil, func() {})
		}()
		time.Sleep(warnAgain + 2*interval) // of the fake clock
		cancel()
		<-done
		if said := log.take(); strings.Count(said, "\n") != 2 || !strings.Contains(said, "expires soon") || !strings.Contains(said, "has expired") {
			t.Error(said)
		}
	})
}

// TestExpiryIsWarnedOfDaily asks every hour of a certificate's life.
func TestExpiryIsWarnedOfDaily(t *testing.T) {
	const day = 24 * time.Hour
	end := time.Now().Add(365 * day)
	pair := pki.New(t).Make(t, pki.Leaf{Names: []string{"a.example"}, NotAfter: end})
	s, log := newStore()
	mustServer(t, s, Listener{Certificates: []Pair{paths(pair)}})
	said := map[string]int{}
	for now := time.Now(); now.Before(end.Add(10 * day)); now = now.Add(time.Hour) {
		s.warnExpiry(now)
		left := end.Sub(now).Round(day) / day
		if line := log.take(); line != "" {
			_, line, _ = strings.Cut(line, "level=")
			said[line[:20]]++
			if left > 30 {
				t.Errorf("%d days before: %s", left, line)
			}
		}
	}
	if said["WARN msg=\"a certific"] != 23 || said["ERROR msg=\"a certifi"] != 17 {
		t.Error(said)
	}
}

func TestShortLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := pki.New(t)
		f := func(from, to time.Duration, want string) {
			t.Helper()
			now := time.Now()
			pair := ca.Make(t, pki.Leaf{Names: []string{"a.example"}, NotBefore: now.Add(from), NotAfter: now.Add(to)})
			s, log := newStore()
			mustServer(t, s, Listener{Certificates: []Pair{paths(pair)}})
			if said := log.take(); want == "" && said != "" || !strings.Contains(said, want) {
				t.Errorf("from %v to %v: %q, want %q", from, to, said, want)
			}
		}
		f(-time.Hour, 23*time.Hour, "")
		f(-15*time.Hour, 9*time.Hour, "")
		f(-17*time.Hour, 7*time.Hour, "level=WARN")
		f(-22*time.Hour, 2*time.Hour, "level=ERROR")
		f(-24*time.Hour, -time.Second, "has expired")
		f(time.Hour, 24*time.Hour, "not valid yet")
	})
}

// run runs a store with real events until the test ends.
func run(t *testing.T, s *Store) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// await waits until the certificate in use is that of name, much less long than for a look without an
// event.
func await(t *testing.T, s *Store, name string) {
	t.Helper()
	wire.Until(t, "the certificate of "+name, func() bool { return s.Status()[0].Names[0] == name })
}

func TestRun(t *testing.T) {
	ca := pki.New(t)
	pair := ca.Issue(t, "start")
	s, _ := newStore()
	mustServer(t, s, Listener{Certificates: []Pair{paths(pair)}})
	pair.Replace(t, ca.Issue(t, "before"))
	run(t, s)
	await(t, s, "before")
	pair.Replace(t, ca.Issue(t, "replaced"))
	await(t, s, "replaced")
	cert, key := texts(t, ca.Issue(t, "overwritten"))
	writeFile(t, pair.Cert, []byte(cert))
	writeFile(t, pair.Key, []byte(key))
	await(t, s, "overwritten")
}

// TestKubernetes replaces a link, as kubelet does when a Secret changes.
func TestKubernetes(t *testing.T) {
	ca, dir := pki.New(t), t.TempDir()
	version := func(name string) {
		t.Helper()
		cert, key := texts(t, ca.Issue(t, name))
		folder := filepath.Join(dir, ".."+name)
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(folder, "tls.crt"), []byte(cert))
		writeFile(t, filepath.Join(folder, "tls.key"), []byte(key))
		temporary := filepath.Join(dir, "..data_tmp")
		if err := errors.Join(os.Symlink(".."+name, temporary), os.Rename(temporary, filepath.Join(dir, "..data"))); err != nil {
			t.Fatal(err)
		}
	}
	version("start")
	p := Pair{Cert: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key")}
	if err := errors.Join(os.Symlink("..data/tls.crt", p.Cert), os.Symlink("..data/tls.key", p.Key)); err != nil {
		t.Fatal(err)
	}
	s, log := newStore()
	mustServer(t, s, Listener{Certificates: []Pair{p}})
	run(t, s)
	for _, name := range []string{"first", "second", "third"} {
		version(name)
		await(t, s, name)
	}
	if said := log.take(); strings.Contains(said, "no good") {
		t.Error(said)
	}
}

func TestFolderThatCannotBeWatched(t *testing.T) {
	ca := pki.New(t)
	pair := ca.Issue(t, "a.example")
	s, log := newStore()
	mustServer(t, s, Listener{Certificates: []Pair{paths(pair)}})
	if err := os.RemoveAll(filepath.Dir(pair.Cert)); err != nil {
		t.Fatal(err)
	}
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	late := map[string]bool{}
	for range 3 {
		s.watchFolders(notify, late)
	}
	if said := log.take(); strings.Count(said, "noticed late") != 1 {
		t.Error(said)
	}
}
