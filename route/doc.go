// Package route says what should happen to a request. A [Table] holds the routes of one moment:
// which backends answer the user, and which mirrors get a copy. It is compiled once, never
// changed, looked up without allocating, and has one text form for people, tests and logs.
//
// # Which route a request takes
//
// Of all routes that match, the first in this order wins:
//
//  1. an exact host, then the longer wildcard host, then any host
//  2. an exact path, then a regular expression, then the longer prefix, then any path; of two
//     prefixes of the same length, /api/* (whole elements) goes before /api* (bytes)
//  3. a route with methods
//  4. more header conditions, then more query conditions, then one with an expression
//  5. the one that comes first in the table
//
// It is the order of the Gateway API, which leaves the rank of regular expressions open: they go
// before prefixes, because else a catch-all /* would hide them. A request that no route of its
// exact host matches may still take one of a wildcard host.
//
// # The text form
//
//	route shop
//	  host shop.example.com *.shop.example.com
//	  path /api/*
//	  method GET HEAD
//	  header X-Env = prod
//	  query debug present
//	  not path /api/internal/*
//	  when header["x-user"].size() > 3
//	  timeout 30s
//	  backend http://127.0.0.1:9000 weight 2
//	  mirror v2 10%
//	    method GET
//	    writes
//	    host-as -shadow
//	    timeout 5s
//	    max-body 65536
//	    to http://127.0.0.1:9001 v2
//	    baseline http://127.0.0.1:9002
//
// A line is a keyword and its words. A word that is empty, begins with " or #, or has other
// characters than visible ASCII stands in double quotes, with Go's escapes. What follows when is
// one expression up to the end of the line. Indentation means nothing; a word that begins with #
// starts a comment. A line left out has its default. Conditions are = (exact), ^= (prefix), ~ (a
// regular expression, RE2, that matches the whole value) and present. A path is /exact,
// /elements/*, /bytes*, or one of the words exact, elements, bytes, ~ and a value.
package route
