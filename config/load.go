package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"tain.dev/tain/api/v1alpha1"
	"tain.dev/tain/route"
)

// document is what one file may hold.
type document struct {
	*Config
	Backends map[string]serverSpec          `json:"backends"`
	Mirrors  map[string]v1alpha1.MirrorSpec `json:"mirrors"`
	Routes   []routeSpec                    `json:"routes"`
}

// Load reads a file, or every *.yaml and *.yml of a folder in the order of their names: their routes,
// mirrors and backends are taken together, a setting is made in one of them. It always returns a complete
// configuration, made of what was right, and all that was wrong, each error an [*Error]. An error
// with a Route concerns that route alone: the table serves the others. Looks are taken at each mirror
// that serves.
func Load(path string, looks ...Look) (*Config, []error) {
	config := Defaults()
	l := loader{config: &config, looks: looks, places: map[string]place{}, backends: map[string]*route.Backend{}, mirrors: map[string]*route.Mirror{}}
	files, err := Files(path)
	if err != nil {
		return &config, []error{&Error{File: path, Text: err.Error()}}
	}
	for _, file := range files {
		l.readFile(file)
	}
	l.validate()
	l.compile()
	if !l.routed && len(l.errs) == 0 {
		l.errs = append(l.errs, &Error{File: path, Setting: "routes", Text: "are missing, so every request would get 404; define one, or write routes: [] if that is meant"})
	}
	slices.SortStableFunc(l.errs, byPlace)
	return &config, l.errs
}

// Check says what is wrong with a file or folder. It is what [Load] finds.
func Check(path string) []error {
	_, errs := Load(path)
	return errs
}

// Files returns the files that path stands for, as [Load] reads them.
func Files(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("can't be read: %w; name a file or a folder", errors.Unwrap(err))
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("can't be read: %w", errors.Unwrap(err))
	}
	var files []string
	for _, entry := range entries {
		name := entry.Name()
		ext := filepath.Ext(name)
		if !entry.IsDir() && !strings.HasPrefix(name, ".") && (ext == ".yaml" || ext == ".yml") {
			files = append(files, filepath.Join(path, name))
		}
	}
	if len(files) == 0 {
		return nil, errors.New("the folder has no *.yaml; put one there")
	}
	return files, nil
}

// loader puts the files together.
type loader struct {
	config       *Config
	places       map[string]place          // of the settings of all files
	backends     map[string]*route.Backend // by name; nil if it is wrong
	mirrors      map[string]*route.Mirror  // by name; nil if it is wrong
	backendSpecs []named[serverSpec]
	mirrorSpecs  []named[v1alpha1.MirrorSpec]
	routes       []placedRoute
	routed       bool // a file has routes, be it an empty list
	looks        []Look
	errs         []error
}

// named and placedRoute are what a file defines, with the places of the file's settings.
type (
	named[T any] struct {
		field  string // such as mirrors.v2
		name   string
		spec   T
		places map[string]place
		broken bool // it could not be read
	}
	placedRoute struct {
		field  string
		spec   routeSpec
		places map[string]place
		wrong  []string // settings of which something is wrong, told already
	}
)

func (l *loader) readFile(file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		l.errs = append(l.errs, &Error{File: file, Text: fmt.Sprintf("can't be read: %v", errors.Unwrap(err))})
		return
	}
	r := reader{file: file, places: map[string]place{}}
	doc := document{Config: l.config}
	if node := r.parse(data); node != nil {
		r.read(node, reflect.ValueOf(&doc).Elem(), "")
	}
	l.takeSettings(&r)
	l.backendSpecs = append(l.backendSpecs, namedIn(&r, "backends", doc.Backends)...)
	l.mirrorSpecs = append(l.mirrorSpecs, namedIn(&r, "mirrors", doc.Mirrors)...)
	_, routed := r.places["routes"]
	l.routed = l.routed || routed
	for i, spec := range doc.Routes {
		placed := placedRoute{field: fmt.Sprintf("routes[%d]", i), spec: spec, places: r.places}
		for _, e := range r.errorsIn(placed.field) {
			placed.wrong = append(placed.wrong, e.Setting)
			e.Route = placed.name()
		}
		l.routes = append(l.routes, placed)
	}
	for _, e := range r.errs {
		l.errs = append(l.errs, e)
	}
}

// validate checks the settings, except where one could not even be read.
func (l *loader) validate() {
	unread := map[place]bool{}
	for _, err := range l.errs {
		unread[placeOfError(err)] = true
	}
	for _, err := range l.config.Validate() {
		l.add(err, "", "", l.places)
		if last := len(l.errs) - 1; unread[placeOfError(l.errs[last])] {
			l.errs = l.errs[:last]
		}
	}
}

func placeOfError(err error) place {
	var e *Error
	if !errors.As(err, &e) {
		return place{}
	}
	return place{file: e.File, line: e.Line, column: e.Column}
}

// takeSettings notes where settings were made, and refuses those that another file made.
func (l *loader) takeSettings(r *reader) {
	for _, path := range slices.Sorted(maps.Keys(r.places)) {
		if isTogether(path) {
			continue
		}
		at, taken := l.places[path]
		if taken && isLeaf(r.places, path) && !strings.Contains(path, "[") {
			here := r.places[path]
			l.errs = append(l.errs, &Error{
				File: here.file, Line: here.line, Column: here.column, Setting: path,
				Text: fmt.Sprintf("is set already at %s:%d:%d; set it once", at.file, at.line, at.column),
			})
		}
		if !taken {
			l.places[path] = r.places[path]
		}
	}
}

// isTogether says that what a path names is taken from all files.
func isTogether(path string) bool {
	first, _, _ := strings.Cut(strings.ReplaceAll(path, "[", "."), ".")
	return first == "routes" || first == "mirrors" || first == "backends"
}

// isLeaf says that no other setting lies below path.
func isLeaf(places map[string]place, path string) bool {
	for other := range places {
		if strings.HasPrefix(other, path+".") {
			return false
		}
	}
	return true
}

// place is the file and the line where the route begins.
func (r *placedRoute) place() string {
	at := find(r.places, r.field)
	return fmt.Sprintf("%s:%d", at.file, at.line)
}

func (r *placedRoute) name() string {
	if r.spec.Name != "" {
		return r.spec.Name
	}
	return r.field
}

// compile makes the table of all routes that are right.
func (l *loader) compile() {
	for i := range l.backendSpecs {
		l.compileBackend(&l.backendSpecs[i])
	}
	for i := range l.mirrorSpecs {
		l.compileMirror(&l.mirrorSpecs[i])
	}
	by := defined{use: l.use, mirrors: l.mirrors}
	var routes []*route.Route
	var origins []*placedRoute
	for i := range l.routes {
		placed := &l.routes[i]
		r, errs := placed.spec.compile(&by)
		r.Place = placed.place()
		for _, m := range r.Mirrors {
			lendKey(&m.Copy.Redact, l.config.Mirror.PseudonymKey)
		}
		for _, err := range errs {
			var e *Error
			if !errors.As(err, &e) || !placed.told(join(placed.field, e.Setting)) {
				l.addRoute(err, placed)
			}
		}
		if len(placed.wrong) > 0 {
			l.checkRest(placed, r)
			continue
		}
		routes, origins = append(routes, r), append(origins, placed)
	}
	table, errs := route.New(routes)
	for _, err := range errs {
		var e *route.Error
		if errors.As(err, &e) {
			placed := origins[e.Index]
			l.addRoute(&Error{Setting: placed.spec.written(e.Field), Text: e.Text}, placed)
		}
	}
	l.config.Table = table
	l.lookAtMirrors(routes, origins)
	l.warn(routes, origins)
}

// warn notes what is of no use in the routes that serve.
func (l *loader) warn(routes []*route.Route, origins []*placedRoute) {
	serving := l.config.Table.Routes()
	for _, err := range l.config.Table.Useless() {
		var e *route.Error
		if errors.As(err, &e) {
			placed := origins[slices.Index(routes, serving[e.Index])]
			warning := &Error{Setting: join(placed.field, placed.spec.written(e.Field)), Text: e.Text, Route: placed.name()}
			warning.locate(placed.places)
			l.config.Warnings = append(l.config.Warnings, warning)
		}
	}
	slices.SortStableFunc(l.config.Warnings, byPlace)
}

// checkRest looks for more in a route that is wrong already, so that all of it is told at once.
func (l *loader) checkRest(placed *placedRoute, r *route.Route) {
	_, errs := route.New([]*route.Route{r})
	for _, err := range errs {
		var e *route.Error
		if !errors.As(err, &e) {
			continue
		}
		if setting := placed.spec.written(e.Field); !placed.told(join(placed.field, setting)) {
			l.addRoute(&Error{Setting: setting, Text: e.Text}, placed)
		}
	}
}

// told says whether it is known already what is wrong with a setting: it, or one that it is a part
// of, is wrong, or it is missing beside one that is unknown and may have been meant.
func (r *placedRoute) told(setting string) bool {
	return slices.ContainsFunc(r.wrong, func(wrong string) bool {
		rest, ok := strings.CutPrefix(setting, wrong)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
		return !r.written(setting) && !r.written(wrong) && parent(setting) == parent(wrong)
	})
}

func (r *placedRoute) written(setting string) bool {
	_, ok := r.places[setting]
	return ok
}

// parent is what a setting is a part of.
func parent(setting string) string { return setting[:max(strings.LastIndexAny(setting, ".["), 0)] }

func (l *loader) addRoute(err error, placed *placedRoute) {
	l.add(err, placed.field, placed.name(), placed.places)
	var e *Error
	if errors.As(err, &e) {
		placed.wrong = append(placed.wrong, e.Setting)
	}
}

// add notes an error of the setting field, or of one below it, at the place where it was made.
func (l *loader) add(err error, field, routeName string, places map[string]place) {
	l.errs = append(l.errs, atPlace(err, field, routeName, places))
}

// atPlace puts an error at the place where its setting was made, which is field or one below it.
func atPlace(err error, field, routeName string, places map[string]place) error {
	var e *Error
	if !errors.As(err, &e) {
		panic("BUG: an error without a setting: " + err.Error())
	}
	e.Route, e.Setting = routeName, join(field, e.Setting)
	e.locate(places)
	return e
}

// locate finds the place of the setting.
func (e *Error) locate(places map[string]place) {
	if _, written := places[e.Setting]; !written {
		e.Setting = strings.TrimSuffix(e.Setting, ".if") // which may stand alone
	}
	at := find(places, e.Setting)
	if e.Column > 0 && at.text > 0 {
		at.column = at.text + e.Column - 1
	}
	e.File, e.Line, e.Column = at.file, at.line, at.column
}

// find returns the place of a setting, or else of what it is a part of.
func find(places map[string]place, setting string) place {
	for setting != "" {
		if at, ok := places[setting]; ok {
			return at
		}
		setting = parent(setting)
	}
	return place{}
}

// byPlace orders errors as a person reads files.
func byPlace(a, b error) int {
	var x, y *Error
	if !errors.As(a, &x) || !errors.As(b, &y) {
		return 0
	}
	return cmp.Or(cmp.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column))
}
