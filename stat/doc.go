// Package stat holds the statistics that more than one stage needs: histograms of durations that
// cost nanoseconds to feed, and a test that may be looked at at any time. It has no state of its
// own, reads no clock and imports nothing of tain.
package stat
