package demo

import "testing"

// TestShoppers holds that what must not leave can be told from all else, and is what it looks like.
func TestShoppers(t *testing.T) {
	seen := make(map[string]int)
	countries := make(map[string]int)
	all := theShoppers()
	for i := range all {
		s := &all[i]
		countries[s.Country]++
		if s.ID != i+1 || s.Name == "" {
			t.Fatalf("user %d is %+v", i+1, s)
		}
		for _, secret := range []string{s.Session, s.Email, s.Token, s.Card} {
			if other := seen[secret]; other != 0 || len(secret) < 12 {
				t.Errorf("users %d and %d have the secret %q", other, s.ID, secret)
			}
			seen[secret] = s.ID
		}
		if !valid(s.Card) {
			t.Errorf("user %d: card %s has a wrong check digit", s.ID, s.Card)
		}
		if got := s.grouped(); len(got) != 19 || got[4] != ' ' || got[15:] != s.Card[12:] {
			t.Errorf("user %d: card %s is written as %q", s.ID, s.Card, got)
		}
		if len(s.secrets()) != 6 {
			t.Errorf("user %d has %d secrets, want 6", s.ID, len(s.secrets()))
		}
	}
	if len(countries) != 4 || countries[rulesCountry] != 120 {
		t.Errorf("the users are in %v, want 120 in %s and some in three others", countries, rulesCountry)
	}
}

// valid does the sum of ISO/IEC 7812 from the right, unlike newCard.
func valid(card string) bool {
	sum := 0
	for i := range len(card) {
		n := int(card[len(card)-1-i] - '0')
		if i%2 == 1 {
			n *= 2
		}
		if n > 9 {
			n -= 9
		}
		sum += n
	}
	return len(card) == 16 && sum%10 == 0
}
