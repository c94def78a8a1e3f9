// Package console is where people, scrapers and probes ask a running tain how it fares: the admin
// API with its metrics, and the health listener. docs/admin-api.md describes every endpoint.
//
// It knows no stage. What it shows and what it can change are the functions of [Sources].
//
// The admin API has no passwords. It listens on loopback by default, and defends itself against
// the web pages in the browser of whoever runs it: it answers only requests whose Host is a
// loopback name or its own address, refuses the Origin of other sites, and changes state only by
// POST with a JSON content type, which no page can send to another site unasked.
package console
