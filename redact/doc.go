// Package redact keeps secrets out of everything that is kept or shown: recordings, findings,
// the console. It masks the values of Authorization, Proxy-Authorization, Cookie and Set-Cookie
// always, and header fields, query parameters, form fields and JSON fields of the names that a
// user gave, whatever their case and however deep they lie.
//
// When in doubt it masks too much. A JSON body that breaks off or is malformed is masked as far as
// it can be read; what follows is dropped if it mentions a name. A body of any other kind is kept
// whole or, if it mentions a name, dropped whole.
package redact
