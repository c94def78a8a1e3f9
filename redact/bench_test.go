package redact

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
)

// twentyRules is what a careful operator might write.
func twentyRules() []Rule {
	rules := []Rule{
		{Detect: Card, Do: KeepLast4}, {Detect: Email, Do: Pseudonym}, {Detect: IBAN}, {Detect: Phone}, {Detect: JWT},
		{Path: "$.customer.address.street"}, {Path: "$.orders[*].payment.card", Do: KeepLast4},
		{Path: "$..birthday", Do: Remove}, {Path: "$.items[0].note"},
	}
	for i, name := range []string{
		"password", "token", "secret", "ssn", "api_key", "authorization", "session", "pin", "iban", "tax_id", "surname",
	} {
		rules = append(rules, Rule{Name: name, Do: Action(i % 4)})
	}
	return rules
}

var testKey = []byte("a key of the tests, 32 bytes long")

// order makes a body such as a shop's API answers, of about so many bytes.
func order(size int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	type line struct {
		ID       string   `json:"id"`
		SKU      string   `json:"sku"`
		Title    string   `json:"title"`
		Quantity int      `json:"quantity"`
		Price    float64  `json:"price"`
		Added    string   `json:"added_at"`
		Tags     []string `json:"tags"`
		InStock  bool     `json:"in_stock"`
	}
	body := map[string]any{
		"id": 8812344, "status": "paid", "token": "tok_19293",
		"customer": map[string]any{"name": "Ada Example", "email": "ada@shop.example", "surname": "Example", "address": map[string]any{"street": "Long Lane 5", "city": "Leeds"}},
	}
	var lines []line
	for n := 0; n < size; n += 230 {
		lines = append(lines, line{
			ID:  fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", rng.Uint32(), rng.IntN(1<<16), rng.IntN(1<<12), rng.IntN(1<<12), rng.Int64N(1<<48)),
			SKU: fmt.Sprintf("SKU-%06d", rng.IntN(1e6)), Title: "A very fine thing for the kitchen and the garden",
			Quantity: rng.IntN(9) + 1, Price: float64(rng.IntN(99999)) / 100, Added: "2026-11-21T14:50:39.123Z",
			Tags: []string{"kitchen", "garden", "new"}, InStock: rng.IntN(2) == 0,
		})
	}
	body["items"] = lines
	text, err := json.Marshal(body)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return text
}

// BenchmarkJSON must reach 200 MB/s with twenty rules, detectors among them, and allocate nothing.
func BenchmarkJSON(b *testing.B) {
	f := func(name string, rules []Rule, body []byte) {
		b.Run(name, func(b *testing.B) {
			r, err := Compile(rules, testKey)
			if err != nil {
				b.Fatal(err)
			}
			var s Stream
			var dst []byte
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				s.Begin(r, "application/json")
				for i := 0; i < len(body); i += 16 << 10 {
					if dst, err = s.Write(dst[:0], body[i:min(len(body), i+16<<10)]); err != nil {
						b.Fatal(err)
					}
				}
				if dst, err = s.End(dst[:0]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	names := twentyRules()[5:]
	f("20rules-4kB", twentyRules(), order(4<<10))
	f("20rules-1MB", twentyRules(), order(1<<20))
	f("names-1MB", names, order(1<<20))
}
