package config

import (
	"fmt"
	"maps"
	"slices"

	"tain.dev/tain/api/v1alpha1"
	"tain.dev/tain/route"
)

// compileCopy makes what copies look like. What it could not read is in the complaints.
func compileCopy(errs *complaints, s *v1alpha1.Copy) route.Copy {
	if s == nil {
		return route.Copy{}
	}
	c := route.Copy{Path: compilePath(s.Path)}
	if h := s.Headers; h != nil {
		c.Header = route.CopyEdits{
			RemoveLike: h.RemoveLike, HeaderEdits: compileEdits(&h.HeaderEdits), Default: headerFields(h.Default), Replace: headerFields(h.Replace),
		}
	}
	if q := s.Query; q != nil {
		c.Query = route.QueryEdits{Pattern: q.Regexp, Value: q.To, Remove: q.Remove}
		for _, name := range slices.Sorted(maps.Keys(q.Set)) {
			c.Query.Set = append(c.Query.Set, route.QueryParam{Name: name, Value: q.Set[name]})
		}
	}
	if k := s.Credentials; k != nil {
		c.Credentials = route.Credentials{Params: k.DropQuery, DropCookies: k.DropCookies, KeepCookies: k.KeepCookies, Set: compileSecrets(&k.Secrets)}
		for _, name := range k.Drop {
			c.Credentials.Drop(name)
		}
	}
	switch s.Client {
	case "", "keep":
	case "drop":
		c.HideClient = true
	default:
		errs.fail("copy.client", "%q is unknown; use keep or drop", s.Client)
	}
	if t := s.Trace; t != nil {
		c.Trace = route.Trace{Baggage: t.Baggage, Child: t.Child, Start: t.Start, Sampled: read(errs, "copy.trace.sampled", t.Sampled, route.ParseSampled)}
	}
	c.Redact.KeyFile = s.PseudonymKey
	for _, r := range s.Redact {
		c.Redact.Rules = append(c.Redact.Rules, route.RedactRule{In: r.In, Name: r.Name, Path: r.Path, Detect: r.Detect, Do: r.Do, Text: r.Text})
	}
	return c
}

// lendKey gives rules that make pseudonyms, and have no key of their own, the one of the configuration.
func lendKey(r *route.Redaction, file string) {
	if r.KeyFile == "" && slices.ContainsFunc(r.Rules, func(rule route.RedactRule) bool { return rule.Do == "pseudonym" }) {
		r.KeyFile = file
	}
}

// compileSecrets makes credentials, those of the header first, each in the order of the names.
func compileSecrets(s *v1alpha1.Secrets) (all []route.Secret) {
	if s == nil {
		return nil
	}
	for _, of := range []struct {
		specs map[string]v1alpha1.Secret
		query bool
	}{{s.Set, false}, {s.SetQuery, true}} {
		for _, name := range slices.Sorted(maps.Keys(of.specs)) {
			spec := of.specs[name]
			all = append(all, route.Secret{Name: name, Query: of.query, File: spec.File, Prefix: spec.Prefix})
		}
	}
	return all
}

// unreadable finds the credentials of a mirror that can't be read. Its routes serve all the same: its
// copies are dropped until the file is there.
func unreadable(m *route.Mirror) (errs complaints) {
	look := func(field string, secrets []route.Secret) {
		for i := range secrets {
			s := &secrets[i]
			if _, err := s.Read(); err != nil {
				verb := "set"
				if s.Query {
					verb = "setQuery"
				}
				errs.fail(fmt.Sprintf("%s.%s.%s", field, verb, s.Name), "%v; until it can, copies are dropped", err)
			}
		}
	}
	look("copy.credentials", m.Copy.Credentials.Set)
	for i := range m.Targets {
		look(fmt.Sprintf("targets[%d].credentials", i), m.Targets[i].Secrets)
	}
	return errs
}

// A Look says what can't be done as a mirror says, or is of no use, though nothing is wrong with it by
// itself: each an [*Error] whose Setting is the name in the mirror.
type Look func(*route.Mirror) (errs, useless []error)

// lookAtMirrors reads the credentials of the mirrors that serve, and lets others look at them. What is
// wrong with one concerns the first route that has the mirror.
func (l *loader) lookAtMirrors(routes []*route.Route, origins []*placedRoute) {
	told, serves := map[string]bool{}, map[*route.Route]bool{}
	for _, r := range l.config.Table.Routes() {
		serves[r] = true
	}
	for i, r := range routes {
		if !serves[r] {
			continue
		}
		for j, m := range r.Mirrors {
			field, places := fmt.Sprintf("%s.mirrors[%d]", origins[i].field, j), origins[i].places
			if use := origins[i].spec.Mirrors[j].Use; use != "" {
				field, places = l.placeOfMirror(use)
			}
			if told[field] {
				continue
			}
			told[field] = true
			for _, err := range unreadable(m) {
				l.add(err, field, origins[i].name(), places)
			}
			for _, look := range l.looks {
				errs, useless := look(m)
				for _, err := range errs {
					l.add(err, field, origins[i].name(), places)
				}
				for _, err := range useless {
					l.config.Warnings = append(l.config.Warnings, atPlace(err, field, origins[i].name(), places))
				}
			}
		}
	}
}

// placeOfMirror is where a mirror is defined that routes use by its name.
func (l *loader) placeOfMirror(name string) (field string, places map[string]place) {
	i := slices.IndexFunc(l.mirrorSpecs, func(n named[v1alpha1.MirrorSpec]) bool { return n.name == name })
	return l.mirrorSpecs[i].field, l.mirrorSpecs[i].places
}
