// Package proxy serves live traffic exactly as if no mirror existed, and offers a bounded copy of
// it to one hook.
//
// The way of a request, in six functions:
//
//	proxy/serve.go    serve1        a connection has bytes: read a head, handle it, again
//	proxy/request.go  handle        check, find the route, offer it to the hook
//	route             Table.Lookup  which route
//	proxy/forward.go  exchangeLive  to a backend, with retries where they are safe
//	proxy/answer.go   forwardAnswer the live answer leaves here
//	proxy/request.go  endExchange   whoever captured it hears that live is done
//
// Over HTTP/2 the first one is serve2 in proxy/h2.go, which has a stream. The others see the user through
// [client] alone.
//
// # The promise to the live side
//
// These hold always, under any fault of a mirror, and each has a test:
//
//  1. A mirror never delays, changes or fails a live request. The hook returns at once. What it
//     captures is copied from the buffers through which live bytes pass anyway, after they were
//     sent on; a capture that has no room is cut, and the live bytes go on.
//  2. The memory of captures has a ceiling, see [tain.dev/tain/traffic.Memory]. Past it, copies
//     are dropped, not users.
//  3. A request sees one table from start to end. Tables are replaced whole, never edited.
//  4. Whatever is not copied is counted with one reason from a closed list, by the mirror stage.
//  5. Nothing of a request that is refused (malformed, too large, too slow, in a loop) reaches
//     live or a mirror, beyond a body that turns out to be malformed while it streams; then the
//     connection to live is reset, and the copy is aborted.
package proxy
