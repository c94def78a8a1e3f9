// Package store keeps records of pairs, on disk and the latest in memory, within a budget of bytes.
//
// # The recording format
//
// Every run of tain writes into a folder of its own, named by its start in UTC and its process id:
//
//	DIR/20260102T150405Z-4711/pairs-000001.jsonl
//	DIR/20260102T150405Z-4711/pairs-000002.jsonl
//	DIR/20260102T150405Z-4711/findings.json
//
// A segment, pairs-NNNNNN.jsonl, is text in UTF-8, one JSON value per line, each line ended by a
// line feed. The first line is a header, every other line is one [traffic.Record]:
//
//	{"format":"tain-recording","version":1}
//	{"id":17,"time":"2026-01-02T15:04:05.123Z","route":"quick", …}
//
// A segment may end in the middle of a line, if tain was killed; readers drop that line. Readers
// ignore fields that they do not know, and refuse a version that is greater than theirs. Fields
// are added without a new version; a new version means that old readers would misunderstand.
//
// findings.json is written when a run ends, as a whole: {"format":"tain-findings","version":1,
// "findings":[…]} with one [finding.Finding] each.
//
// Secrets are masked before a record gets here. Files can be read by their owner only.
package store
