package traffic

import (
	"encoding/json"
	"testing"
)

func TestAccount(t *testing.T) {
	f := func(b Books, want string) {
		t.Helper()
		got, err := json.Marshal(b.Account())
		if err != nil || string(got) != want {
			t.Errorf("%+v is written as\n%s, %v; want\n%s", b, got, err, want)
		}
	}
	f(Books{}, `{"seen":0,"unmatched":{},"unsampled":0,"dropped":{},"sent":0,"answered":0,"failed":{},`+
		`"compared":0,"uncompared":{},"queued":0,"inflight":0,"comparing":0}`)
	f(Books{
		Seen: 20, Unmatched: [NumUnmatched]uint64{UnmatchedMethod: 1}, Unsampled: 2,
		Dropped: [NumDropped]uint64{DroppedQueue: 3, DroppedStopping: 1}, Queued: 1, Sent: 12,
		Failed: [NumFailed]uint64{FailedIncomplete: 4}, InFlight: 2, Answered: 6,
		Compared: 3, Uncompared: [NumUncompared]uint64{UncomparedLive: 2}, Comparing: 1,
	}, `{"seen":20,"unmatched":{"method":1},"unsampled":2,"dropped":{"queue":3,"stopping":1},"sent":12,"answered":6,`+
		`"failed":{"live_incomplete":4},"compared":3,"uncompared":{"live":2},"queued":1,"inflight":2,"comparing":1}`)
	f(Books{Mirror: "v2", Target: "a:80", Seen: 1}, `{"seen":1,"unmatched":{},"unsampled":0,"dropped":{},"sent":0,`+
		`"answered":0,"failed":{},"compared":0,"uncompared":{},"queued":0,"inflight":0,"comparing":0,`+
		`"imbalance":"mirror v2 to a:80: seen 1 is not unmatched + unsampled + dropped + queued + sent = 0"}`)
}
