package mirror

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"tain.dev/tain/config"
	"tain.dev/tain/route"
	"tain.dev/tain/test/wire"
	"tain.dev/tain/traffic"
)

// TestVerdictFor holds what each target makes of a mirror's verdict: one that is not chosen has nothing
// to do with the request, and one without its credential gets no copy.
func TestVerdictFor(t *testing.T) {
	f := func(what string, chooseBy, choice string, broken bool, v, want verdict) {
		t.Helper()
		p := &plan{
			Mirror: &route.Mirror{ChooseBy: chooseBy, Targets: []route.Target{{Name: "a"}, {Name: "b"}}},
			shapes: []*route.Shape{nil, {}},
		}
		if !broken {
			p.shapes[0] = &route.Shape{}
		}
		if got := p.verdictFor(v, 0, choice); got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	rule := verdict{unmatched, uint8(traffic.UnmatchedRule)}
	method := verdict{unmatched, uint8(traffic.UnmatchedMethod)}
	unread := verdict{dropped, uint8(traffic.DroppedCredential)}
	body := verdict{dropped, uint8(traffic.DroppedBody)}
	unsampled := verdict{kind: unsampled}
	f("a copy", "", "", false, verdict{}, verdict{})
	f("without its credential", "", "", true, verdict{}, unread)
	f("unmatched, without its credential", "", "", true, method, method)
	f("left out, without its credential", "", "", true, unsampled, unsampled)
	f("dropped, without its credential", "", "", true, body, body)
	f("chosen", "X", "a", false, verdict{}, verdict{})
	f("chosen, without its credential", "X", "a", true, verdict{}, unread)
	f("not chosen", "X", "b", false, verdict{}, rule)
	f("nothing chosen", "X", "", false, verdict{}, rule)
	f("left out and not chosen", "X", "b", false, unsampled, rule)
	f("dropped and not chosen", "X", "b", true, body, rule)
	f("unmatched and not chosen", "X", "b", false, method, method)
}

func TestChoice(t *testing.T) {
	f := func(chooseBy string, header http.Header, want string) {
		t.Helper()
		p := &plan{Mirror: &route.Mirror{ChooseBy: chooseBy}}
		q := &route.Request{}
		if header != nil {
			q.Header = func(name string) (string, bool) { return header.Get(name), header.Get(name) != "" }
		}
		if got := p.choice(q); got != want {
			t.Errorf("%q of %v chooses %q, want %q", chooseBy, header, got, want)
		}
	}
	f("", http.Header{"X": {"a"}}, "")
	f("X", nil, "")
	f("X", http.Header{"Y": {"a"}}, "")
	f("X", http.Header{"X": {"a"}}, "a")
	f("X", http.Header{"X": {"a, b"}}, "a") // as several lines are joined
}

// TestCredential has copies bear what a file holds, takes a new content with a table, and makes no copy
// while there is none.
func TestCredential(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	table := "route all\nbackend http://$live\nmirror v2 100%\ncredentials drop usual\nbear Authorization " + file + " prefix \"Bearer \"\nto http://$target v2\n"
	r := start(t, plain(), table)
	user := wire.Dial(t, "user", r.addr)
	ask := func(answer func()) {
		user.Sends("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer users\r\n\r\n")
		live := r.live.Accepts()
		live.Gets("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer users\r\n\r\n")
		live.Sends("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
		live.Closes()
		answer()
		user.Gets("HTTP/1.1 204 No Content\r\n\r\n")
	}
	ask(func() {})
	r.waitFor(t, "v2", "seen 1\ndropped credential 1\n")
	for _, token := range []string{"one", "two"} {
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		r.setTable(t, table)
		ask(func() {
			target := r.target.Accepts()
			target.Gets("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + token + "\r\nX-Tain-Mirror: test/v2\r\n\r\n")
			target.Sends("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
			target.Closes()
		})
	}
	user.Closes()
	r.waitFor(t, "v2", "seen 3\ndropped credential 1\nsent 2\nanswered 2\ncompared 2\n")
}

// TestShapesWithoutCredential holds that each target has its own.
func TestShapesWithoutCredential(t *testing.T) {
	table, errs := route.Parse("route a\nbackend http://b\nmirror m 100%\nto http://t t\nbear A /nowhere/token\nto http://u u\n")
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	r := table.Routes()[0]
	all := shapes(&config.Mirror{Marker: "X", Instance: "i"}, r, r.Mirrors[0])
	if len(all) != 2 || all[0] != nil || all[1] == nil {
		t.Errorf("the shapes are %v", all)
	}
}
