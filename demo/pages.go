package demo

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

type productPage struct {
	ID          int      `json:"id"`
	Name        string   `json:"name"`
	Price       int      `json:"price"` // cents
	ListPrice   int      `json:"list_price"`
	InStock     bool     `json:"in_stock"`
	Tags        []string `json:"tags"`
	GeneratedAt string   `json:"generated_at"`
}

func (s *shop) showProduct(w http.ResponseWriter, r *http.Request) {
	p := lookup(s.products, r.PathValue("id"))
	if p == nil {
		s.fail(w, http.StatusNotFound, "there is no such product")
		return
	}
	// The tag names the product's revision, not the bytes: those are never the same twice.
	tag := fmt.Sprintf(`W/"%d-%d"`, p.ID, p.Revision)
	w.Header().Set("ETag", tag)
	w.Header().Set("Cache-Control", "no-cache")
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	price := p.price()
	if s.regressed && p.Percent > 0 {
		price -= price % 100
	}
	answer(w, http.StatusOK, productPage{
		ID:          p.ID,
		Name:        p.Name,
		Price:       price,
		ListPrice:   p.Cents,
		InStock:     p.Stock > 0,
		Tags:        s.noise.shuffled(p.Tags),
		GeneratedAt: stamp(),
	})
}

type listItem struct {
	ID        int    `json:"id"`
	Name      string `json:"name"`
	ListPrice int    `json:"list_price"`
}

type listPage struct {
	GeneratedAt string     `json:"generated_at"`
	Products    []listItem `json:"products"`
}

func (s *shop) listProducts(w http.ResponseWriter, r *http.Request) {
	page := listPage{GeneratedAt: stamp()}
	for i := range s.products {
		page.Products = append(page.Products, s.products[i].item())
	}
	w.Header().Set("Cache-Control", "public, max-age=60")
	if s.regressed {
		w.Header().Set("Cache-Control", "no-store")
	}
	stream(w, r, page)
}

func (p *product) item() listItem {
	return listItem{ID: p.ID, Name: p.Name, ListPrice: p.Cents}
}

type orderLine struct {
	Product  int `json:"product"`
	Quantity int `json:"quantity"`
}

type orderPage struct {
	ID        string      `json:"id"`
	Customer  string      `json:"customer"`
	Country   string      `json:"country"`
	Lines     []orderLine `json:"lines"`
	Total     int         `json:"total"`              // cents
	Discount  *int        `json:"discount,omitempty"` // cents
	RequestID string      `json:"request_id"`
}

func (s *shop) showOrder(w http.ResponseWriter, r *http.Request) {
	o, ok := s.orders[r.PathValue("id")]
	if !ok {
		s.fail(w, http.StatusNotFound, "there is no such order")
		return
	}
	customer := &s.users[o.User-1]
	page := orderPage{
		ID:        o.ID,
		Customer:  customer.Name,
		Country:   customer.Country,
		Total:     s.total(o.Lines) - o.Discount,
		Discount:  &o.Discount,
		RequestID: s.noise.token(8),
	}
	for _, l := range o.Lines {
		page.Lines = append(page.Lines, orderLine(l))
	}
	if s.regressed && customer.Country == "CH" {
		page.Discount = nil
	}
	answer(w, http.StatusOK, page)
}

// postOrder counts the order and forgets it: what live was told must not show in what it answers
// later, because its copies were not told.
func (s *shop) postOrder(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusCreated, map[string]any{"accepted": s.accepted.Add(1), "request_id": s.noise.token(8)})
}

// pay takes the money, and forgets that it did.
func (s *shop) pay(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusCreated, map[string]any{"paid": true, "request_id": s.noise.token(8)})
}

type cartItem struct {
	ProductID any `json:"product_id"` // a number
	Quantity  int `json:"quantity"`
}

type cartPage struct {
	User      int        `json:"user"`
	Items     []cartItem `json:"items"`
	Total     int        `json:"total"` // cents
	Token     string     `json:"token"`
	UpdatedAt string     `json:"updated_at"`
}

func (s *shop) showCart(w http.ResponseWriter, r *http.Request) {
	u := lookup(s.users, r.PathValue("user"))
	if u == nil {
		s.fail(w, http.StatusNotFound, "there is no such user")
		return
	}
	lines := s.carts[u.ID-1]
	page := cartPage{User: u.ID, Total: s.total(lines), Token: s.noise.token(12), UpdatedAt: stamp()}
	for _, l := range lines {
		item := cartItem{ProductID: l.Product, Quantity: l.Quantity}
		if s.regressed {
			item.ProductID = strconv.Itoa(l.Product)
		}
		page.Items = append(page.Items, item)
	}
	answer(w, http.StatusOK, page)
}

type searchPage struct {
	Query  string     `json:"query"`
	Page   int        `json:"page"`
	Total  int        `json:"total"`
	Hits   []listItem `json:"hits"`
	TookMS int        `json:"took_ms"`
}

func (s *shop) showSearch(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query().Get("q")
	if s.regressed && strings.ContainsFunc(q, func(c rune) bool { return c == '"' || c > 127 }) {
		s.fail(w, http.StatusInternalServerError, "the search failed")
		return
	}
	number, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil || number < 1 {
		number = 1
	}
	hits := s.search(q)
	page := searchPage{Query: q, Page: number, Total: len(hits), Hits: []listItem{}, TookMS: 1 + s.noise.intN(9)}
	for i, p := range hits {
		if i/pageSize == number-1 {
			page.Hits = append(page.Hits, p.item())
		}
	}
	answer(w, http.StatusOK, page)
}

type recommendPage struct {
	User        int    `json:"user"`
	Model       string `json:"model"`
	Products    []int  `json:"products"`
	GeneratedAt string `json:"generated_at"`
}

func (s *shop) recommend(w http.ResponseWriter, r *http.Request) {
	u := lookup(s.users, r.PathValue("user"))
	if u == nil {
		s.fail(w, http.StatusNotFound, "there is no such user")
		return
	}
	answer(w, http.StatusOK, recommendPage{
		User:        u.ID,
		Model:       "m7",
		Products:    s.liked[u.ID-1],
		GeneratedAt: stamp(),
	})
}

// lookup returns the element with the id that text names, or nil. Ids start at 1.
func lookup[T any](list []T, text string) *T {
	id, err := strconv.Atoi(text)
	if err != nil || id < 1 || id > len(list) {
		return nil
	}
	return &list[id-1]
}
