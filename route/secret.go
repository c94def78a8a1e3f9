package route

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// Secret is a field or a parameter that copies bear instead of the user's, with a value that nobody
// sees who sees the table: it stands in a file.
type Secret struct {
	Name   string
	Query  bool   // it is a parameter of the query, not a field of the header
	File   string // with the value; blanks and line ends around it don't count
	Prefix string // goes before the value, such as "Bearer "
}

// maxSecret is how many bytes the value of a secret may have.
const maxSecret = 16 << 10

// Read reads the value, with its prefix. It blocks as reading a file does. Errors name the file and
// quote nothing of it.
func (s *Secret) Read() (string, error) {
	value, err := readSecret("credential", s.File)
	switch {
	case err != nil:
		return "", err
	case len(value) == 0:
		return "", fmt.Errorf("the credential in %s is empty; write it there, in one line", s.File)
	case !only(string(value), isValueByte):
		return "", fmt.Errorf("the credential in %s has a line end or another control character in it; write it in one line", s.File)
	}
	return s.Prefix + string(value), nil
}

// readSecret reads a file without the blanks and line ends around what it holds. what is a word for that.
func readSecret(what, name string) ([]byte, error) {
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a named pipe must not hold us up
	if err != nil {
		return nil, fmt.Errorf("the %s can't be read: %w", what, err)
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("the %s can't be read: %s is not a regular file", what, name))
	}
	data, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the %s can't be read: %w", what, err)
	case len(data) > maxSecret:
		return nil, fmt.Errorf("the %s in %s is longer than %d bytes", what, name, maxSecret)
	}
	return bytes.Trim(data, " \t\r\n"), nil
}
