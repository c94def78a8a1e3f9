package redact

// A Place is where in a message a rule looks. Places add up: Header|Query is both.
type Place uint8

const (
	Header Place = 1 << iota // header and trailer fields
	Cookie                   // the cookies in Cookie and Set-Cookie, one by one
	Query                    // the parameters of the request's target, and of URLs in header fields
	JSON                     // the fields of JSON bodies
	Form                     // the fields of form bodies

	// Anywhere is every place.
	Anywhere = Header | Cookie | Query | JSON | Form
)

// The same as indices.
const (
	placeHeader = iota
	placeCookie
	placeQuery
	placeJSON
	placeForm
	placeCount
)

// An Action is what happens to a value.
type Action uint8

const (
	// Replace puts the rule's Text, or Masked if that is empty, in the place of the value.
	Replace Action = iota
	// KeepLast4 leaves the last four characters of a value of at least eight behind four stars.
	KeepLast4
	// Remove leaves no trace of a field. What a detector finds is cut out of its text.
	Remove
	// Pseudonym puts something in the place of the value that is the same wherever the value is
	// the same, looks like it, and tells nothing about it to those who don't have the key.
	Pseudonym
)

// A Rule says what must not leave, and what is there instead. It has exactly one of Name, Path and
// Detect. A name or path that leads to an object or array redacts all of it.
//
// A Path leads from the root of a JSON body, $, by steps to values:
//
//	.name ["name"]   the member of that name, in any case
//	[3]              the element of that index, from 0
//	[*] .*           any member or element
//	.. .**           any number of steps, none included
//
// Names in paths and of rules have no case. In forms and queries, a part of a name is enough, as in
// user[token] and user.token.
type Rule struct {
	In     Place    // where it looks; 0 is Anywhere, or JSON if the rule has a Path
	Name   string   // of a header field, cookie, parameter or field, at any depth
	Path   string   // such as $.user.cards[*].number, $..token, $.list[0]
	Detect Detector // what the value looks like, or a part of it
	Do     Action
	Text   string // for Replace; if it is a number, it takes the place of numbers as one
}
