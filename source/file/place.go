package file

import (
	"fmt"
	"os"
	"strings"

	"go.yaml.in/yaml/v4"

	"tain.dev/tain/config"
)

// Place says where a setting such as proxy.maxHead is written, as file:line. It is the watched path
// where it is written nowhere, so that its default holds. It reads the files, as they are now, and is
// safe for concurrent use.
func (w *Watcher) Place(setting string) string {
	files, _ := config.Files(w.path) // without any, the setting is written nowhere
	for _, file := range files {
		if line := lineOf(file, strings.Split(setting, ".")); line > 0 {
			return fmt.Sprintf("%s:%d", file, line)
		}
	}
	return w.path
}

// lineOf is the line of the last of names, each a key in the mapping of the one before; 0 if it is not
// there.
func lineOf(file string, names []string) (line int) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	var doc yaml.Node
	if yaml.Unmarshal(data, &doc) != nil || len(doc.Content) == 0 {
		return 0
	}
	at := doc.Content[0]
	for _, name := range names {
		if line, at = member(at, name); line == 0 {
			return 0
		}
	}
	return line
}

// member returns the value of a mapping's key, and the line of the key, which is 0 if there is none.
func member(mapping *yaml.Node, name string) (line int, value *yaml.Node) {
	if mapping.Kind == yaml.AliasNode {
		mapping = mapping.Alias
	}
	if mapping.Kind != yaml.MappingNode {
		return 0, nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			return mapping.Content[i].Line, mapping.Content[i+1]
		}
	}
	return 0, nil
}
