package config

import (
	"reflect"
	"slices"
	"strings"
)

// fields are the settings of a struct, those of embedded structs included.
type fields struct {
	byName map[string]*field
	short  *field // what a value alone stands for; nil if it stands for none
}

// field is a setting, by its place in the struct.
type field struct {
	index []int
	as    reflect.Type // a pointer to what it is read as
}

// of is the setting in a struct.
func (f *field) of(v reflect.Value) reflect.Value {
	return v.FieldByIndex(f.index).Addr().Convert(f.as).Elem()
}

// fieldsOf lists the settings of a type of structs, once for a file.
func (r *reader) fieldsOf(typ reflect.Type) *fields {
	if all, ok := r.fields[typ]; ok {
		return all
	}
	all := &fields{byName: map[string]*field{}}
	for _, f := range reflect.VisibleFields(typ) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		all.byName[name] = &field{f.Index, reflect.PointerTo(readAs(f))}
		if f.Tag.Get("short") != "" {
			all.short = all.byName[name]
		}
	}
	if r.fields == nil {
		r.fields = map[reflect.Type]*fields{}
	}
	r.fields[typ] = all
	return all
}

// bytes64 and bytesInt stand for fields that hold a size, filePath for those that hold a path.
type (
	bytes64  int64
	bytesInt int
	filePath string
)

// readAs is the type that a field is read as.
func readAs(f reflect.StructField) reflect.Type {
	switch unit := f.Tag.Get("unit"); {
	case unit == "path":
		return reflect.TypeFor[filePath]()
	case unit == "bytes" && f.Type.Kind() == reflect.Int:
		return reflect.TypeFor[bytesInt]()
	case unit == "bytes":
		return reflect.TypeFor[bytes64]()
	}
	return f.Type
}

// suggest names the setting that was probably meant, or else all that there are.
func (f *fields) suggest(name string) string {
	var names []string
	for known := range f.byName {
		names = append(names, known)
	}
	slices.Sort(names)
	plain := strings.NewReplacer("-", "", "_", "", ".", "")
	for _, known := range names {
		if strings.EqualFold(plain.Replace(name), known) || distance(strings.ToLower(name), strings.ToLower(known)) <= 2 {
			return "did you mean " + known + "?"
		}
	}
	return "use one of " + strings.Join(names, ", ")
}

// distance is how many bytes must be inserted, removed or replaced to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
