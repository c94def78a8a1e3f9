// Package v1alpha1 holds the forms in which people write what tain should do, in a file as in a
// cluster. It is the only package that is meant for import by other programs. Values that need a
// unit are text here, as they are written; package config reads and checks them.
package v1alpha1

import "encoding/json"

// MirrorSpec says which requests are copied, how many, how, and where to.
type MirrorSpec struct {
	// Match lists conditions that must all hold, besides those of the route. None means every
	// request.
	Match []Condition `json:"match,omitempty"`

	// After lists conditions that must all hold once the request, or live's answer, is over: a copy
	// waits for that. None waits for nothing.
	After []Condition `json:"after,omitempty"`

	// Percent is the share of the matching requests that is copied, from 0 to 100 with up to four
	// decimals. The default is 100.
	Percent json.Number `json:"percent,omitempty"`

	// Fraction is the share as a fraction such as 1/3, instead of Percent. A number alone is of 100.
	Fraction string `json:"fraction,omitempty"`

	// Sample says which requests are in that share. The default is by chance, such that the larger
	// of two shares has all requests of the smaller one.
	Sample *Sample `json:"sample,omitempty"`

	// Limits say how many copies each target gets at most. The default is no limit.
	Limits *Limits `json:"limits,omitempty"`

	// Writes allows copies of requests whose method may change something, such as POST. The
	// default is false: only GET, HEAD, OPTIONS, TRACE and QUERY are copied.
	Writes bool `json:"writes,omitempty"`

	// Targets get a copy each.
	Targets []Target `json:"targets"`

	// Host is the Host that the copies bear: a name, or a suffix to the live request's name such
	// as -shadow. The default is the live request's.
	Host string `json:"host,omitempty"`

	// Copy says how else the copies differ from what live gets.
	Copy *Copy `json:"copy,omitempty"`

	// ChooseBy is a header whose value is the name of the one target that gets a copy; a request
	// whose value is none of the names is not copied. The default copies to every target.
	ChooseBy string `json:"chooseBy,omitempty"`

	// Timeout bounds a copy from the connect to the last byte of its answer, for example 5s. The
	// default is 10s.
	Timeout string `json:"timeout,omitempty"`

	// MaxBody is the largest request body that is copied, for example 64KiB; a request with a
	// larger one is not copied at all. The default is 1MiB.
	MaxBody string `json:"maxBody,omitempty"`
}

// Sample says which requests are in a share.
type Sample struct {
	// By lists keys whose requests share one fate, everywhere and for ever: header NAME, cookie
	// NAME, query NAME, each also with claim CLAIM where the value is a JSON web token; address,
	// or address /64 for networks of IPv6; expression and a CEL expression whose value is a text;
	// random. The first that a request has counts; a request that has none is not copied.
	By []string `json:"by,omitempty" short:"true"`

	// Independent of all other mirrors is a sample that has the mirror's name as its Salt.
	Independent bool `json:"independent,omitempty"`

	// Salt is a text. Samples of the same salt by the same keys have the same requests, as far as
	// their shares go; those of different salts have nothing to do with each other. The default
	// is none.
	Salt string `json:"salt,omitempty"`
}

// Target is where a mirror sends its copies. In tain's own files the URL may stand alone.
type Target struct {
	// Name tells the targets of a mirror apart. The default is host:port, or the name of the
	// backend that is used.
	Name string `json:"name,omitempty"`

	// Use is the name of a backend that is defined once for several uses, and stands for its URLs
	// and the rest of what is below.
	Use string `json:"use,omitempty"`

	// URL is http://host:port, with https, h2c or h2 instead of http, or another form that a
	// backend may have.
	URL string `json:"url,omitempty" short:"true"`

	// URLs are those of several servers of the target, instead of URL.
	URLs []string `json:"urls,omitempty"`

	// Baseline says that the target runs the live version and serves as control: what differs
	// between live and a baseline is noise.
	Baseline bool `json:"baseline,omitempty"`

	// Credentials are the target's own. They take the place of those that Copy sets, by their names.
	Credentials *Secrets `json:"credentials,omitempty"`

	Upstream `json:",inline"`
}
