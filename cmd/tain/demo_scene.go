package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"tain.dev/tain/demo"
	"tain.dev/tain/traffic"
)

// demoScene writes what the scene on rules shows. Its lines have no more columns than the terminal, but
// those of messages and files are never broken: they are cut, or belong to the reader's editor.
type demoScene struct {
	out   strings.Builder
	to    io.Writer
	width int
	color bool
}

func newDemoScene(to io.Writer) *demoScene {
	p := &demoScene{to: to, width: 80, color: colored(os.Stdout)}
	if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		p.width = max(width, 40)
	}
	return p
}

// open shows the rules, before anything happens.
func (p *demoScene) open(path string, length time.Duration) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return environment(err, "")
	}
	fmt.Fprintf(&p.out, "These are the rules, in %s:\n\n", path)
	for line := range strings.Lines(string(text)) {
		p.out.WriteString(strings.TrimRight("  "+line, " \n") + "\n")
	}
	fmt.Fprintf(&p.out, "\nUsers from four countries visit the shop for %s …\n", length)
	return p.flush()
}

// close shows what came of the rules, and fails unless all of them were held.
func (p *demoScene) close(books []traffic.Books, e *demo.Evidence) error {
	if len(books) != 1 {
		return &exitError{code: exitInternal, err: fmt.Errorf("the demo has %d targets in its books, and 1 in its rules", len(books))}
	}
	p.books(&books[0])
	account := books[0].Account()
	e.GivenUp = sum(account.Dropped) + sum(account.Failed)
	p.users(e)
	for _, c := range pickCopies(e) {
		p.beside(c.sent, c.got)
	}
	held, rulings := 0, demo.Judge(e)
	p.heading("What the users and the target saw")
	for _, r := range rulings {
		if r.Held {
			held++
		}
		p.ruling(r)
	}
	fmt.Fprintf(&p.out, "\nrules %d, held %d\n", len(rulings), held)
	if err := p.flush(); err != nil {
		return err
	}
	if held < len(rulings) {
		return &exitError{code: exitNegative, err: errors.New("the demo did not hold all rules")}
	}
	return nil
}

func sum(counts map[string]uint64) (n uint64) {
	for _, count := range counts {
		n += count
	}
	return n
}

// reasonsInRules say what the reasons of the books mean under the rules of the scene.
var reasonsInRules = map[string]string{
	"unmatched{rule}":  "from users elsewhere, or payments",
	"unmatched{after}": "not answered well by live",
	"unsampled":        "from the other nine tenths of the users",
	"dropped{rate}":    "over the limit",
}

func (p *demoScene) books(b *traffic.Books) {
	a := b.Account()
	p.heading("What became of the requests")
	line := func(n uint64, name, says string) {
		if n > 0 {
			fmt.Fprintf(&p.out, "  %7d  %-16s  %s\n", n, name, says)
		}
	}
	reasons := func(name string, counts map[string]uint64) {
		for _, reason := range slices.Sorted(maps.Keys(counts)) {
			label := name + "{" + reason + "}"
			says := reasonsInRules[label]
			if says == "" {
				says = "see docs/reading-the-books.md"
			}
			line(counts[reason], label, says)
		}
	}
	line(a.Seen, "seen", "all requests of users")
	reasons("unmatched", a.Unmatched)
	line(a.Unsampled, "unsampled", reasonsInRules["unsampled"])
	reasons("dropped", a.Dropped)
	line(a.Sent, "sent", "copies")
	reasons("failed", a.Failed)
	if a.Imbalance != "" {
		fmt.Fprintf(&p.out, "  The books do not balance: %s. This is a fault of tain.\n", a.Imbalance)
	}
}

// users shows of whom there are copies, and that they are of all their requests but what was given up.
func (p *demoScene) users(e *demo.Evidence) {
	users, others := demo.Copied(e)
	p.heading("Which users' requests were copied, of those that may be")
	line, missing := " ", 0
	for _, u := range users {
		missing += u.Wanted - u.Copied
		cell := fmt.Sprintf(" %-22s", fmt.Sprintf("user %d: %d of %d", u.User, u.Copied, u.Wanted))
		if len(line)+len(cell) > p.width+4 { // the last cell may end in blanks
			p.out.WriteString(strings.TrimRight(line, " ") + "\n")
			line = " "
		}
		line += cell
	}
	p.out.WriteString(strings.TrimRight(line, " ") + "\n")
	asked := 0
	for _, u := range others {
		asked += u.Wanted
	}
	fmt.Fprintf(&p.out, "  %d other users: none of %d\n", len(others), asked)
	fmt.Fprintf(&p.out, "\n  Of the requests of these %d users %d are missing; %d were given up.\n", len(users), missing, e.GivenUp)
}

// besides is a request beside its copy.
type besides struct {
	sent *demo.Visit
	got  *demo.Copy
}

// pickCopies picks the first copy with a body and the first of a cart: of what has the most to hide.
func pickCopies(e *demo.Evidence) (picked []besides) {
	for _, line := range []string{"POST /orders", "GET /cart/"} {
		i := slices.IndexFunc(e.Copies, func(c demo.Copy) bool { return strings.HasPrefix(c.Line, line) })
		if i < 0 {
			continue
		}
		id := e.Copies[i].ID()
		j := slices.IndexFunc(e.Visits, func(v demo.Visit) bool { return v.ID() == id })
		if j >= 0 {
			picked = append(picked, besides{&e.Visits[j], &e.Copies[i]})
		}
	}
	return picked
}

// beside shows a request as its user sent it, and as the target got it.
func (p *demoScene) beside(sent *demo.Visit, got *demo.Copy) {
	p.heading(fmt.Sprintf("A request of user %d: - as it was sent, + as the target got it", sent.User))
	for _, c := range demo.Beside(&sent.Message, &got.Message) {
		text := fmt.Sprintf("  %c %s", c.Mark, c.Line)
		if utf8.RuneCountInString(text) > p.width {
			text = string([]rune(text)[:p.width-1]) + "…"
		}
		p.out.WriteString(p.paint(map[byte]string{'-': "31", '+': "32"}[c.Mark], strings.TrimRight(text, " ")) + "\n")
	}
}

// ruling shows whether a rule was held, in one line where there is room for it.
func (p *demoScene) ruling(r demo.Ruling) {
	mark := p.paint("32", "held  ")
	if !r.Held {
		mark = p.paint("31", "BROKEN")
	}
	const wide = 39
	if 10+wide+utf8.RuneCountInString(r.Says) <= p.width && utf8.RuneCountInString(r.Rule) <= wide {
		fmt.Fprintf(&p.out, "  %s  %-*s%s\n", mark, wide, r.Rule, r.Says)
		return
	}
	fmt.Fprintf(&p.out, "  %s  %s\n          %s\n", mark, r.Rule, r.Says)
}

func (p *demoScene) heading(text string) {
	p.out.WriteString("\n" + p.paint("1", text) + "\n\n")
}

func (p *demoScene) paint(color, text string) string {
	if !p.color || color == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

func (p *demoScene) flush() error {
	defer p.out.Reset()
	if _, err := io.WriteString(p.to, p.out.String()); err != nil {
		return &exitError{code: exitInternal, err: err, hint: "free the disk, or send standard output elsewhere"}
	}
	return nil
}
