// Package report says what was seen, for people and for pipelines: the summary that a terminal
// shows while tain runs, and the report at the end, as text and as JSON. Everything it says comes
// from one [Snapshot].
//
// The rules of its text: plain sentences, numbers aligned, at most 80 columns unless the terminal
// has fewer, colour only where it helps to find the place. What clients and services sent is
// shown without control characters, so that it can't reach the terminal.
package report
