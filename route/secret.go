package route

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
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
	file, err := os.OpenFile(s.File, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a named pipe must not hold us up
	if err != nil {
		return "", fmt.Errorf("the credential can't be read: %w", err)
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", errors.Join(err, fmt.Errorf("the credential can't be read: %s is not a regular file", s.File))
	}
	data, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if err != nil {
		return "", fmt.Errorf("the credential can't be read: %w", err)
	}
	value := strings.Trim(string(data), " \t\r\n")
	switch {
	case len(data) > maxSecret:
		return "", fmt.Errorf("the credential in %s is longer than %d bytes", s.File, maxSecret)
	case value == "":
		return "", fmt.Errorf("the credential in %s is empty; write it there, in one line", s.File)
	case !only(value, isValueByte):
		return "", fmt.Errorf("the credential in %s has a line end or another control character in it; write it in one line", s.File)
	}
	return s.Prefix + value, nil
}
