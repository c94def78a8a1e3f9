package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tain.dev/tain/config"
	"tain.dev/tain/control"
)

// Limits of a question to the admin API.
const (
	askTimeout      = 10 * time.Second
	completeTimeout = time.Second
	maxAnswer       = 32 << 20 // bytes
)

// ask sends an order or a question to the admin API, and returns what holds.
func (c *ctl) ask(method, path string, body map[string]any) (*control.Report, error) {
	if c.output != "text" && c.output != "json" {
		return nil, badOutput(c.output)
	}
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	return c.askWithin(ctx, method, path, body)
}

func (c *ctl) askWithin(ctx context.Context, method, path string, body map[string]any) (*control.Report, error) {
	var content []byte
	if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			panic("BUG: an order that is no JSON: " + err.Error())
		}
	}
	base, err := c.base()
	if err != nil {
		return nil, err
	}
	status, text, err := exchange(ctx, base, method, path, content)
	if err != nil {
		return nil, err
	}
	return readReport(base, status, text)
}

// exchange sends a request to the admin API at base, and returns its answer.
func exchange(ctx context.Context, base, method, path string, content []byte) (status int, text []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, method, base+path, bytes.NewReader(content))
	if err != nil {
		return 0, nil, usageError("--admin: %v", err)
	}
	request.Header.Set("Content-Type", "application/json")
	// A proxy of the environment has no way to this machine's loopback.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: refuseRedirect}
	answer, err := client.Do(request)
	if err != nil {
		return 0, nil, unreachable(base, err)
	}
	defer answer.Body.Close()
	if text, err = io.ReadAll(io.LimitReader(answer.Body, maxAnswer)); err != nil {
		return 0, nil, unreachable(base, err)
	}
	return answer.StatusCode, text, nil
}

func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// base is the URL of the admin API, without a path.
func (c *ctl) base() (string, error) {
	admin := cmp.Or(c.admin, os.Getenv("TAIN_ADMIN"), config.Defaults().Admin)
	if !strings.Contains(admin, "://") {
		if strings.HasPrefix(admin, ":") {
			admin = "127.0.0.1" + admin
		}
		admin = "http://" + admin
	}
	u, err := url.Parse(admin)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return "", usageError("--admin: %q is not the address of an admin API; use host:port, or a URL such as http://127.0.0.1:9780", admin)
	}
	return u.Scheme + "://" + u.Host + strings.TrimSuffix(u.EscapedPath(), "/"), nil
}

// unreachable is the error of an admin API that does not answer.
func unreachable(base string, err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		err = of.Err
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return environment(fmt.Errorf("nobody listens at %s", base),
			"is tain running? --admin, or TAIN_ADMIN, is the address of its admin API; where that is off, kill -USR1 PID stops all mirroring")
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("no answer within %s", askTimeout)
	}
	return environment(fmt.Errorf("asking the admin API at %s: %w", base, err), "--admin, or TAIN_ADMIN, is the address of tain's admin API")
}

// readReport reads an answer of the admin API.
func readReport(base string, status int, text []byte) (*control.Report, error) {
	var says struct {
		control.Report
		Error string `json:"error"`
	}
	err := json.Unmarshal(text, &says)
	switch {
	case err == nil && says.Error != "":
		return nil, &exitError{code: exitNegative, err: errors.New(says.Error)}
	case err != nil || status != http.StatusOK || says.Standing == nil:
		return nil, stranger(base, status)
	}
	return &says.Report, nil
}

// stranger is the error of something that answers as no admin API of tain does.
func stranger(base string, status int) error {
	return environment(fmt.Errorf("what answers at %s, with status %d, is not tain's admin API", base, status), "--admin, or TAIN_ADMIN, is the address of tain's admin API")
}

// completeMirror asks tain for the names of its mirrors.
func (c *ctl) completeMirror(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(context.Background(), completeTimeout)
	defer cancel()
	report, err := c.askWithin(ctx, "GET", "/api/v1/control", nil)
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for i := range report.Mirrors {
		m := &report.Mirrors[i]
		names = append(names, cobra.CompletionWithDesc(m.Mirror, mirrorText(report, m, time.Now())))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
