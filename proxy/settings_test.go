package proxy

import (
	"context"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/accesslog"
	"tain.dev/tain/config"
)

// configure reads the settings of a case file: those of config.Proxy by their names in a file, and
// some of the rig's own.
func configure(t *testing.T, cfg *config.Config, settings map[string]string) {
	t.Helper()
	proxy := reflect.ValueOf(&cfg.Proxy).Elem()
	for name, value := range settings {
		value = strings.TrimSpace(value)
		i := slices.IndexFunc(reflect.VisibleFields(proxy.Type()), func(f reflect.StructField) bool {
			return f.Tag.Get("json") == name
		})
		switch {
		case name == "log":
			cfg.AccessLog.Path, cfg.AccessLog.Template = filepath.Join(t.TempDir(), "access.log"), value
		case i >= 0:
			configureField(t, name, value, proxy.Field(i).Addr().Interface())
		default:
			t.Fatalf("there is no setting %q", name)
		}
	}
}

func configureField(t *testing.T, name, value string, field any) {
	t.Helper()
	var err error
	switch f := field.(type) {
	case *int:
		*f, err = strconv.Atoi(value)
	case *int64:
		*f, err = strconv.ParseInt(value, 10, 64)
	case *time.Duration:
		*f, err = time.ParseDuration(value)
	case *string:
		*f = value
	case *[]netip.Prefix:
		*f = []netip.Prefix{netip.MustParsePrefix(value)}
	}
	if err != nil {
		t.Fatalf("the setting %s: %v", name, err)
	}
}

// startLog starts the access log that cfg asks for.
func startLog(t testing.TB, cfg *config.Config) *accesslog.Log {
	t.Helper()
	if cfg.AccessLog.Path == "" {
		return nil
	}
	log, err := accesslog.New(accesslog.Config{Path: cfg.AccessLog.Path, Format: cfg.AccessLog.Template, Lanes: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- log.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return log
}
