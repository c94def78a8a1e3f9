package console

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tain.dev/tain/config"
	"tain.dev/tain/control"
	"tain.dev/tain/route"
)

func share(perMillion control.Share) *control.Share { return &perMillion }

// make makes decisions at the desk itself.
func (w *world) make(t *testing.T, decisions ...control.Decision) {
	t.Helper()
	for _, d := range decisions {
		if err := w.desk.Decide(d); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOrders gives orders as curl would, and looks at what was decided.
func TestOrders(t *testing.T) {
	w := newWorld()
	w.mirrors = append(w.mirrors, control.Mirror{Mirror: "httproute/default/shop"})
	f := func(path, body string, want control.Decision) {
		t.Helper()
		rec := w.ask("POST", "/api/v1/"+path, body)
		if rec.Code != 200 {
			t.Fatalf("%s: status %d: %s", path, rec.Code, rec.Body)
		}
		got := w.desk.Report().Latest[0]
		want.Time, want.From = got.Time, "192.0.2.1"
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s with %s decides %+v, want %+v", path, body, got, want)
		}
		var says control.Report
		if err := json.Unmarshal(rec.Body.Bytes(), &says); err != nil {
			t.Fatal(err)
		}
		if now := w.desk.Report(); says.Killed != now.Killed || !reflect.DeepEqual(says.Standing, now.Standing) || says.Latest != nil || len(says.Mirrors) != 2 {
			t.Errorf("%s answers %s\nin force is %+v", path, rec.Body, now)
		}
	}
	f("kill", "", control.Decision{What: control.Kill})
	f("kill", "{}", control.Decision{What: control.Kill})
	f("unkill", ` {"by":"ann","why":"all is well"} `, control.Decision{What: control.Unkill, By: "ann", Why: "all is well"})
	f("mirrors/v2/pause", `{"by":"bob"}`, control.Decision{What: control.Pause, Mirror: "v2", By: "bob"})
	f("mirrors/v2/resume", "", control.Decision{What: control.Resume, Mirror: "v2"})
	f("mirrors/httproute%2Fdefault%2Fshop/pause", "", control.Decision{What: control.Pause, Mirror: "httproute/default/shop"})
	for body, want := range map[string]*control.Share{
		`{"percent":"5"}`: share(50_000), `{"percent":"12.5%"}`: share(125_000), `{"percent":0}`: share(0),
		`{"percent":0.0001}`: share(1), `{"percent":100}`: share(route.All), `{"percent":null}`: nil,
	} {
		f("mirrors/v2/percent", body, control.Decision{What: control.Percent, Mirror: "v2", Percent: want})
	}
}

// TestRefusedOrders gives orders that change nothing.
func TestRefusedOrders(t *testing.T) {
	w := newWorld()
	f := func(path, body string, status int, want string) {
		t.Helper()
		rec := w.ask("POST", "/api/v1/"+path, body)
		var says struct {
			Error string `json:"error"`
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &says); rec.Code != status || err != nil || !strings.Contains(says.Error, want) {
			t.Errorf("%s with %.60s: status %d, %s; want %d, %s", path, body, rec.Code, rec.Body, status, want)
		}
		if made := w.desk.Report().Latest; len(made) != 0 {
			t.Fatalf("%s with %.60s decides %+v", path, body, made)
		}
	}
	f("kill", `{"for":"10m"}`, 400, `unknown field "for"; it may say by and why`)
	f("kill", `[]`, 400, "the body can't be taken")
	f("kill", `{`, 400, "the body can't be taken")
	f("kill", `{}{}`, 400, "something follows")
	f("kill", strings.Repeat(" ", maxBody+1), 413, "over 4096 bytes")
	f("kill", `{"by":"a\nb"}`, 400, "nothing was changed")
	f("kill", `{"percent":"5"}`, 400, "percent means nothing to kill")
	f("mirrors/v2/pause", `{"percent":null}`, 400, "percent means nothing to pause")
	f("mirrors/v2/percent", "", 400, "percent is missing")
	f("mirrors/v2/percent", `{"by":"ann"}`, 400, "percent is missing")
	f("mirrors/v2/percent", `{"percent":101}`, 400, `"101" is not a percentage`)
	f("mirrors/v2/percent", `{"percent":""}`, 400, `"" is not a percentage`)
	f("mirrors/v2/percent", `{"percent":[]}`, 400, `"[]" is not a percentage`)
	f("mirrors/v3/pause", "", 404, `there is no mirror "v3"; there are: v2`)
	f("mirrors/v2/stop", "", 404, "there is nothing at")
	w.mirrors = nil
	f("mirrors/v2/pause", "", 404, "there are: none")
}

// TestUnkeptOrder gives an order that is in force, but would not outlive a restart.
func TestUnkeptOrder(t *testing.T) {
	w := newWorld()
	w.unkept = errors.New("in force, but not kept")
	rec := w.ask("POST", "/api/v1/kill", "")
	if want := `"problem":"in force, but not kept"`; rec.Code != 200 || !strings.Contains(rec.Body.String(), want) || !w.desk.Report().Killed {
		t.Errorf("status %d, %s; want 200 with %s", rec.Code, rec.Body, want)
	}
}

func TestControl(t *testing.T) {
	w := newWorld()
	if got, want := w.ask("GET", "/api/v1/control", "").Body.String(), `{"killed":false,"mirrors":[{"mirror":"v2","paused":false,"configured_percent":[12.5]}],"standing":[],"kept":""}`+"\n"; got != want {
		t.Errorf("at first there is\n%swant\n%s", got, want)
	}
	w.make(t,
		control.Decision{What: control.Percent, Mirror: "v3", Percent: share(50_000), By: "ann", From: "127.0.0.1", Why: "load"},
		control.Decision{What: control.Pause, Mirror: "gone"}, control.Decision{What: control.Kill}, control.Decision{What: control.Unkill})
	contains(t, w, "/api/v1/control", `"mirrors":[{"mirror":"v2","paused":false,"configured_percent":[12.5]},`+
		`{"mirror":"gone","paused":true,"configured_percent":[]},{"mirror":"v3","paused":false,"percent":5,"configured_percent":[]}]`)
	contains(t, w, "/api/v1/control", `"what":"percent","mirror":"v3","percent":5,"by":"ann","from":"127.0.0.1","why":"load"},`)
	v := get(t, w, "/api/v1/control", 200)
	if standing, latest := v["standing"].([]any), v["latest"].([]any); len(standing) != 2 || len(latest) != 4 || latest[0].(map[string]any)["what"] != "unkill" {
		t.Errorf("%v", v)
	}
	get(t, w, "/api/v1/control?limit=1", 400)

	// What was decided about a mirror that has gone can be taken back.
	if rec := w.ask("POST", "/api/v1/mirrors/gone/resume", ""); rec.Code != 200 {
		t.Errorf("status %d: %s", rec.Code, rec.Body)
	}
	if names := w.console(config.Config{}).mirrorNames(); !slices.Equal(names, []string{"v2", "v3"}) {
		t.Errorf("the mirrors are %v", names)
	}
}

// FuzzOrder gives any body: it is refused, or a decision that a desk takes or refuses.
func FuzzOrder(f *testing.F) {
	for _, body := range []string{"", "{}", `{"percent":"12.5%","by":"ann","why":"load"}`, `{"percent":null}`, `{"percent":100}{`, `{"by":"\u001b"}`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		w := newWorld()
		rec := w.ask("POST", "/api/v1/mirrors/v2/percent", body)
		made := w.desk.Report().Latest
		if rec.Code != 200 && rec.Code != 400 && rec.Code != 413 || (rec.Code == 200) != (len(made) == 1) {
			t.Fatalf("status %d, decided %+v", rec.Code, made)
		}
		if len(made) == 1 && made[0].Percent != nil && *made[0].Percent > route.All {
			t.Errorf("%s decides %d of a million", body, *made[0].Percent)
		}
	})
}
