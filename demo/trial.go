package demo

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// trial is [Evidence] put together: each copy with the visit that it is a copy of.
type trial struct {
	*Evidence
	origins []*Visit // of the copies
	// By the id of a user: how many copies there are, and how many there may be.
	copied, wanted map[int]int
}

// newTrial finds the visit of each copy. It fails if there is none, or if there are no copies.
func newTrial(e *Evidence) (*trial, error) {
	t := &trial{Evidence: e, copied: make(map[int]int), wanted: make(map[int]int)}
	visits := make(map[string]*Visit, len(e.Visits))
	for i := range e.Visits {
		v := &e.Visits[i]
		visits[v.ID()] = v
		if v.Country == rulesCountry && !v.Payment && wellAnswered(v) {
			t.wanted[v.User]++
		}
	}
	for i := range e.Copies {
		id := e.Copies[i].ID()
		v := visits[id]
		if v == nil {
			return nil, fmt.Errorf("nobody asked what the target got as %s %q, or it got that twice", idField, id)
		}
		delete(visits, id)
		t.origins = append(t.origins, v)
		t.copied[v.User]++
	}
	if len(e.Copies) == 0 {
		return nil, errors.New("the target got nothing")
	}
	return t, nil
}

func wellAnswered(v *Visit) bool { return v.Status >= 200 && v.Status < 300 }

// none returns an error that names the first copy of which breach says what is wrong with it.
func (t *trial) none(breach func(*Copy, *Visit) string) error {
	for i := range t.Copies {
		if text := breach(&t.Copies[i], t.origins[i]); text != "" {
			return fmt.Errorf("%s: %s", t.Copies[i].ID(), text)
		}
	}
	return nil
}

// count returns the number of visits that are as is says.
func (t *trial) count(is func(*Visit) bool) (n int) {
	for i := range t.Visits {
		if is(&t.Visits[i]) {
			n++
		}
	}
	return n
}

func (t *trial) orders() (string, error) {
	n := 0
	for _, v := range t.origins {
		if strings.HasPrefix(v.Line, "POST ") {
			n++
		}
	}
	if n == 0 {
		return "", errors.New("the target got no order")
	}
	return fmt.Sprintf("%d of %d copies are orders", n, len(t.Copies)), nil
}

func (t *trial) country() (string, error) {
	abroad := t.count(func(v *Visit) bool { return v.Country != rulesCountry })
	return fmt.Sprintf("%d requests from elsewhere", abroad), t.none(func(_ *Copy, v *Visit) string {
		if v.Country != rulesCountry {
			return fmt.Sprintf("user %d is in %s", v.User, v.Country)
		}
		return ""
	})
}

func (t *trial) payments() (string, error) {
	paid := t.count(func(v *Visit) bool { return v.Payment })
	return fmt.Sprintf("live got %d of them", paid), t.none(func(c *Copy, v *Visit) string {
		if v.Payment || strings.Contains(c.Line, "/pay/") {
			return "is a payment"
		}
		return ""
	})
}

// Count is how many requests of a user there may be copies of, and how many there are.
type Count struct {
	User           int // the id
	Wanted, Copied int
}

// Copied counts by user, in the order of their ids: of those users of whom the target got a copy, and of
// the others of whom it could have got one.
func Copied(e *Evidence) (users, others []Count) {
	t, err := newTrial(e)
	if err != nil {
		return nil, nil
	}
	for _, user := range slices.Sorted(maps.Keys(t.wanted)) {
		c := Count{user, t.wanted[user], t.copied[user]}
		if c.Copied > 0 {
			users = append(users, c)
		} else {
			others = append(others, c)
		}
	}
	return users, others
}

// share holds that nothing is missing of the users of whom there is a copy, but what tain says it gave up,
// and that they are no more than there may be: twice the share, since few users are rarely a share
// exactly.
func (t *trial) share() (string, error) {
	wanted, missing := 0, 0
	for user, copies := range t.copied {
		wanted += t.wanted[user]
		missing += t.wanted[user] - copies
	}
	says := fmt.Sprintf("%d of %d; %d of %d requests", len(t.copied), len(t.wanted), len(t.Copies), wanted)
	switch {
	case 100*len(t.copied) > 2*rulesShare*len(t.wanted):
		return "", errors.New(says)
	case missing > int(t.GivenUp):
		return "", fmt.Errorf("%s, though only %d were given up", says, t.GivenUp)
	}
	return says, nil
}

// rate holds that there was no second with more copies than the limit, its burst, and those that were held
// up on their way.
func (t *trial) rate() (string, error) {
	const most = rulesPerSec + rulesBurst + int(rulesPerSec*wayThere/time.Second)
	peak := t.peak()
	says := fmt.Sprintf("%d in the busiest; %d given up", peak, t.GivenUp)
	if peak > most {
		return "", errors.New(says)
	}
	return says, nil
}

// peak is the largest number of copies that came within one second.
func (t *trial) peak() (peak int) {
	first := 0
	for i := range t.Copies {
		for t.Copies[i].At-t.Copies[first].At >= time.Second {
			first++
		}
		peak = max(peak, i-first+1)
	}
	return peak
}

func (t *trial) answered() (string, error) {
	ill := t.count(func(v *Visit) bool { return !wellAnswered(v) })
	return fmt.Sprintf("live answered %d others", ill), t.none(func(_ *Copy, v *Visit) string {
		if !wellAnswered(v) {
			return fmt.Sprintf("live answered it with status %d", v.Status)
		}
		return ""
	})
}

func (t *trial) header() (string, error) {
	return "on each copy", t.none(func(c *Copy, _ *Visit) string {
		if got := c.Header.Get(rulesField); got != rulesEnv {
			return fmt.Sprintf("has %s %q", rulesField, got)
		}
		if c.Header.Get(markerField) == "" {
			return "has no marker"
		}
		return ""
	})
}

// secrets holds that no copy has what any user told the shop, be it its own user or another one.
func (t *trial) secrets() (string, error) {
	told := make(map[string]bool)
	all := theShoppers()
	for i := range all {
		for _, secret := range all[i].secrets() {
			told[secret] = true
		}
	}
	return fmt.Sprintf("%d looked for in each copy", len(told)), t.none(func(c *Copy, _ *Visit) string {
		text := c.text()
		for secret := range told {
			if strings.Contains(text, secret) {
				return fmt.Sprintf("holds %q", secret)
			}
		}
		return ""
	})
}

// pseudonyms holds that the target can tell users apart, and find them again, though it can't know who
// they are.
func (t *trial) pseudonyms() (string, error) {
	users, sessions := make(map[string]int), make(map[int]string)
	err := t.none(func(c *Copy, v *Visit) string {
		session := sessionOf(c.Header)
		user, known := users[session]
		switch {
		case session == "":
			return "has no session"
		case known && user != v.User:
			return fmt.Sprintf("has the same session for users %d and %d", user, v.User)
		case sessions[v.User] != "" && sessions[v.User] != session:
			return fmt.Sprintf("has another session of user %d than the copies before", v.User)
		}
		users[session], sessions[v.User] = v.User, session
		return ""
	})
	return fmt.Sprintf("%d sessions of %d users", len(users), len(sessions)), err
}

func sessionOf(h http.Header) string {
	cookie, err := (&http.Request{Header: h}).Cookie("session")
	if err != nil {
		return ""
	}
	return cookie.Value
}
