package accesslog

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// brief is how many bytes of a value are kept in a line that would be too long.
const brief = 256

// combined is what nginx and Apache call by that name.
const combined = `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"`

// format is a compiled format: parts in order, and what stands behind the last one.
type format struct {
	parts  []part
	end    string
	escape escaping
}

// part is a value with the text before it.
type part struct {
	before   string
	value    *variable
	absent   string // stands for a value that is not known
	optional bool   // nothing stands for it, not even the text before it
	quoted   bool   // a quotation mark follows, like the one that ends before
}

// compile turns the setting into a format.
func compile(setting string) (*format, error) {
	switch {
	case setting == "combined":
		return compileTemplate(combined)
	case setting == "json":
		return jsonFormat(), nil
	case strings.Contains(setting, "$"):
		return compileTemplate(setting)
	}
	return nil, fmt.Errorf("the format %q is neither combined nor json, and no template, for want of a $variable", setting)
}

// compileTemplate reads a template, whose grammar is in the package comment.
func compileTemplate(template string) (*format, error) {
	f := &format{escape: escapeNginx}
	if strings.HasPrefix(template, "{") {
		f.escape = escapeJSON
	}
	if at := strings.IndexFunc(template, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }); at >= 0 {
		return nil, fmt.Errorf("the template has a control character at column %d; a request is one line of text", column(template, at))
	}
	var text strings.Builder // what stands before the next value
	for pos := 0; pos < len(template); {
		dollar := strings.IndexByte(template[pos:], '$')
		if dollar < 0 {
			text.WriteString(template[pos:])
			break
		}
		text.WriteString(template[pos : pos+dollar])
		pos += dollar
		if strings.HasPrefix(template[pos:], "$$") {
			text.WriteByte('$')
			pos += 2
			continue
		}
		name, size := variableName(template[pos:])
		v := lookup(name)
		if v == nil {
			return nil, fmt.Errorf("the template has no variable %q, at column %d; there are %s", template[pos:pos+size], column(template, pos), variableNames())
		}
		f.parts = append(f.parts, part{before: text.String(), value: v, absent: f.escape.absent(v)})
		text.Reset()
		pos += size
	}
	f.end = text.String() + "\n"
	return f, nil
}

// variableName reads $name or ${name} at the beginning of s. size is that of all of it; name is ""
// if it is none.
func variableName(s string) (name string, size int) {
	if strings.HasPrefix(s, "${") {
		end := strings.IndexByte(s, '}')
		if end < 0 {
			return "", len(s)
		}
		return s[2:end], end + 1
	}
	size = 1
	for size < len(s) && (s[size] == '_' || s[size] >= '0' && s[size] <= '9' || s[size]|0x20 >= 'a' && s[size]|0x20 <= 'z') {
		size++
	}
	return s[1:size], size
}

// column counts characters, from 1.
func column(s string, at int) int { return utf8.RuneCountInString(s[:at]) + 1 }

func lookup(name string) *variable {
	i := slices.IndexFunc(variables, func(v variable) bool { return v.name != "" && v.name == name })
	if i < 0 {
		return nil
	}
	return &variables[i]
}

func variableNames() string {
	var names []string
	for _, v := range variables {
		if v.name != "" {
			names = append(names, "$"+v.name)
		}
	}
	return strings.Join(names, " ")
}

// jsonFormat is an object of all variables that have a key.
func jsonFormat() *format {
	f := &format{escape: escapeJSON, end: "}\n"}
	open := "{"
	for i := range variables {
		v := &variables[i]
		if v.key == "" {
			continue
		}
		p := part{before: open + `"` + v.key + `":`, value: v, optional: v.optional, absent: f.escape.absent(v)}
		if v.kind != number {
			p.before, p.quoted = p.before+`"`, true
		}
		f.parts = append(f.parts, p)
		open = ","
	}
	return f
}

// longest is the most that a line with brief values can take.
func (f *format) longest() int {
	n := len(f.end)
	for _, p := range f.parts {
		n += len(p.before) + len(p.absent) + 1
		if p.value.kind == text {
			n += (brief + len(dots)) * f.escape.most()
		} else {
			n += shortest
		}
	}
	return n
}

// line is the text of one entry after another, in memory that it keeps.
type line struct {
	format *format
	mask   func(dst, target []byte) []byte
	most   int // bytes of a line

	buf   []byte
	raw   []byte // a value before it was escaped
	limit int    // bytes of a value

	local, zoned, utc stamp
}

// of returns the line of an entry, with its end. It is valid until the next call.
func (l *line) of(e *Entry) []byte {
	l.limit = l.most
	if l.write(e); len(l.buf) > l.most {
		l.limit = brief
		l.buf, l.raw = nil, nil // keep no memory that only such lines need
		l.write(e)
	}
	return l.buf
}

// write formats the entry, as far as it fits.
func (l *line) write(e *Entry) {
	dst, f := l.buf[:0], l.format
	for i := 0; i < len(f.parts) && len(dst) <= l.most; i++ {
		p := &f.parts[i]
		begin := len(dst)
		dst = append(dst, p.before...)
		start := len(dst)
		dst = p.value.put(dst, e, l)
		if len(dst) == start {
			if p.optional {
				dst = dst[:begin]
				continue
			}
			dst = append(dst, p.absent...)
		} else if p.value.kind == text {
			dst = l.escape(dst, start)
		}
		if p.quoted {
			dst = append(dst, '"')
		}
	}
	l.buf = append(dst, f.end...)
}
