package demo

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// maxTags bounds how many entity tags a plan remembers.
const maxTags = 64

// plan makes up what users ask. It belongs to one goroutine.
type plan struct {
	base     *url.URL
	rng      *rand.Rand
	products *rand.Zipf
	users    *rand.Zipf
	orders   []string
	tags     map[string]string // entity tags by path
}

// habits are the kinds of requests and how often each is made, in percent.
var habits = []struct {
	percent int
	make    func(*plan) *http.Request
}{
	{26, (*plan).product},
	{15, (*plan).order},
	{12, (*plan).cart},
	{18, (*plan).search},
	{12, (*plan).recommendations},
	{7, func(p *plan) *http.Request { return p.request("GET", "/products", "") }},
	{3, func(p *plan) *http.Request { return p.request("GET", "/", "") }},
	{2, func(p *plan) *http.Request { return p.request("HEAD", p.productPath(), "") }},
	{2, (*plan).missing},
	{3, (*plan).buy},
}

var agents = []string{
	"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
	"shop-app/4.2 (Android 16)",
	"curl/8.14.1",
	"price-watch-bot/1.0",
}

// The odd words are those that version 2 fails on.
var (
	plainWords = []string{"mirror", "lamp", "oak", "silver", "tea", "travel", "chair", "paper", "b", "winter cup"}
	oddWords   = []string{"café", `"teapot"`, "zürich", "crème jug", `"oak table"`}
)

func newPlan(base *url.URL, seed uint64) *plan {
	rng := rand.New(rand.NewPCG(seed, 3))
	return &plan{
		base:     base,
		rng:      rng,
		products: rand.NewZipf(rng, 1.2, 8, numProducts-1),
		users:    rand.NewZipf(rng, 1.1, 20, numUsers-1),
		orders:   theCatalogue().orderIDs,
		tags:     make(map[string]string),
	}
}

// next returns the next request.
func (p *plan) next() *http.Request {
	n := p.rng.IntN(100)
	for _, h := range habits {
		if n -= h.percent; n < 0 {
			return h.make(p)
		}
	}
	panic("BUG: the habits of the demo's load are below 100 percent")
}

// learn remembers the entity tag of an answer, so that a later request can be conditional.
func (p *plan) learn(r *http.Request, answer *http.Response) {
	if tag := answer.Header.Get("ETag"); tag != "" && len(p.tags) < maxTags {
		p.tags[r.URL.Path] = tag
	}
}

func (p *plan) product() *http.Request {
	r := p.request("GET", p.productPath(), "")
	if tag := p.tags[r.URL.Path]; tag != "" && p.rng.IntN(4) == 0 {
		r.Header.Set("If-None-Match", tag)
	}
	return r
}

func (p *plan) order() *http.Request {
	return p.request("GET", "/orders/"+p.orders[p.rng.IntN(len(p.orders))], "")
}

func (p *plan) cart() *http.Request {
	user := p.user()
	r := p.request("GET", "/cart/"+user, "")
	r.Header.Set("Authorization", "Bearer user-"+user)
	return r
}

func (p *plan) search() *http.Request {
	words := plainWords
	if p.rng.IntN(5) == 0 {
		words = oddWords
	}
	query := url.Values{"q": {words[p.rng.IntN(len(words))]}}
	if p.rng.IntN(3) == 0 {
		query.Set("page", strconv.Itoa(1+p.rng.IntN(3)))
	}
	r := p.request("GET", "/search", "")
	r.URL.RawQuery = query.Encode()
	return r
}

func (p *plan) recommendations() *http.Request {
	return p.request("GET", "/recommendations/"+p.user(), "")
}

// missing asks for what is not there.
func (p *plan) missing() *http.Request {
	paths := []string{"/products/99999", "/orders/00000000-0000-4000-8000-000000000000", "/favicon.ico"}
	return p.request("GET", paths[p.rng.IntN(len(paths))], "")
}

func (p *plan) buy() *http.Request {
	r := p.request("POST", "/orders", fmt.Sprintf(`{"product":%d,"quantity":1}`, p.products.Uint64()+1))
	r.Header.Set("Content-Type", "application/json")
	return r
}

func (p *plan) productPath() string {
	return "/products/" + strconv.FormatUint(p.products.Uint64()+1, 10)
}

func (p *plan) user() string {
	return strconv.FormatUint(p.users.Uint64()+1, 10)
}

// request returns a request as one of the shop's clients would send it.
func (p *plan) request(method, path, body string) *http.Request {
	u := *p.base
	u.Path = path
	r := newRequest(method, &u, body)
	r.Header.Set("User-Agent", agents[p.rng.IntN(len(agents))])
	r.Header.Set("Accept", "application/json, text/html")
	if p.rng.IntN(2) == 0 {
		r.Header.Set("Accept-Encoding", "gzip")
	}
	if p.rng.IntN(10) > 0 {
		r.Header.Set("Cookie", fmt.Sprintf("session=%016x", p.rng.Uint64()))
	}
	return r
}

func newRequest(method string, u *url.URL, body string) *http.Request {
	r, err := http.NewRequest(method, u.String(), strings.NewReader(body))
	if err != nil {
		panic("BUG: the demo's load made up a request that cannot be: " + err.Error())
	}
	return r
}
