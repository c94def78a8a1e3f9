package control

import (
	"bytes"
	"encoding/json"
	"os"
)

// maxAudit is how large the audit log grows, in bytes, before a new one is begun. The one before is kept
// beside it.
const maxAudit = 1 << 20

// auditLog is a file with a decision per line. It is written only from [Desk.Decide].
type auditLog struct {
	path string
	file *os.File
	size int64
	max  int64
}

// openAudit opens the log at path, and returns its latest decisions, the oldest first.
func openAudit(path string) (*auditLog, []Decision, error) {
	a := &auditLog{path: path, max: maxAudit}
	if err := a.open(); err != nil {
		return nil, nil, err
	}
	text, err := os.ReadFile(path) // up to maxAudit
	if err == nil && len(text) > 0 && text[len(text)-1] != '\n' {
		_, err = a.file.WriteString("\n") // behind a line that a crash has cut off
	}
	if err != nil {
		a.close()
		return nil, nil, err
	}
	return a, decisions(text), nil
}

func (a *auditLog) open() error {
	f, err := os.OpenFile(a.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	a.file, a.size = f, info.Size()
	return nil
}

func (a *auditLog) close() error { return a.file.Close() }

// append writes a line, and sees to it that it outlives a crash.
func (a *auditLog) append(d *Decision) error {
	line, err := json.Marshal(d)
	if err != nil {
		panic("BUG: a decision that is no JSON: " + err.Error())
	}
	if a.size+int64(len(line)) >= a.max {
		if err := a.rotate(); err != nil {
			return err
		}
	}
	n, err := a.file.Write(append(line, '\n'))
	a.size += int64(n)
	if err != nil {
		return err
	}
	return a.file.Sync()
}

func (a *auditLog) rotate() error {
	if err := os.Rename(a.path, a.path+".1"); err != nil {
		return err
	}
	old := a.file
	if err := a.open(); err != nil {
		return err // the old one goes on, under its new name
	}
	return old.Close()
}

// decisions are the latest of a log's text, the oldest first. Lines that can't be read are passed over.
func decisions(text []byte) []Decision {
	var all []Decision
	for line := range bytes.Lines(text) {
		var d Decision
		if json.Unmarshal(line, &d) == nil {
			all = append(all, d)
		}
	}
	return all[max(0, len(all)-recent):]
}
