package demo

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// mirrored is what users asked in ten seconds, and what a mirror that holds all rules made of it: the
// share are twelve users, and every third copy was given up.
func mirrored(t *testing.T) *Evidence {
	t.Helper()
	var d diary
	g := &guest{base: &url.URL{Scheme: "http", Host: "shop.example"}, rng: rand.New(rand.NewPCG(1, 1)), diary: &d}
	for range 4000 {
		r, status := g.next(), 200
		if r.URL.Path == "/products/99999" {
			status = 404
		}
		g.learn(r, &http.Response{StatusCode: status})
	}
	e := &Evidence{Visits: d.all()}
	shared, n := make(map[int]bool), 0
	for _, v := range e.Visits {
		if v.Country != rulesCountry || v.Payment || v.Status != 200 {
			continue
		}
		if len(shared) < 12 {
			shared[v.User] = true
		}
		if !shared[v.User] {
			continue
		}
		if n++; n%3 == 0 {
			e.GivenUp++
			continue
		}
		e.Copies = append(e.Copies, redactedCopy(v, time.Duration(len(e.Copies))*100*time.Millisecond))
	}
	return e
}

// redactedCopy replaces what a user keeps secret by what says whose it is.
func redactedCopy(v Visit, at time.Duration) Copy {
	var pairs []string
	for _, secret := range theShoppers()[v.User-1].secrets() {
		pairs = append(pairs, secret, "user-"+string(rune('a'+v.User%26))+string(rune('a'+v.User/26)))
	}
	clean := strings.NewReplacer(pairs...)
	c := Copy{Message: Message{Line: clean.Replace(v.Line), Header: v.Header.Clone(), Body: clean.Replace(v.Body)}, At: at}
	for _, values := range c.Header {
		values[0] = clean.Replace(values[0])
	}
	c.Header.Set(rulesField, rulesEnv)
	c.Header.Set(markerField, "test/rehearsal")
	return c
}

func TestJudgeHolds(t *testing.T) {
	e := mirrored(t)
	if len(e.Copies) < 50 || e.GivenUp < 20 {
		t.Fatalf("the mirror of the test has made %d copies and given up %d", len(e.Copies), e.GivenUp)
	}
	all := Judge(e)
	for _, r := range all {
		if !r.Held || r.Says == "" {
			t.Errorf("%s is not held: %s", r.Rule, r.Says)
		}
	}
	if len(all) != len(rules) {
		t.Errorf("%d rulings of %d rules", len(all), len(rules))
	}
}

// TestJudgeFindsBreaches holds that each breach breaks the one rule that it is against.
func TestJudgeFindsBreaches(t *testing.T) {
	f := func(rule, says string, breach func(*Evidence)) {
		t.Helper()
		e := mirrored(t)
		breach(e)
		for _, r := range Judge(e) {
			switch {
			case r.Held == strings.HasPrefix(r.Rule, rule):
				t.Errorf("%s: held is %v after a breach of %q: %s", r.Rule, r.Held, rule, r.Says)
			case !r.Held && !strings.Contains(r.Says, says):
				t.Errorf("%s: says %q, want %q in it", r.Rule, r.Says, says)
			}
		}
	}
	// origin is the visit of the first copy.
	origin := func(e *Evidence) *Visit {
		return &e.Visits[slices.IndexFunc(e.Visits, func(v Visit) bool { return v.ID() == e.Copies[0].ID() })]
	}
	f("orders", "no order", func(e *Evidence) {
		posts := len(e.Copies)
		e.Copies = slices.DeleteFunc(e.Copies, func(c Copy) bool { return strings.HasPrefix(c.Line, "POST") })
		e.GivenUp += uint64(posts - len(e.Copies))
	})
	f("only users in", "is in DE", func(e *Evidence) { origin(e).Country = "DE" })
	f("never a payment", "is a payment", func(e *Evidence) { origin(e).Payment = true })
	f("never a payment", "is a payment", func(e *Evidence) { e.Copies[0].Line = "POST /pay/1" })
	f("a tenth", "given up", func(e *Evidence) { e.Copies = e.Copies[len(e.Copies)/2:] })
	f("a tenth", "given up", func(e *Evidence) { e.GivenUp /= 2 })
	f("a tenth", "120 of 120", func(e *Evidence) {
		e.Copies, e.GivenUp = nil, 1<<20 // by chance: one of all that may be
		users := make(map[int]bool)
		for _, v := range e.Visits {
			if v.Country == rulesCountry && !v.Payment && v.Status == 200 && !users[v.User] {
				users[v.User] = true
				e.Copies = append(e.Copies, redactedCopy(v, time.Duration(len(users))*time.Second))
			}
		}
	})
	f("never more than", "15 in the busiest", func(e *Evidence) {
		for i := range e.Copies {
			e.Copies[i].At = time.Duration(max(i, 14)) * time.Second
		}
	})
	f("only what live", "status 404", func(e *Evidence) {
		v := origin(e)
		v.Status = 404
	})
	f("X-Env", `has X-Env ""`, func(e *Evidence) { e.Copies[0].Header.Del(rulesField) })
	f("X-Env", "no marker", func(e *Evidence) { e.Copies[3].Header.Del(markerField) })
	f("no card", `holds "tok-`, func(e *Evidence) { e.Copies[0].Line += "?token=" + theShoppers()[7].Token })
	f("no card", `holds "4`, func(e *Evidence) { e.Copies[0].Body += theShoppers()[7].grouped() })
	f("no card", "@mail.example", func(e *Evidence) { e.Copies[0].Header.Set("Referer", theShoppers()[7].Email) })
	f("one pseudonym", "another session", func(e *Evidence) { e.Copies[5].Header.Set("Cookie", "session=x") })
	f("one pseudonym", "has no session", func(e *Evidence) { e.Copies[5].Header.Del("Cookie") })
	f("one pseudonym", "the same session", func(e *Evidence) {
		for i := range e.Copies {
			e.Copies[i].Header.Set("Cookie", "session=x")
		}
	})
}

// TestJudgeNeedsCopies holds that rules are not held where nothing is copied, or what nobody sent.
func TestJudgeNeedsCopies(t *testing.T) {
	f := func(says string, breach func(*Evidence)) {
		t.Helper()
		e := mirrored(t)
		breach(e)
		for _, r := range Judge(e) {
			if r.Held || !strings.Contains(r.Says, says) {
				t.Errorf("%s: held is %v: %s", r.Rule, r.Held, r.Says)
			}
		}
		if users, others := Copied(e); users != nil || others != nil {
			t.Errorf("copies are counted of %v and %v", users, others)
		}
	}
	f("got nothing", func(e *Evidence) { e.Copies = nil })
	f("nobody asked", func(e *Evidence) { e.Copies[0].Header.Set(idField, "r-0") })
	f("twice", func(e *Evidence) { e.Copies = append(e.Copies, e.Copies[0]) })
}

func TestCopied(t *testing.T) {
	e := mirrored(t)
	users, others := Copied(e)
	if len(users) != 12 || len(others) != 108 {
		t.Fatalf("%d users are copied and %d are not, want 12 and 108", len(users), len(others))
	}
	wanted, copied := 0, 0
	for _, u := range users {
		wanted += u.Wanted
		copied += u.Copied
	}
	if copied != len(e.Copies) || wanted-copied != int(e.GivenUp) {
		t.Errorf("%d of %d are copied, want %d and %d given up", copied, wanted, len(e.Copies), e.GivenUp)
	}
}

func TestRulesFile(t *testing.T) {
	text := RulesFile("http://a:1", "http://b:2")
	for _, want := range []string{"backends: http://a:1\n", "targets: http://b:2\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the file has no %q:\n%s", want, text)
		}
	}
	for line := range strings.Lines(text) {
		if text := strings.TrimSuffix(line, "\n"); len(text) > 78 {
			t.Errorf("with its indent, a line is too long for a terminal: %s", text)
		}
	}
}
