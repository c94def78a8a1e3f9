package demo

import (
	"fmt"
	"math/rand/v2"
	"sync"
)

// numShoppers is how many users of the catalogue visit the shop in the scene on rules.
const numShoppers = 300

// shopper is a user with what must not leave: none of it is in a copy, see [Judge].
type shopper struct {
	user
	Session string // the cookie
	Email   string
	Token   string
	Card    string // 16 digits with a valid check digit
}

// theShoppers returns the users of the scene on rules. Index i holds the user with id i+1. They are drawn
// from a fixed seed, so that the share of them that a rule takes is the same each time; with this one, a
// tenth of the users of a country is a tenth.
var theShoppers = sync.OnceValue(func() []shopper {
	rng := rand.New(rand.NewPCG(1, 12))
	all := make([]shopper, numShoppers)
	for i := range all {
		all[i] = shopper{
			user:    theCatalogue().users[i],
			Session: fmt.Sprintf("%016x", rng.Uint64()),
			Email:   fmt.Sprintf("user%d@mail.example", i+1),
			Token:   fmt.Sprintf("tok-%012x", rng.Uint64()>>16),
			Card:    newCard(rng),
		}
	}
	return all
})

// newCard makes up the number of a card. The last digit is such that the number is valid: from the right,
// every second digit counts twice, less 9 where that has two digits, and the sum is a multiple of ten.
func newCard(rng *rand.Rand) string {
	digits := fmt.Sprintf("4%014d", rng.Uint64N(1e14))
	sum := 0
	for i, d := range digits {
		n := int(d - '0')
		if i%2 == 0 {
			n *= 2
		}
		sum += n/10 + n%10
	}
	return fmt.Sprintf("%s%d", digits, (10-sum%10)%10)
}

// grouped is the number as people write it.
func (s *shopper) grouped() string {
	return s.Card[:4] + " " + s.Card[4:8] + " " + s.Card[8:12] + " " + s.Card[12:]
}

// secrets lists what must not be in a copy.
func (s *shopper) secrets() []string {
	return []string{s.Session, s.Email, s.Token, s.Card, s.grouped(), s.Name}
}
