package faulty

import (
	"fmt"
	"strings"
	"time"
)

// Mode is one way to misbehave.
type Mode struct {
	Name string
	Says string // what a server in this mode does, in half a sentence
	// Pause is how long the mode waits where it waits: before an answer, or between two pieces
	// of it. Negative where the mode never waits, and so takes no pause.
	Pause time.Duration

	// serve handles one connection, which is closed when it returns. It is nil for "refuse",
	// which never has one.
	serve func(*conn)
}

const noPause = -1

// Modes returns all modes, each with its default pause, in the order in which help should name
// them.
func Modes() []Mode {
	return []Mode{
		{"ok", "answers small JSON at once and keeps the connection", noPause, serveOK},
		{"refuse", "holds the port, but refuses every connection", noPause, nil},
		{"accept-never-read", "accepts connections and reads nothing", noPause, serveNothing},
		{"never-answer", "reads all that comes and never answers", noPause, serveSilence},
		{"drip", "answers one byte per pause", time.Second, serveDrip},
		{"reset", "resets the connection in the middle of the answer", noPause, serveReset},
		{"garbage", "answers random bytes, then closes", noPause, serveGarbage},
		{"endless", "answers a body without end, in pieces of 16 KiB", 0, serveEndless},
		{"slow", "answers like ok, after the pause", 100 * time.Millisecond, serveSlow},
		{"capacity", "answers like ok, eight at a time, each after the pause", 10 * time.Millisecond, serveCapacity},
		{"close", "closes after each answer without saying so", noPause, serveClose},
		{"differ", "answers JSON whose every field differs every time", noPause, serveDiffer},
		{"early", "answers at the head, before it reads the body", noPause, serveEarly},
	}
}

// ParseMode returns the mode that text names, as the package comment describes.
func ParseMode(text string) (Mode, error) {
	name, pause, hasPause := strings.Cut(text, ":")
	var names []string
	for _, m := range Modes() {
		names = append(names, m.Name)
		if m.Name != name {
			continue
		}
		if !hasPause {
			return m, nil
		}
		if m.Pause < 0 {
			return Mode{}, fmt.Errorf("mode %q: %s takes no pause; use %q", text, name, name)
		}
		d, err := time.ParseDuration(pause)
		if err != nil || d < 0 {
			return Mode{}, fmt.Errorf("mode %q: %q is not a pause; use a duration from 0 up, such as %s:250ms", text, pause, name)
		}
		m.Pause = d
		return m, nil
	}
	return Mode{}, fmt.Errorf("mode %q is not known; use one of %s", text, strings.Join(names, ", "))
}
