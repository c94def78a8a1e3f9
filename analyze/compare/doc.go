// Package compare asks of every pair whether the target answered the same as live: the same
// status, header fields and body, and as fast.
//
// Read it in this order: compare.go (one pair), reader.go (one answer), header.go and body.go (what
// counts as a difference), diff.go and array.go (JSON by path), grpc.go and frames.go (the status and
// the messages of gRPC), wire.go and wirediff.go (protobuf by field number), group.go (the bounded
// counts), judge.go (which counts are findings). Differences are counted by mirror, target, endpoint
// and path. A difference is reported only if the target shows it more often than the baseline does,
// see [stat.Excess]; without a baseline everything is reported.
//
// Two equal answers cost a pass over their bytes, and nothing is allocated. An answer whose status
// differs is another answer altogether: the status is reported, and the rest is not compared.
package compare
