package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
)

// CountryField is the header field by which the shop's edge says where a user is.
const CountryField = "CF-IPCountry"

// Visits are the users of the scene on rules: [Load] with users who are somebody, in a country, with a
// session, and with secrets that they tell the shop.
type Visits struct {
	load  *Load
	diary diary
}

// NewVisits prepares visits to the shop at base, as [NewLoad] does.
func NewVisits(base string, rate int) (*Visits, error) {
	load, err := NewLoad(base, rate)
	if err != nil {
		return nil, err
	}
	v := &Visits{load: load}
	load.patient = true
	load.visitor = func(seed uint64) visitor {
		return &guest{base: load.base, rng: rand.New(rand.NewPCG(seed, 5)), diary: &v.diary}
	}
	return v, nil
}

// Run sends requests until ctx ends, and returns when all of them are answered. Call it once.
func (v *Visits) Run(ctx context.Context) { v.load.Run(ctx) }

// All returns every visit so far, with the answers that have come.
func (v *Visits) All() []Visit { return v.diary.all() }

// guest makes up what users ask in the scene on rules, one request after the other. It belongs to one
// goroutine.
type guest struct {
	base  *url.URL
	rng   *rand.Rand
	diary *diary
	place int // of the last visit in the diary
}

// wishes are the kinds of visits and how often each is made, in percent.
var wishes = []struct {
	percent int
	ask     func(*guest, *shopper) *http.Request
}{
	{40, (*guest).look},
	{20, (*guest).cart},
	{20, (*guest).order},
	{12, (*guest).pay},
	{8, func(g *guest, s *shopper) *http.Request { return g.request(s, "GET", "/products/99999", "") }},
}

func (g *guest) next() *http.Request {
	all := theShoppers()
	s := &all[g.rng.IntN(len(all))]
	n := g.rng.IntN(100)
	for _, w := range wishes {
		if n -= w.percent; n < 0 {
			return w.ask(g, s)
		}
	}
	panic("BUG: the wishes of the demo's users are below 100 percent")
}

func (g *guest) learn(_ *http.Request, answer *http.Response) {
	g.diary.answered(g.place, answer.StatusCode)
}

func (g *guest) look(s *shopper) *http.Request {
	return g.request(s, "GET", fmt.Sprintf("/products/%d", 1+g.rng.IntN(numProducts)), "")
}

func (g *guest) cart(s *shopper) *http.Request {
	return g.request(s, "GET", fmt.Sprintf("/cart/%d?token=%s", s.ID, s.Token), "")
}

func (g *guest) order(s *shopper) *http.Request {
	return g.request(s, "POST", "/orders", fmt.Sprintf(`{
  "product": %d,
  "quantity": %d,
  "customer": {
    "name": %q,
    "country": %q,
    "email": %q
  },
  "token": %q,
  "note": "Use my card %s, the bill goes to %s."
}
`, 1+g.rng.IntN(numProducts), 1+g.rng.IntN(3), s.Name, s.Country, s.Email, s.Token, s.grouped(), s.Email))
}

func (g *guest) pay(s *shopper) *http.Request {
	ids := theCatalogue().orderIDs
	return g.request(s, "POST", "/pay/"+ids[g.rng.IntN(len(ids))], fmt.Sprintf(`{
  "card": %q,
  "name": %q,
  "cvc": "%03d"
}
`, s.Card, s.Name, g.rng.IntN(1000)))
}

// request returns a request of a user as it comes through the shop's edge, and writes it into the diary.
func (g *guest) request(s *shopper, method, target, body string) *http.Request {
	u := *g.base
	u.Path, u.RawQuery, _ = strings.Cut(target, "?")
	r := newRequest(method, &u, body)
	r.Header.Set(idField, fmt.Sprintf("r-%012x", g.rng.Uint64()>>16))
	r.Header.Set(CountryField, s.Country)
	r.Header.Set("User-Agent", agents[s.ID%len(agents)])
	r.Header.Set("Cookie", "session="+s.Session)
	r.Header.Set("X-Customer", s.Email)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	g.place = g.diary.write(Visit{
		Message: Message{Line: method + " " + target, Header: headerOf(r), Body: body},
		User:    s.ID, Country: s.Country, Payment: strings.HasPrefix(target, "/pay/"),
	})
	return r
}
