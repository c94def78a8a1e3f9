// Package demo is the shop that `tain demo` shows tain with: a small service in two versions, the
// load that its users make, and the answer sheet.
//
// Version 1 is right. Version 2 has the regressions that [Planted] lists, each of a kind that
// happens to people: a rounding, a forgotten field, a slow query, an input nobody tried. Both
// versions are noisy in the same way: request ids, time stamps, tokens, tags in any order, waits
// that vary. So two instances of version 1 never answer the same bytes, and whoever compares them
// byte by byte finds nothing but noise.
//
// [Load] asks what users ask, often enough that every plant shows within seconds, and [Score]
// tells what a list of findings found, missed and made up.
//
// The scene on rules is about which requests are copied, not about what differs. [Visits] are users
// with secrets, [Witness] is a target that keeps what it gets, and [Judge] lays one beside the other
// and says which rules of [RulesFile] were held.
package demo
