package proxy

import "testing"

func TestMarkInBaggage(t *testing.T) {
	f := func(value string, marked bool, without string) {
		t.Helper()
		if got := hasMark([]byte(value)); got != marked {
			t.Errorf("%q is marked: %v", value, got)
		}
		if got := string(appendWithoutMark(nil, []byte(value))); got != without {
			t.Errorf("%q without its mark is %q, want %q", value, got, without)
		}
	}
	f("", false, "")
	f("a=1", false, "a=1")
	f("tain.mirror=a/b", true, "")
	f("a=1, tain.mirror=a/b;p=1 , c=2", true, "a=1, c=2")
	f("tain.mirror = a,b=2", true, "b=2")
	f("a=1,tain.mirror=x,tain.mirror=y", true, "a=1")
	f("a=tain.mirror,tain.mirrored=1,Tain.Mirror=1", false, "a=tain.mirror,tain.mirrored=1,Tain.Mirror=1")
	f("tain.mirror", true, "") // no member by the standard, but plainly meant
}

// FuzzMark holds that no mark is left where marks are taken out.
func FuzzMark(f *testing.F) {
	f.Add("a=1,tain.mirror=2")
	f.Fuzz(func(t *testing.T, value string) {
		left := appendWithoutMark(nil, []byte(value))
		if hasMark(left) || !hasMark([]byte(value)) && string(left) != value && value[0] != ',' {
			t.Errorf("%q leaves %q", value, left)
		}
	})
}
