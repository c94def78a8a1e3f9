package examples

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"tain.dev/tain/test/wire"
)

// stage is a copy of the examples, of which one is played. Each port that is written in it is another
// one here, which nobody has.
type stage struct {
	dir   string            // of the example
	ports map[string]string // by the port that is written
	tain  *wire.Tain        // the one that was started last
}

// services start what an example expects, by the port that is written. They know the folder of the
// example, and return the port that they got. A port that is not named has a healthy server.
type services map[string]func(t *testing.T, dir string) (port string)

var (
	writtenPort    = regexp.MustCompile(`(: ?)(\d{4})\b`)
	writtenService = regexp.MustCompile(`127\.0\.0\.1:(9[0-4]\d\d)\b`) // those of admin APIs are higher
	writtenAdmin   = regexp.MustCompile(`(?m)^admin: (.*)$`)
)

func newStage(t *testing.T, name string, around services) *stage {
	t.Helper()
	all := t.TempDir()
	if err := os.CopyFS(all, os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	s := &stage{dir: filepath.Join(all, name), ports: map[string]string{}}
	files, err := filepath.Glob(filepath.Join(s.dir, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("example %s has no files: %v", name, err)
	}
	for _, file := range files {
		text := read(t, file)
		for _, m := range writtenService.FindAllStringSubmatch(text, -1) {
			if start := around[m[1]]; start != nil && s.ports[m[1]] == "" {
				s.ports[m[1]] = start(t, s.dir)
			} else if s.ports[m[1]] == "" {
				s.ports[m[1]] = healthy(t, s.dir)
			}
		}
		write(t, file, s.translate(t, text))
	}
	return s
}

// translate puts the ports of the stage in place of the written ones.
func (s *stage) translate(t *testing.T, text string) string {
	return writtenPort.ReplaceAllStringFunc(text, func(written string) string {
		m := writtenPort.FindStringSubmatch(written)
		return m[1] + s.port(t, m[2])
	})
}

// port is the port of the stage for one that is written.
func (s *stage) port(t *testing.T, written string) string {
	t.Helper()
	if s.ports[written] == "" {
		_, s.ports[written], _ = net.SplitHostPort(wire.FreeAddr(t))
	}
	return s.ports[written]
}

// url is where something listens on a port that is written.
func (s *stage) url(t *testing.T, written string) string {
	return "http://127.0.0.1:" + s.port(t, written)
}

// start runs tain on the example, or a file of it. Where that does not say where the admin API is, it is
// at the usual port. tain is ended with the test.
func (s *stage) start(t *testing.T, file string) {
	t.Helper()
	p := wire.NewTain(t)
	p.AdminAddr = s.admin(t, file)
	p.Admin = "http://" + p.AdminAddr
	command := exec.Command(wire.Binary)
	command.Dir = s.dir
	command.Env = append(os.Environ(), "XDG_STATE_HOME="+t.TempDir())
	p.Start(t, command, "run", "-f", file)
	t.Cleanup(func() {
		p.Signal(t, syscall.SIGTERM)
		if err := p.Wait(t); err != nil || t.Failed() {
			t.Errorf("tain run -f %s ended: %v\n%s", file, err, p.Log.String())
		}
	})
	s.tain = p
}

// admin is the address of the admin API. It is written down if it was not.
func (s *stage) admin(t *testing.T, file string) string {
	t.Helper()
	path := filepath.Join(s.dir, file)
	if file == "." {
		path = filepath.Join(path, "zz-admin.yaml")
		write(t, path, "")
	}
	text := read(t, path)
	if m := writtenAdmin.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	addr := "127.0.0.1:" + s.port(t, "9780")
	write(t, path, text+"admin: "+addr+"\n")
	return addr
}

// step is a command of a README, and what it is said to print.
type step struct{ command, prints string }

// needs are the tools that commands need, and what shows that one does.
var needs = map[string]string{"curl": "curl ", "openssl": "certificate.sh "}

var consoleBlock = regexp.MustCompile("(?s)```console\n(.*?)```")

// stepsOf finds the commands of a README. Each begins with a dollar sign in a block of its console, and
// goes on in the next line behind a backslash.
func stepsOf(readme string) (steps []step) {
	for _, block := range consoleBlock.FindAllStringSubmatch(readme, -1) {
		for line := range strings.Lines(block[1]) {
			last := len(steps) - 1
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				steps = append(steps, step{command: command})
			} else if strings.HasSuffix(steps[last].command, "\\\n") {
				steps[last].command += line
			} else {
				steps[last].prints += line
			}
		}
	}
	return steps
}

// play does what the example's README says, and expects what it shows.
func (s *stage) play(t *testing.T) {
	t.Helper()
	steps := stepsOf(s.translate(t, read(t, filepath.Join(s.dir, "README.md"))))
	if !slices.ContainsFunc(steps, func(st step) bool { return st.prints != "" }) {
		t.Fatal("the README shows nothing that a command prints")
	}
	for tool, sign := range needs {
		if slices.ContainsFunc(steps, func(st step) bool { return strings.Contains(st.command, sign) }) {
			wire.Need(t, tool)
		}
	}
	for _, st := range steps {
		if file, ok := strings.CutPrefix(st.command, "tain run -f "); ok {
			s.start(t, strings.TrimSpace(file))
		} else {
			s.do(t, st)
		}
	}
}

// do runs a command: once if it is said to print nothing, else until it prints what it is said to, in
// which … is anything, for things take a moment to happen.
func (s *stage) do(t *testing.T, st step) {
	t.Helper()
	want := regexp.MustCompile("^(?s:" + strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(st.prints)), "…", ".*") + ")$")
	var printed string
	defer func() {
		if t.Failed() {
			t.Logf("it printed:\n%s\nwant:\n%s", printed, st.prints)
		}
	}()
	wire.Until(t, "$ "+st.command, func() bool {
		command := exec.Command("sh", "-c", st.command)
		command.Dir = s.dir
		out, err := command.Output()
		printed = strings.TrimSpace(strings.ReplaceAll(string(out), "\r\n", "\n"))
		if st.prints == "" && err != nil {
			t.Fatalf("$ %s%v", st.command, err)
		}
		return st.prints == "" || want.MatchString(printed)
	})
}
