// Package tain is the front page of the repository: it holds this comment and no code.
//
// tain copies the live traffic of a service to other versions of it, without the users of the
// live service noticing, and says what the copies revealed. The name is the silver at the back of
// a pane that makes it a mirror.
//
// # The way of a request
//
// Four nouns flow through the program: a table of routes, an exchange (and the pair made of two),
// a finding, and the config that a person wrote. Each stage turns one noun into the next and
// knows no other stage.
//
//	file ── table ─► proxy ─► live answer to the user
//	                   │
//	                   └─ exchange ─► mirror ─ pair ─► analyze ─ finding ─► store ─► report
//	                                                   compare                └───► console
//
// # Where to read
//
// In this order, the folders tell the story:
//
//   - cmd/tain is the program. Its run.go builds every stage, joins them, starts and stops them:
//     reading that file is reading the system.
//   - route is what should happen to a request, traffic is what happened, finding is what was
//     noticed, config is what a person wrote: the nouns.
//   - netloop, http1 and upstream are the data plane's leaves: event loops, the syntax of
//     messages, and pools of connections.
//   - proxy serves live traffic as if no mirror existed. Its package comment states the promise to
//     the live side, and the six functions of the hot path.
//   - mirror samples, limits, sends and pairs up. It never blocks its caller and counts every copy
//     that it did not make.
//   - analyze gives each pair to the comparer, within a budget, and never on a loop's time.
//   - store, report and console keep, say and show what was found.
//   - demo is the shop of "tain demo"; test runs the built program; bench measures it beside
//     nginx, HAProxy and Envoy.
//
// The rules that keep it this way are tests: see repo_test.go for the import rule, the size rules
// and the rules for documentation. docs/architecture.md says why it has this shape.
//
// tain builds a stand-alone program and is not meant as a library. The supported surfaces are the
// command line, the configuration file, the admin API and the recording format. The one Go package
// that is meant for import is api/v1alpha1.
package tain
