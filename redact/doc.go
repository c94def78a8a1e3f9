// Package redact keeps secrets out of everything that leaves, is kept or is shown: copies,
// recordings, findings, the console. It does so in two ways.
//
// A Redactor applies rules to messages that must stay usable, such as copies: to heads as a whole, to
// bodies as a Stream, in pieces. Rules go by name, path or detector. What can't be redacted is an
// error, and must not leave. A Stream reads JSON and forms strictly, and tokens that pieces cut apart
// are held back until they are complete:
//
//	Redactor   checked rules: tables of names, and the paths as one automaton (Trail)
//	Stream     one body: jsonScan finds tokens, the Trail says which rule applies,
//	           and redactValue and redactFound write what stands in a value's place
//
// A Mask serves what is kept for people to read, and never fails. It masks the values of
// Authorization, Proxy-Authorization, Cookie and Set-Cookie always, and header fields, query
// parameters, form fields and JSON fields of the names that a user gave, whatever their case and
// however deep they lie. When in doubt it masks too much. A JSON body that breaks off or is malformed
// is masked as far as it can be read; what follows is dropped if it mentions a name. A body of any
// other kind is kept whole or, if it mentions a name, dropped whole.
package redact
