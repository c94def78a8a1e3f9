package redact

import (
	"fmt"
	"strings"
	"testing"
)

func TestCompile(t *testing.T) {
	f := func(rule Rule, want string) {
		t.Helper()
		_, err := Compile([]Rule{{Name: "fine"}, rule}, nil)
		if err == nil || !strings.HasPrefix(err.Error(), "rules[1]: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", rule, err, want)
		}
	}
	f(Rule{}, "one of name, path and detector")
	f(Rule{Name: "a", Detect: Card}, "one of name, path and detector")
	f(Rule{Name: "a", In: 1 << 6}, "does not exist")
	f(Rule{Name: "a", Do: 9}, "does not exist")
	f(Rule{Detect: 99}, "does not exist")
	f(Rule{Path: "$.a", In: Form}, "for JSON alone")
	f(Rule{Name: "content-length", In: Header}, "can't be redacted")
	f(Rule{Name: "a", Text: "x", Do: Remove}, "for replacing alone")
	f(Rule{Name: "a", Text: "x\r\ny"}, "control characters")
	f(Rule{Name: "a", Do: Pseudonym}, "a key of at least 16 bytes, and there are 0")
	f(Rule{Path: "a.b"}, "does not begin with $")
	f(Rule{Path: "$"}, "before it names a field")
	f(Rule{Path: "$.a.."}, "before it names a field")
	f(Rule{Path: "$.a b"}, `write it ["so"]`)
	f(Rule{Path: "$.a["}, "no ] after [")
	f(Rule{Path: "$.a[-1]"}, "neither *, nor an index")
	f(Rule{Path: "$.a[01]"}, "neither *, nor an index")
	f(Rule{Path: `$["a]`}, `no "name" and ]`)
	f(Rule{Path: `$[""]`}, "no name")
	f(Rule{Path: "$a"}, "neither . nor [")
	f(Rule{Path: "$.a.[0]"}, "a name is missing")
	f(Rule{Path: "$...a"}, "a dot too many")
	f(Rule{Path: "$" + strings.Repeat(".a", 300)}, "may have 256 steps")
	if _, err := Compile([]Rule{{Path: "$..a" + strings.Repeat("[*]", 20)}}, nil); err == nil || !strings.Contains(err.Error(), "use names instead") {
		t.Errorf("a path with too many states: %v", err)
	}
}

// TestManyRules holds that rules do not get into each other's way when they are many.
func TestManyRules(t *testing.T) {
	var rules []Rule
	var body, want strings.Builder
	for i := range 100 {
		name := strings.Repeat("n", i%70+1) + string(rune('a'+i%26))
		if i%3 == 0 && i < 90 {
			rules = append(rules, Rule{Path: "$.x." + name + "[0]"})
			body.WriteString(`,"` + name + `":[1,2]`)
			want.WriteString(`,"` + name + `":["[masked]",2]`)
			continue
		}
		rules = append(rules, Rule{Name: "q" + name})
		body.WriteString(`,"Q` + name + `":1,"` + name + `q":1`)
		want.WriteString(`,"Q` + name + `":"[masked]","` + name + `q":1`)
	}
	checkStream(t, compile(t, rules...), jsonType, `{"x":{"y":1`+body.String()+`}}`, `{"x":{"y":1`+want.String()+`}}`, nil)
}

func TestNames(t *testing.T) {
	var n names
	if n.find([]byte("a")) != none || n.find(nil) != none {
		t.Error("without names, one is found")
	}
	long := strings.Repeat("x", 70)
	for i, name := range []string{"token", "Straße", "ΣΊΣΥΦΟΣ", long, "xxxxxx", "s"} {
		if got := n.add(name); got != i {
			t.Errorf("%s is number %d", name, got)
		}
	}
	f := func(name string, want int) {
		t.Helper()
		if got := n.find([]byte(name)); got != want {
			t.Errorf("%s is number %d, want %d", name, got, want)
		}
	}
	f("TOKEN", 0)
	f("to\u212aen", 0)
	f("tokens", none)
	f("STRASSE", none)
	f("STRAẞE", 1)
	f("\u017ftraße", 1)
	f("σίσυφος", 2)
	f(strings.ToUpper(long), 3)
	f("xXxXxX", 4)
	f("\u017f", 5)
	f("\xff", none)
	f("", none)
	if n.add("ToKeN") != 0 {
		t.Error("a name got two numbers")
	}
}

func TestUnused(t *testing.T) {
	f := func(want string, rules ...Rule) {
		t.Helper()
		if got := fmt.Sprint(compile(t, rules...).Unused()); got != want {
			t.Errorf("%v: %s are unused, want %s", rules, got, want)
		}
	}
	f("[]")
	f("[]", Rule{Name: "a"}, Rule{Name: "b"}, Rule{Detect: Card}, Rule{Path: "$.c"})
	f("[1]", Rule{Name: "a"}, Rule{Name: "A", In: Form})
	f("[]", Rule{Name: "A", In: Form}, Rule{Name: "a"})
	f("[1 3]", Rule{Detect: Card}, Rule{Detect: Card, In: JSON}, Rule{Detect: Email, In: JSON}, Rule{Detect: Email, In: JSON})
	f("[1 2]", Rule{Path: "$.a"}, Rule{Path: "$.a.b"}, Rule{Path: "$.A"})
	f("[0]", Rule{Path: "$.x.a.b"}, Rule{Name: "a", In: JSON})
	f("[]", Rule{Path: "$..a"}, Rule{Name: "a"})
	f("[1]", Rule{Path: "$..a"}, Rule{Name: "a", In: JSON})
}
