package route

import (
	"slices"
	"strings"
	"testing"
)

// FuzzQueryEdits holds edits of a query against decoding all of it: what is neither removed nor set
// stays, in its order, and what is set comes last.
func FuzzQueryEdits(f *testing.F) {
	f.Add("a=1&b=%32&%61=+&&=", "b", "c", "d e")
	f.Add("A=1", "a", "a b", "%")
	f.Fuzz(func(t *testing.T, query, removed, set, value string) {
		if removed == "" || set == "" {
			return
		}
		q := newQueryEditor(&QueryEdits{Remove: []string{removed}, Set: []QueryParam{{set, value}}})
		q.dropFolded([]string{"Token"})
		var want []string
		for name, v := range Params(query) {
			if name != removed && name != set && !equalFold([]byte(name), "token") {
				want = append(want, name, v)
			}
		}
		want = append(want, set, value)
		edited := string(q.append(nil, []byte("?"+query)))
		var got []string
		for name, v := range Params(strings.TrimPrefix(edited, "?")) {
			got = append(got, name, v)
		}
		if !slices.Equal(got, want) || !strings.HasPrefix(edited, "?") {
			t.Fatalf("%q becomes %q: %q, want %q", query, edited, got, want)
		}
	})
}

// FuzzTrace holds that a traceparent that is changed stays one of the same trace, that one that is none
// stays as it is, and that baggage keeps to its limits.
func FuzzTrace(f *testing.F) {
	f.Add(parentOn, "a=1,b=2")
	f.Add(strings.Replace(parentOff, "00", "cc", 1)+"-what", ",")
	f.Add("", "\u00a0") // a space elsewhere, not in HTTP
	s := shapeOf(f, "path /*", "trace child baggage sampled off")
	f.Fuzz(func(t *testing.T, parent, members string) {
		clean := func(text string) bool {
			return only(text, isValueByte) && strings.Trim(text, " \t") == text && !strings.Contains(text, "|")
		}
		if !clean(parent) || !clean(members) {
			return
		}
		before, ok := parseTraceparent([]byte(parent))
		fields := strings.Split(s.copyOf(t, "GET /|traceparent: "+parent+"|baggage: "+members), "|")[1:]
		_, got, _ := strings.Cut(fields[0], ": ")
		after, still := parseTraceparent([]byte(got))
		if ok && (!still || string(after.trace) != string(before.trace) || after.sampled) || !ok && got != parent {
			t.Fatalf("%q becomes %q", parent, got)
		}
		_, bag, _ := strings.Cut(fields[1], ": ")
		if rest, marked := strings.CutSuffix(bag, "tain.mirror=here/m"); !marked && bag != members || marked && strings.TrimSuffix(rest, ",") != members {
			t.Fatalf("%q becomes %q", members, bag)
		} else if marked && (len(bag) > maxBaggage || strings.Count(bag, ",") >= maxBaggageMembers) {
			t.Fatalf("the baggage has %d bytes and %d members", len(bag), strings.Count(bag, ",")+1)
		}
	})
}

func TestParseTraceparent(t *testing.T) {
	f := func(value string, ok, sampled bool) {
		t.Helper()
		p, got := parseTraceparent([]byte(value))
		if got != ok || ok && (p.sampled != sampled || string(p.trace) != value[3:35] || string(p.parent) != value[36:52]) {
			t.Errorf("%q: %v, %s-%s, sampled %v", value, got, p.trace, p.parent, p.sampled)
		}
	}
	f(parentOn, true, true)
	f(parentOff, true, false)
	f(parentOff[:53]+"ff", true, true)
	f(parentOff[:53]+"02", true, false)
	f("cc"+parentOn[2:], true, true)
	f("cc"+parentOn[2:]+"-more", true, true)
	f("cc"+parentOn[2:]+"more", false, false)
	f("ff"+parentOn[2:], false, false)
	f(parentOn+"-", false, false)
	f(parentOn[:54], false, false)
	f(strings.Replace(parentOn, "-", "_", 1), false, false)
	f("", false, false)
}

// TestFieldVerbs holds that names are found whatever their length and case, and no others.
func TestFieldVerbs(t *testing.T) {
	var v fieldVerbs
	if !v.empty() {
		t.Error("there are verbs")
	}
	long := strings.Repeat("l", 40)
	v.set(dropField, "A", "Bb", long, long+"x")
	v.set(sortCookie, "bB")
	f := func(line string, want verb) {
		t.Helper()
		got := keepField
		if does, name := v.of([]byte(line)); does != nil {
			if got = does.verb; line[name] != ':' {
				t.Errorf("%q: the name has %d bytes", line, name)
			}
		}
		if got != want {
			t.Errorf("%q: verb %d, want %d", line, got, want)
		}
	}
	f("a: 1\r\n", dropField)
	f("A:\r\n", dropField)
	f("BB: 1\r\n", sortCookie)
	f("b: 1\r\n", keepField)
	f("ab: 1\r\n", keepField)
	f("!: 1\r\n", keepField) // the last five bits of A
	f(strings.ToUpper(long)+"X: 1\r\n", dropField)
	f(long+"y: 1\r\n", keepField)
	f("a\r\n", keepField)
}
