// Package analyze takes complete pairs from the event loops and runs the analysers on them,
// without ever making a loop wait.
//
// Every loop has a bounded ring of its own, a lane. One worker drains all lanes. It runs on an
// operating system thread of its own with the lowest priority, so that comparing uses what the
// live traffic leaves over; when that is not enough, pairs are refused and the books say so. A
// sleeping worker looks at its lanes every few milliseconds by itself. A loop wakes it up only when
// a lane is half full, so that offering a pair usually costs no system call.
package analyze
