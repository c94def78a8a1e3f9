package route

import "regexp"

// Copy says how the copies of a mirror look where they differ from the request that live got, apart
// from their Host. The zero value changes nothing. What a copy is made of is the request after the
// filters of its route, and before those of the backend. A [Shape] makes the copies.
type Copy struct {
	// Path rewrites the path. A prefix is the one that the mirror's own match asks for, else the route's.
	Path  PathRewrite
	Query QueryEdits
	// Header edits the fields that are left when all that is below has been done.
	Header      CopyEdits
	Credentials Credentials
	// HideClient leaves out the fields that say who asked, see [ClientHeaders].
	HideClient bool
	Trace      Trace
	// Redact is applied to the request first, so that what a copy is given by the rest stays.
	Redact Redaction
}

// CopyEdits change the header of a copy. No name is in more than one of the lists. The zero value
// changes nothing.
type CopyEdits struct {
	// RemoveLike are regular expressions (RE2) for whole names, in whichever case. The request's fields
	// whose names they match are removed before anything is set.
	RemoveLike []string
	HeaderEdits
	Default []HeaderField // where there is none of that name
	Replace []HeaderField // instead of those of that name, where there are any

	likes []*regexp.Regexp
}

// QueryEdits change a query, in the order of the fields. The zero value leaves it byte by byte, as
// every parameter that is neither removed nor set stays.
type QueryEdits struct {
	// Pattern is a regular expression (RE2). Each of its matches in the query as it was sent, without
	// the question mark, becomes Value, in which $1 and ${name} stand for groups. "" is none.
	Pattern, Value string
	Remove         []string     // names of parameters, decoded
	Set            []QueryParam // instead of the parameters of that name, if there are any; at the end

	re *regexp.Regexp
}

// QueryParam is a parameter of a query, decoded.
type QueryParam struct{ Name, Value string }

// Credentials say what becomes of that by which users prove who they are. The zero value lets it go
// with the copies. What is dropped is compared without regard to case, except the names of cookies.
type Credentials struct {
	Usual       bool     // drop [UsualHeaders] and [UsualParams]
	Headers     []string // drop these fields too
	Params      []string // drop these parameters of the query too
	DropCookies []string // drop these cookies
	KeepCookies []string // drop all other cookies; also with Usual, these stay
	Set         []Secret // what copies bear instead, unless their target has its own of that name
}

// UsualHeaders are the fields that Credentials.Usual drops. Nobody changes them.
var UsualHeaders = []string{
	"Authorization", "Proxy-Authorization", "Cookie",
	"Api-Key", "Apikey", "X-Api-Key", "X-Apikey", "X-Goog-Api-Key", "Ocp-Apim-Subscription-Key",
	"X-Access-Token", "X-Auth-Token", "X-Id-Token", "X-Refresh-Token", "X-Session-Token", "Private-Token", "X-Vault-Token",
	"X-Csrf-Token", "X-Xsrf-Token", "X-Amz-Security-Token",
	"X-Forwarded-Access-Token", "X-Amzn-Oidc-Accesstoken", "X-Amzn-Oidc-Data", "X-Goog-Iap-Jwt-Assertion",
	"Cf-Access-Jwt-Assertion", "X-Forwarded-Client-Cert",
}

// UsualParams are the parameters of queries that Credentials.Usual drops. Nobody changes them.
var UsualParams = []string{
	"access_token", "auth_token", "id_token", "refresh_token", "token", "api_key", "api-key", "apikey", "client_secret",
	"X-Amz-Credential", "X-Amz-Security-Token", "X-Amz-Signature", "X-Goog-Credential", "X-Goog-Signature",
}

// ClientHeaders are the fields that Copy.HideClient leaves out. Nobody changes them.
var ClientHeaders = []string{
	"Forwarded", "X-Forwarded-For", "X-Real-Ip", "True-Client-Ip", "X-Client-Ip", "X-Cluster-Client-Ip",
	"Cf-Connecting-Ip", "Cf-Connecting-Ipv6", "Fastly-Client-Ip", "Fly-Client-Ip", "X-Envoy-External-Address", "X-Original-Forwarded-For",
}

// Trace says what a copy tells of a distributed trace (W3C Trace Context and Baggage). The zero value
// passes on what live gets.
type Trace struct {
	// Baggage adds the member [BaggageMember], so that all who are asked on behalf of the copy can tell,
	// if that keeps to the limits of the standard.
	Baggage bool
	// Child gives traceparent another parent id, derived from the one that it has.
	Child   bool
	Start   bool    // make a traceparent where there is none, or one that is wrong
	Sampled Sampled // of traceparent
}

// BaggageMember is the name of the member of the baggage that marks copies.
const BaggageMember = "tain.mirror"

// Sampled says what becomes of the flag by which a traceparent asks to be recorded.
type Sampled uint8

// The values of [Sampled].
const (
	SampledInherit Sampled = iota // as it is; off in one that is made
	SampledOn
	SampledOff
)

// changes says whether a traceparent may become another one.
func (t *Trace) changes() bool { return t.Child || t.Start || t.Sampled != SampledInherit }

// fields are those that are made as t says.
func (t *Trace) fields() (names []string) {
	if t.changes() {
		names = append(names, traceparent, tracestate)
	}
	if t.Baggage {
		names = append(names, baggage)
	}
	return names
}
