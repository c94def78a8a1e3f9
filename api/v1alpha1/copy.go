package v1alpha1

// Copy says how copies look where they differ from the request that live gets.
type Copy struct {
	// Path is another path; another prefix instead of the one that is matched if it ends with /*; or
	// what takes the place of what a regular expression matches.
	Path *PathRewrite `json:"path,omitempty"`

	// Query edits the parameters of the query.
	Query *QueryEdits `json:"query,omitempty"`

	// Headers edits the header.
	Headers *CopyHeaders `json:"headers,omitempty"`

	// Credentials says what becomes of that by which users prove who they are. The default is that
	// it goes with the copies.
	Credentials *Credentials `json:"credentials,omitempty"`

	// Client is keep, the default, or drop, which leaves out the headers that say who asked.
	Client string `json:"client,omitempty"`

	// Trace says what copies tell of a distributed trace (W3C). The default is what live gets.
	Trace *Trace `json:"trace,omitempty"`

	// Redact lists what must not leave with copies, nor be kept or shown of their pairs.
	Redact []Redact `json:"redact,omitempty"`

	// PseudonymKey is a file with the secret key of pseudonyms, of at least 16 bytes. It is read again
	// with the configuration.
	PseudonymKey string `json:"pseudonymKey,omitempty" unit:"path"`
}

// Redact says what is redacted, by a name, a path or a detector, and what stands in its place. In
// tain's own files Name may stand alone.
type Redact struct {
	// Name is that of a header, cookie, parameter or field, in any case and at any depth.
	Name string `json:"name,omitempty" short:"true"`

	// Path leads from the root of a JSON body to values, such as $.user.cards[*].number.
	Path string `json:"path,omitempty"`

	// Detect is what values look like: card, email, iban, phone or jwt.
	Detect string `json:"detect,omitempty"`

	// In lists where: header, cookie, query, json, form. The default is everywhere.
	In []string `json:"in,omitempty"`

	// Do is mask, the default, last4, remove or pseudonym.
	Do string `json:"do,omitempty"`

	// Text stands in the place of what is masked. A number takes the place of numbers as one.
	Text string `json:"text,omitempty"`
}

// PathRewrite makes one path of another. In tain's own files To may stand alone.
type PathRewrite struct {
	// Regexp is a regular expression (RE2), each of whose matches is replaced by To.
	Regexp string `json:"regexp,omitempty"`

	// To is the path; with /* at its end the prefix; with Regexp the text, in which $1 and ${name}
	// stand for groups.
	To string `json:"to,omitempty" short:"true"`
}

// HeaderEdits change a header.
type HeaderEdits struct {
	Set    map[string]string `json:"set,omitempty"`    // instead of the headers of that name
	Add    map[string]string `json:"add,omitempty"`    // after them
	Remove []string          `json:"remove,omitempty"` // names
}

// CopyHeaders change the header of copies.
type CopyHeaders struct {
	// RemoveLike are regular expressions (RE2) for whole names, whose headers are removed first.
	RemoveLike []string `json:"removeLike,omitempty"`

	HeaderEdits `json:",inline"`

	Default map[string]string `json:"default,omitempty"` // where there is none of that name
	Replace map[string]string `json:"replace,omitempty"` // where there are some, instead of them
}

// QueryEdits change a query, in the order regexp, remove, set.
type QueryEdits struct {
	// Regexp is a regular expression (RE2) for the query as it was sent. Each match is replaced by
	// To, in which $1 and ${name} stand for groups.
	Regexp string `json:"regexp,omitempty"`
	To     string `json:"to,omitempty"`

	Remove []string          `json:"remove,omitempty"` // names of parameters
	Set    map[string]string `json:"set,omitempty"`    // instead of the parameters of that name
}

// Credentials says what becomes of that by which users prove who they are.
type Credentials struct {
	// Drop lists headers that copies do without. The word usual stands for Authorization,
	// Proxy-Authorization, Cookie and the usual headers and query parameters of API keys and tokens.
	Drop []string `json:"drop,omitempty"`

	// DropQuery lists parameters of the query that copies do without, in any case.
	DropQuery []string `json:"dropQuery,omitempty"`

	// DropCookies lists cookies that copies do without.
	DropCookies []string `json:"dropCookies,omitempty"`

	// KeepCookies lists the only cookies that copies have.
	KeepCookies []string `json:"keepCookies,omitempty"`

	Secrets `json:",inline"`
}

// Secrets are credentials that copies bear instead of the user's.
type Secrets struct {
	Set      map[string]Secret `json:"set,omitempty"`      // headers
	SetQuery map[string]Secret `json:"setQuery,omitempty"` // parameters of the query
}

// Secret is a value from a file. In tain's own files the path may stand alone.
type Secret struct {
	// File holds the value. It is read again with the configuration.
	File string `json:"file" short:"true" unit:"path"`

	// Prefix goes before the value, for example "Bearer ".
	Prefix string `json:"prefix,omitempty"`
}

// Trace says what copies tell of a distributed trace.
type Trace struct {
	// Baggage adds a member tain.mirror, by which all who are asked on behalf of a copy can tell.
	Baggage bool `json:"baggage,omitempty"`

	// Child gives traceparent a parent id of the copy's own.
	Child bool `json:"child,omitempty"`

	// Start makes a traceparent where there is none.
	Start bool `json:"start,omitempty"`

	// Sampled is inherit, the default, on or off: whether traceparent asks to be recorded.
	Sampled string `json:"sampled,omitempty"`
}
