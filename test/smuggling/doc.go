// Package smuggling tries requests that two parsers may read differently. Each goes through the built
// tain to nginx, to Go's net/http and to Node, which note what they see; a well-formed probe follows
// on another connection. tain, the server behind it and the target of its mirror must agree on every
// request, and every answer must belong to what its connection asked. The same holds for users who come
// over TLS, and for nginx and Go where tain speaks HTTP/2 to them; their names are nginx-h2 and go-h2.
//
// A file of testdata is a txtar archive: one class of tricks, with its reason as the comment. Each file
// of the archive is a vector, named
//
//	-- what is odd about it: what becomes of it --
//
// Its content is what the client sends, in the escaped form of [tain.dev/tain/test/wire]: bytes, or in
// testdata/h2 the fields and the body of one stream. What becomes of it is a list, in the order in which
// the client asks:
//
//	400                      tain answers with that status, closes, and forwards nothing
//	400 early                … or closes without an answer, when the line has not come as a whole
//	GET /a                   the server sees this request, without a body
//	POST /a "body" host=b    … with that body, and that host
//	POST /a nginx=405        … but nginx answers it with a status of its own, maybe before it has
//	                         read the body; so nothing follows
//	GET /a go-h2=502         … but that server does not take it, so tain answers 502, and closes
//	POST /a cut 400          the server sees at most the beginning: tain answers 400 when the body
//	                         turns out to be malformed, and breaks the connection
//	POST /a cut              … the body ends before it should: there is no answer
//	POST /a cut reset        … of HTTP/2: tain resets the stream, maybe before it forwards anything
//	reset                    tain resets the stream of HTTP/2, and forwards nothing
//	reset whole              … where all comes at once; else it may have answered already
//	nothing                  tain closes without an answer, and forwards nothing: the first line is not one
//	                         of HTTP/1, or its head does not end
//
// The tests need nginx and node.
package smuggling
