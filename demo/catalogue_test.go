package demo

import (
	"strings"
	"testing"
)

func TestCatalogue(t *testing.T) {
	c := theCatalogue()
	if len(c.products) != numProducts || len(c.users) != numUsers || len(c.orders) != numOrders || len(c.orderIDs) != numOrders {
		t.Errorf("the shop has %d products, %d users, %d orders (%d ids)", len(c.products), len(c.users), len(c.orders), len(c.orderIDs))
	}
	discounted := 0
	for _, p := range c.products {
		if p.Percent == 0 {
			continue
		}
		discounted++
		if p.price()%100 == 0 {
			t.Errorf("product %d costs %d: rounding to 100 would not change it", p.ID, p.price())
		}
		if p.price() >= p.Cents {
			t.Errorf("product %d costs %d with its discount and %d without", p.ID, p.price(), p.Cents)
		}
	}
	if discounted != numProducts/4 {
		t.Errorf("%d products have a discount, want %d", discounted, numProducts/4)
	}
	swiss := 0
	for id, o := range c.orders {
		if len(id) != 36 || strings.Count(id, "-") != 4 || id != o.ID {
			t.Errorf("order %q is listed as %q, want one UUID", o.ID, id)
		}
		if c.users[o.User-1].Country == "CH" {
			swiss++
		}
	}
	if swiss < numOrders/4 || swiss > numOrders/2 {
		t.Errorf("%d of %d orders are Swiss, want a good third", swiss, numOrders)
	}
}

// TestEveryWordIsFound keeps the searches of the load meaningful: version 1 has hits for all.
func TestEveryWordIsFound(t *testing.T) {
	for _, q := range append(plainWords, oddWords...) {
		if len(theCatalogue().search(q)) == 0 {
			t.Errorf("search for %q has no hits", q)
		}
	}
}
