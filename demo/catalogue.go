package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
)

// The sizes of the shop. The load draws its ids from them.
const (
	numProducts = 240
	numUsers    = 500
	numOrders   = 400
	pageSize    = 10
)

// product is what the shop sells. Prices are in cents.
type product struct {
	ID       int
	Name     string
	Cents    int
	Percent  int // discount; 0 for most products
	Stock    int
	Revision int
	Tags     []string
}

// user is a customer. Country is an ISO 3166 code.
type user struct {
	ID      int
	Name    string
	Country string
}

// line is so many of one product.
type line struct {
	Product  int
	Quantity int
}

// order is what a user bought. Discount is in cents.
type order struct {
	ID       string
	User     int
	Lines    []line
	Discount int
}

// catalogue is all that the shop knows. Every instance of every version holds the same one, and
// nothing changes it, so it is read without a lock. Index i holds the product or user with id i+1.
type catalogue struct {
	products []product
	users    []user
	carts    [][]line // by user
	liked    [][]int  // product ids, by user
	orders   map[string]order
	orderIDs []string
}

var (
	adjectives = []string{"Plain", "Silver", "Travel", "Garden", "Winter", "Folding", "Café", "Little", "Round", "Paper", "Oak", "Zürich"}
	things     = []string{"mirror", "kettle", "lamp", "chair", "notebook", "blanket", "bottle", "clock", "basket", "knife", "teapot", "crème jug", "table", "candle", "umbrella", "scarf", "bowl", "bench", "shelf", "cup"}
	tags       = []string{"new", "sale", "wood", "metal", "gift", "home", "outdoor", "fragile", "handmade", "vegan"}
	names      = []string{"Ada", "Béla", "Chiara", "Dorian", "Emeka", "Farah", "Greta", "Hiro", "Inês", "Jonas"}
	countries  = []string{"CH", "DE", "FR", "CH", "IT"}
)

// theCatalogue returns the one catalogue, which is drawn from a fixed seed.
var theCatalogue = sync.OnceValue(func() *catalogue {
	rng := rand.New(rand.NewPCG(1, 1))
	c := &catalogue{orders: make(map[string]order, numOrders)}
	for id := 1; id <= numProducts; id++ {
		c.products = append(c.products, newProduct(rng, id))
	}
	for id := 1; id <= numUsers; id++ {
		name := fmt.Sprintf("%s %c.", names[rng.IntN(len(names))], 'A'+rune(rng.IntN(26)))
		c.users = append(c.users, user{ID: id, Name: name, Country: countries[id%len(countries)]})
		c.carts = append(c.carts, newLines(rng))
		c.liked = append(c.liked, newLiked(rng))
	}
	for range numOrders {
		o := order{ID: newUUID(rng), User: 1 + rng.IntN(numUsers), Lines: newLines(rng), Discount: 100 * (1 + rng.IntN(7))}
		c.orders[o.ID] = o
		c.orderIDs = append(c.orderIDs, o.ID)
	}
	return c
})

// newProduct gives a discount to every fourth product, and none of them a price in whole francs:
// a price that loses its cents is another price.
func newProduct(rng *rand.Rand, id int) product {
	p := product{
		ID:       id,
		Name:     adjectives[(id/len(things))%len(adjectives)] + " " + things[id%len(things)],
		Cents:    500 + rng.IntN(20000),
		Stock:    rng.IntN(60),
		Revision: 1 + rng.IntN(9),
	}
	if id%4 == 2 {
		p.Percent = 15
		for p.price()%100 == 0 {
			p.Cents++
		}
	}
	for _, i := range rng.Perm(len(tags))[:4] {
		p.Tags = append(p.Tags, tags[i])
	}
	return p
}

func newLines(rng *rand.Rand) []line {
	lines := make([]line, 1+rng.IntN(4))
	for i := range lines {
		lines[i] = line{Product: 1 + rng.IntN(numProducts), Quantity: 1 + rng.IntN(3)}
	}
	return lines
}

func newLiked(rng *rand.Rand) []int {
	liked := rng.Perm(numProducts)[:6]
	for i := range liked {
		liked[i]++
	}
	return liked
}

func newUUID(rng *rand.Rand) string {
	a, b := rng.Uint64(), rng.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0xfff, b&0xffffffffffff)
}

// price is what the product costs now, in cents.
func (p *product) price() int { return p.Cents * (100 - p.Percent) / 100 }

// search returns the products whose names hold q, without regard to case or quotation marks.
func (c *catalogue) search(q string) []*product {
	q = strings.ToLower(strings.Trim(q, `"`))
	var hits []*product
	for i := range c.products {
		if strings.Contains(strings.ToLower(c.products[i].Name), q) {
			hits = append(hits, &c.products[i])
		}
	}
	return hits
}

// total is the price of all lines, in cents.
func (c *catalogue) total(lines []line) int {
	sum := 0
	for _, l := range lines {
		sum += l.Quantity * c.products[l.Product-1].price()
	}
	return sum
}
