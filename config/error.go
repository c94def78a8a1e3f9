package config

import (
	"errors"
	"fmt"
	"strings"
)

// Error says what is wrong with one setting, and what it should be.
type Error struct {
	File         string // "" if it was not a file
	Line, Column int    // from 1; 0 if there is none
	Setting      string // such as routes[2].backends[0].url, or the name of a flag
	Text         string
	// Route is the name of the route, if only this route is wrong and the others serve.
	Route string
}

func (e *Error) Error() string {
	text := e.Text
	if e.Setting != "" {
		text = e.Setting + ": " + text
	}
	switch {
	case e.Line > 0:
		return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, text)
	case e.File != "":
		return e.File + ": " + text
	}
	return text
}

// errorIn says what is wrong with a text that is a setting. The error may point into it.
func errorIn(text, setting string, err error) *Error {
	e := &Error{Setting: setting, Text: fmt.Sprintf("%q: %v", text, err)}
	var pointed interface{ Column() int }
	if errors.As(err, &pointed) && !strings.Contains(text, "\n") {
		e.Column = pointed.Column()
	}
	return e
}
