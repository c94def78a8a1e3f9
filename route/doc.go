// Package route says what should happen to a request. A [Table] holds the routes of one moment:
// which backends answer the user, and which mirrors get a copy. It is compiled once, never
// changed, looked up without allocating, and has one text form for people, tests and logs.
//
// # Which route a request takes
//
// Of all routes that match, the first in this order wins:
//
//  1. a route with a scheme
//  2. an exact host, then the longer wildcard host, then any host
//  3. an exact path, then a template, then a regular expression, then the longer prefix, then any
//     path; of two prefixes of the same length, /api/* (whole elements) goes before /api* (bytes); of
//     two templates the one with the longer beginning before its first variable, then one that does
//     not leave the rest open, then the one with more elements that are no variables
//  4. a route with methods
//  5. more conditions on headers and cookies, then more on the query, then more of other kinds (not
//     counting those with not), then one with an expression
//  6. the one that comes first in the table
//
// It is the order of the Gateway API. There a listener goes before all else; here that is the
// scheme, so that one route sends everybody from http to https, whatever the others say. It leaves
// the rank of regular expressions open: they go before prefixes, because else a catch-all /* would
// hide them. A request that no route of its exact host matches may still take one of a wildcard host.
//
// # The text form
//
//	route shop
//	  scheme https
//	  host shop.example.com *.shop.example.com
//	  path /api/*
//	  method GET HEAD
//	  header X-Env = prod
//	  query debug present
//	  not path /api/internal/*
//	  cookie beta = 1
//	  source 10.0.0.0/8 192.168.1.7
//	  cert spiffe://example.com/* shop.internal
//	  sni *.example.com
//	  port 443 8443
//	  type application/json application/*+json
//	  size <= 65536
//	  any
//	    header X-Beta present
//	  or
//	    not query old = 1
//	    method GET
//	  end
//	  not
//	    method HEAD
//	    path /api/items/{id}
//	  end
//	  when header["x-user"].size() > 3
//	  timeout 30s
//	  request-timeout 2m
//	  retry 2 after connect,gateway-error statuses 429 per-try 1s
//	  session cookie shop max-age 24h permanent
//	  request set X-Env prod
//	  rewrite-path prefix /v2
//	  response remove X-Powered-By
//	  cors origins https://*.example.com methods PUT credentials
//	  backend https://shop.internal:8443 weight 2
//	    tls ca /etc/shop/ca.pem
//	    balance least-request
//	    check http path /healthz
//	    request add X-Backend new
//	  backend http://127.0.0.1:9000
//	  mirror v2 10%
//	    method GET
//	    after
//	      status 200-299 404
//	      response-header X-Cache = MISS
//	      latency > 200ms
//	      json $.user.country = CH
//	      any
//	        backend shop.internal:8443
//	      or
//	        fault
//	        not size > 65536
//	      end
//	    end
//	    sample header Authorization claim sub
//	    sample cookie session
//	    sample-salt v2
//	    limit rate 1000/s burst 50
//	    limit bytes 10485760/s
//	    limit concurrency 20
//	    limit adaptive
//	    limit breaker percent 20 pause 5s
//	    limit strain
//	    writes
//	    host-as -shadow
//	    copy-path regexp ^/v2/(.*) /v3/$1
//	    copy-query set dry-run 1
//	    copy-header set X-Env test
//	    credentials drop usual
//	    credentials keep-cookies locale
//	    bear Authorization /etc/tain/v2-token prefix "Bearer "
//	    client drop
//	    trace baggage child sampled off
//	    redact path $.user.card do last4
//	    redact name token in header,query do remove
//	    timeout 5s
//	    max-body 65536
//	    to h2c://127.0.0.1:9001 v2
//	      max-conns 10
//	      bear X-Api-Key /etc/tain/v2-key
//	    baseline http://127.0.0.1:9002
//	route old
//	  path /old/*
//	  redirect scheme https status 301
//	  redirect-path prefix /new
//	route gone
//	  path /gone
//	  respond 410 text/plain "It is gone.\n"
//
// A line is a keyword and its words. A word that is empty, begins with " or #, or has other
// characters than visible ASCII stands in double quotes, with Go's escapes. What follows when is
// one expression up to the end of the line, and so is what follows sample expression. Indentation means nothing; a word that begins with #
// starts a comment. A line left out has its default. Conditions are = (exact), ^= (prefix), ~ (a
// regular expression, RE2, that matches the whole value) and present. A path is /exact,
// /elements/*, /bytes*, or one of the words exact, elements, bytes, ~ and a value.
//
// After begins a block of conditions that are about the end of the request or of live's answer; the
// other conditions may stand there, too.
//
// Filters that stand before the first backend are those of the route. After a backend they are that
// backend's, as the options are; after a target the options are that target's. Filters are request
// and response (set, add, remove), rewrite-host, rewrite-path and redirect-path (full, prefix, or
// regexp with a pattern), cors, redirect and respond. Options are tls, balance, check, outlier,
// retry-budget, max-requests, max-conns, connect-timeout, proxy-protocol and follow-version. Their
// settings stand on the same line, each with its value behind it; lists have commas.
//
// limit says how much a target gets: rate and bytes are so many per time, such as 30/m, with a burst; what
// breaker has besides are settings.
//
// How copies look is said by copy-path (as rewrite-path), copy-query (regexp with a pattern, remove,
// set), copy-header (remove-like, set, add, remove, default, replace), credentials (drop, drop-query, drop-cookies, keep-cookies, and
// names, of which usual is all that is usual), bear and bear-query (the name of a credential and its
// file, behind a target that target's own), client drop, trace, redact (name, path or detect, in, do,
// text) and pseudonym-key. choose-by names the header whose value names the one target that gets a copy.
//
// # What happens to a request
//
// A route whose filters redirect or respond answers by itself. Any other picks a backend by weight.
// The request's header is edited, its Host and its path are rewritten, first as the route and then
// as the backend says. The answer's header is edited as the backend and then as the route says, and
// gets what CORS adds.
//
// A copy is made of the request as the route's filters made it, before those of the backend. See [Copy].
package route
