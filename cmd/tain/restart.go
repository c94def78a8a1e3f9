package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"tain.dev/tain/config"
)

// atOnce are the parts of a configuration that take effect without a restart.
var atOnce = []string{"Table", "Listen", "PseudonymKey"}

// change is a setting whose new value waits for a restart.
type change struct{ setting, old, new string }

// warnOfRestart says which settings differ from those that tain started with, once for as long as
// they are the same.
func (s *system) warnOfRestart(cfg *config.Config) {
	pending := changes(reflect.ValueOf(*s.cfg), reflect.ValueOf(*cfg), "")
	if slices.Equal(pending, s.pending) {
		return
	}
	s.pending = pending
	for _, c := range pending {
		s.log.Warn("a setting has changed that needs a restart", "setting", c.setting, "at", s.watcher.Place(c.setting), "old", c.old, "new", c.new)
	}
	if len(pending) == 0 {
		s.log.Info("all settings are again those that tain started with: no restart is needed")
	}
}

// changes compares two structs of settings, which have the name in a file.
func changes(old, now reflect.Value, name string) (all []change) {
	for i := range old.NumField() {
		field := old.Type().Field(i)
		if slices.Contains(atOnce, field.Name) {
			continue
		}
		setting, was, is := strings.TrimPrefix(name+"."+field.Tag.Get("json"), "."), old.Field(i), now.Field(i)
		if field.Type.Kind() == reflect.Struct {
			all = append(all, changes(was, is, setting)...)
			continue
		}
		unit := field.Tag.Get("unit")
		if before, after := settingText(was, unit), settingText(is, unit); before != after {
			all = append(all, change{setting, before, after})
		}
	}
	return all
}

// settingText writes a value as a person would in a file.
func settingText(v reflect.Value, unit string) string {
	if v.Kind() == reflect.Slice {
		var items []string
		for i := range v.Len() {
			items = append(items, fmt.Sprint(v.Index(i)))
		}
		return strings.Join(items, ", ")
	}
	if d, ok := v.Interface().(time.Duration); ok {
		return d.String()
	}
	if unit == "bytes" {
		return config.FormatSize(v.Int())
	}
	return fmt.Sprint(v)
}
