package config

import (
	"fmt"
	"strconv"
	"strings"

	"tain.dev/tain/api/v1alpha1"
	"tain.dev/tain/route"
)

// A table complains about its own fields, such as match.not[1].path. What follows finds out which of the
// conditions that somebody wrote made that one.

// written is the setting of a route that a field of the compiled one stands for.
func (s *routeSpec) written(field string) string {
	index, rest, ok := cutIndex(field, "mirrors")
	switch {
	case ok && strings.HasPrefix(rest, ".") && index < len(s.Mirrors) && s.Mirrors[index].Use == "":
		return fmt.Sprintf("mirrors[%d].%s", index, writtenInMirror(&s.Mirrors[index].MirrorSpec, rest[1:]))
	case !ok:
		return matches.written("match", s.Match, field)
	}
	return field
}

// writtenInMirror is the same for a mirror.
func writtenInMirror(spec *v1alpha1.MirrorSpec, field string) string {
	if strings.HasPrefix(field, "after.") {
		return outcomes.written("after", spec.After, field)
	}
	return matches.written("match", spec.Match, field)
}

// written is the condition in a setting that made a field below it, or the field itself where none
// did.
func (c *combiner[T]) written(setting string, conditions []v1alpha1.Condition, field string) string {
	rest, ok := strings.CutPrefix(field, setting+".")
	if !ok {
		return field
	}
	name, _, _ := strings.Cut(rest, ".")
	name, _, _ = strings.Cut(name, "[")
	index, _, _ := cutIndex(rest, name) // 0 where the field is no list, or is meant as a whole
	for i := range conditions {
		one, _ := c.one("", &conditions[i])
		if index -= c.counts(one)[name]; index < 0 {
			return fmt.Sprintf("%s[%d]", setting, i)
		}
	}
	return field
}

// cutIndex cuts name and an index in brackets from a field.
func cutIndex(field, name string) (index int, rest string, ok bool) {
	rest, ok = strings.CutPrefix(field, name+"[")
	if !ok {
		return 0, field, false
	}
	number, rest, _ := strings.Cut(rest, "]")
	index, err := strconv.Atoi(number)
	return index, rest, err == nil
}

// matchCounts says how many conditions of each field a match has.
func matchCounts(m route.Match) map[string]int {
	return map[string]int{
		"scheme": len(m.Scheme), "hosts": len(m.Hosts), "path": int(m.Path.Kind), "methods": len(m.Methods),
		"headers": len(m.Headers), "query": len(m.Query), "cookies": len(m.Cookies),
		"sources": len(m.Sources), "certs": len(m.Certs), "sni": len(m.SNI), "ports": len(m.Ports),
		"grpc": len(m.GRPC), "types": len(m.Types), "size": counted(m.Size != nil),
		"any": len(m.Any), "not": len(m.Not), "when": len(m.When),
	}
}

// afterCounts says the same of conditions on an exchange.
func afterCounts(a route.After) map[string]int {
	request := 0
	for _, n := range matchCounts(a.Request) {
		request += n
	}
	return map[string]int{
		"request": request, "fields": len(a.Fields), "size": counted(a.Size != nil),
		"status": len(a.Status), "headers": len(a.Headers), "latency": counted(a.Latency != nil),
		"backends": len(a.Backends), "fault": counted(a.Fault), "any": len(a.Any), "not": len(a.Not), "when": len(a.When),
	}
}

func counted(set bool) int {
	if set {
		return 1
	}
	return 0
}
