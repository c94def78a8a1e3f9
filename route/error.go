package route

import (
	"fmt"
	"strconv"
)

// The codes of an [Error]: a closed list, fit for a metric label.
const (
	CodeSyntax    = "syntax" // only of the text form
	CodeName      = "name"
	CodeDuplicate = "duplicate"
	CodeHost      = "host"
	CodeMatch     = "match"
	CodeRegexp    = "regexp"
	CodeURL       = "url"
	CodeBackend   = "backend"
	CodeMirror    = "mirror"
	CodeSample    = "sample"
	CodeOption    = "option" // of a backend or target
	CodeFilter    = "filter"
	CodeCopy      = "copy" // how copies look
	CodeRetry     = "retry"
	CodeSession   = "session"
	CodeLimit     = "limit"
	CodeLimits    = "limits"  // of what a target gets
	CodeUseless   = "useless" // only of [Table.Useless]
)

// Error says what is wrong with one route, and what it should be.
type Error struct {
	Index  int    // which of the given routes
	Route  string // its name
	Field  string // such as backends[1].url, with the names that a configuration file has
	Text   string
	Line   int // in the text form, from 1; else 0
	Column int // in bytes, from 1
	code   string
}

// Code is the kind of error in one word.
func (e *Error) Code() string { return e.code }

func (e *Error) Error() string {
	where := ""
	if e.Line > 0 {
		where = fmt.Sprintf("%d:%d: ", e.Line, e.Column)
	}
	if e.Field == "" {
		return where + e.Text
	}
	return fmt.Sprintf("%sroute %q: %s: %s", where, e.Route, e.Field, e.Text)
}

// at is the field of a list's element.
func at(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }
