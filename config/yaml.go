package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// The limits of one file, so that a broken one fails soon.
const (
	maxFile  = 16 << 20 // bytes
	maxNodes = 1 << 20  // values, with those that aliases repeat
	maxDepth = 32
)

// place is where a setting stands.
type place struct {
	file         string
	line, column int
	text         int // the column where the text of a value begins; 0 if it is not in one line
}

func placeOf(file string, node *yaml.Node) place {
	at := place{file: file, line: node.Line, column: node.Column, text: node.Column}
	if node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		at.text++
	}
	if node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		at.text = 0
	}
	return at
}

// reader reads the YAML of one file into structs. Keys are the names in json tags; a string is also
// read as a size, a duration, a path or a prefix where the field is one. A value alone may stand for a
// list of one, and for a struct that has a field tagged short. Everything that is wrong is
// collected.
type reader struct {
	file   string
	places map[string]place // of every setting, by its path
	fields map[reflect.Type]*fields
	nodes  int
	errs   []*Error
}

// errorsIn returns the errors in a setting and what belongs to it.
func (r *reader) errorsIn(path string) []*Error {
	var errs []*Error
	for _, e := range r.errs {
		if e.Setting == path || strings.HasPrefix(e.Setting, path+".") {
			errs = append(errs, e)
		}
	}
	return errs
}

// parse reads one document.
func (r *reader) parse(data []byte) *yaml.Node {
	var doc yaml.Node
	if len(data) > maxFile {
		r.errs = append(r.errs, &Error{File: r.file, Text: fmt.Sprintf("the file is larger than %s", FormatSize(maxFile))})
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err == nil {
		err = loader.Load(&doc)
	}
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err == nil && loader.Load(new(yaml.Node)) == nil:
		r.errs = append(r.errs, &Error{File: r.file, Text: "has more than one document; use one file for each"})
		return nil
	case err == nil:
		return doc.Content[0]
	}
	e := &Error{File: r.file, Text: "is not YAML: " + err.Error()}
	var at *yaml.LoadError
	if errors.As(err, &at) {
		e.Line, e.Column, e.Text = at.Mark.Line, at.Mark.Column, "is not YAML: "+at.Message
	}
	r.errs = append(r.errs, e)
	return nil
}

func (r *reader) fail(node *yaml.Node, path, format string, args ...any) {
	r.errs = append(r.errs, &Error{
		File: r.file, Line: node.Line, Column: node.Column, Setting: path, Text: fmt.Sprintf(format, args...),
	})
}

// read reads node into v, whose path is given.
func (r *reader) read(node *yaml.Node, v reflect.Value, path string) {
	r.nodes++
	if r.nodes > maxNodes || strings.Count(path, ".") > maxDepth {
		if r.nodes <= maxNodes+1 {
			r.fail(node, path, "there are too many values, or they are nested too deeply")
		}
		r.nodes = max(r.nodes, maxNodes+1)
		return
	}
	if path != "" {
		r.places[path] = placeOf(r.file, node)
	}
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if v.Type() == reflect.TypeFor[netip.Prefix]() {
		r.readScalar(node, v, path)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		r.read(node, v.Elem(), path)
	case reflect.Slice:
		r.readList(node, v, path)
	case reflect.Map:
		r.readMap(node, v, path)
	case reflect.Struct:
		r.readStruct(node, v, path)
	default:
		r.readScalar(node, v, path)
	}
}

func (r *reader) readList(node *yaml.Node, v reflect.Value, path string) {
	items := node.Content
	if node.Kind != yaml.SequenceNode {
		items = []*yaml.Node{node}
	}
	list := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		r.read(item, list.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
	v.Set(list)
}

func (r *reader) readMap(node *yaml.Node, v reflect.Value, path string) {
	v.Set(reflect.MakeMap(v.Type()))
	for key, value := range r.pairs(node, path) {
		element := reflect.New(v.Type().Elem()).Elem()
		r.read(value, element, join(path, key.Value))
		v.SetMapIndex(reflect.ValueOf(key.Value), element)
	}
}

func (r *reader) readStruct(node *yaml.Node, v reflect.Value, path string) {
	fields := r.fieldsOf(v.Type())
	if node.Kind == yaml.ScalarNode && fields.short != nil {
		r.read(node, fields.short.of(v), path)
		return
	}
	for key, value := range r.pairs(node, path) {
		field, ok := fields.byName[key.Value]
		if !ok {
			r.fail(key, join(path, key.Value), "is unknown; %s", fields.suggest(key.Value))
			continue
		}
		r.read(value, field.of(v), join(path, key.Value))
	}
}

// pairs yields the keys and values of a mapping, each key once.
func (r *reader) pairs(node *yaml.Node, path string) func(func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		if node.Kind != yaml.MappingNode {
			r.fail(node, path, "is %s; write settings with their names here", describe(node))
			return
		}
		seen := map[string]int{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			if key.Kind != yaml.ScalarNode {
				r.fail(key, path, "has %s as a name; use a word", describe(key))
				continue
			}
			if line, ok := seen[key.Value]; ok {
				r.fail(key, join(path, key.Value), "is set already in line %d; set it once", line)
				continue
			}
			seen[key.Value] = key.Line
			if !yield(key, node.Content[i+1]) {
				return
			}
		}
	}
}

func (r *reader) readScalar(node *yaml.Node, v reflect.Value, path string) {
	if node.Kind != yaml.ScalarNode {
		r.fail(node, path, "is %s; use one value", describe(node))
		return
	}
	if v.Kind() != reflect.Bool && (node.Tag == "!!bool" || node.Tag == "!!null") {
		r.fail(node, path, "is %s; use another value, or put quotes around it", describe(node))
		return
	}
	value := node.Value
	if v.Type() == reflect.TypeFor[filePath]() {
		value = r.inFolder(value)
	}
	if err := setScalar(v, value, node.Tag); err != nil {
		r.fail(node, path, "%v", err)
	}
}

// inFolder makes a path absolute that is relative to the file's folder. Words that stand for no file
// stay.
func (r *reader) inFolder(path string) string {
	if path == "" || path == off || path == Stdout || path == Stderr || filepath.IsAbs(path) {
		return path
	}
	path = filepath.Join(filepath.Dir(r.file), path)
	if absolute, err := filepath.Abs(path); err == nil {
		return absolute
	}
	return path
}

// setScalar reads text as whatever v is. What is wrong leaves v as it was.
func setScalar(v reflect.Value, text, tag string) error {
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		return set(v, text, parseDuration)
	case v.Type() == reflect.TypeFor[bytes64]():
		return set(v, text, ParseSize)
	case v.Type() == reflect.TypeFor[bytesInt]():
		return set(v, text, ParseSize)
	case v.Type() == reflect.TypeFor[netip.Prefix]():
		return set(v, text, parsePrefix)
	case v.Kind() == reflect.String:
		v.SetString(text)
		return nil
	case v.Kind() == reflect.Bool:
		return set(v, tag+text, parseBool)
	case v.Kind() == reflect.Int:
		return set(v, text, parseInt)
	case v.Kind() == reflect.Uint32:
		return set(v, text, parseUint32)
	}
	panic("BUG: a setting has the type " + v.Type().String())
}

func set[T any](v reflect.Value, text string, parse func(string) (T, error)) error {
	value, err := parse(text)
	if err == nil {
		v.Set(reflect.ValueOf(value).Convert(v.Type()))
	}
	return err
}

// parseBool reads a value with its tag before it, because a text in quotes is none.
func parseBool(tagged string) (bool, error) {
	text, ok := strings.CutPrefix(tagged, "!!bool")
	if !ok {
		return false, errors.New("is neither true nor false; use one of them")
	}
	return strings.EqualFold(text, "true"), nil
}

func parseInt(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number; use one such as 16", text)
	}
	return n, nil
}

func parseUint32(text string) (uint32, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number from 0 to %d", text, uint32(math.MaxUint32))
	}
	return uint32(n), nil
}

// parsePrefix reads a network, or an address as a network of one.
func parsePrefix(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return prefix, fmt.Errorf("%q is not a network; use one such as 10.0.0.0/8", text)
	}
	return prefix.Masked(), nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	if name == "" {
		return path
	}
	return path + "." + name
}

func describe(node *yaml.Node) string {
	switch {
	case node.Kind == yaml.MappingNode:
		return "a mapping"
	case node.Kind == yaml.SequenceNode:
		return "a list"
	case node.Tag == "!!null":
		return "empty"
	}
	return fmt.Sprintf("%q", node.Value)
}
