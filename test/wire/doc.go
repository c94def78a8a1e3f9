// Package wire plays exact bytes over real sockets: users, backends and targets whose every byte a
// test decides, and case files that say who sends what, who gets what, and in which order. For tests
// of the whole program it builds and starts tain, see [Main], [StartMirror] and [Tain].
//
// A case file is a txtar archive. Its comment holds lines "setting value" for whoever plays it, and
// prose behind #. Each file of the archive is one step, "actor verb", whose content is what is sent
// or must be got:
//
//	-- user sends --
//	GET / HTTP/1.1
//	Host: a
//
//	-- live gets --
//
// An actor is a kind of peer and a number: live is the first connection that the server live
// accepted, live2 the second. It enters the stage with its first step. The verbs:
//
//	sends        sends the content
//	gets         gets exactly the content, no matter in how many pieces
//	gets nothing has nothing to read at the moment
//	ends         sends no more, but goes on reading
//	closes       closes the connection
//	resets       breaks the connection
//	sees end     gets no more bytes, only the end of the connection
//	sees break   gets no more bytes: the connection was closed or reset
//	sees reset   gets the connection reset, after whatever comes before
//	enters       is there: connects, or is connected to
//
// Lines of the content end with CRLF on the wire. A backslash at the end of a line leaves that out;
// \r, \n, \t, \0, \\ and \xff, by any two hexadecimal digits, are one byte each; and a word that begins
// with $ is replaced by the play's variable of that name.
package wire
