package config

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Validate completes c where off or nothing was written, and says what is wrong with the settings,
// each error an [*Error] whose Setting is the name in a file, such as proxy.maxHead. The table was
// checked when it was made.
func (c *Config) Validate() []error {
	v := validator{}
	c.complete()
	v.listeners(c.Listen)
	for _, addr := range []struct{ setting, value string }{{"admin", c.Admin}, {"health", c.Health}} {
		if addr.value != "" {
			v.address(addr.setting, addr.value)
		}
	}
	if c.Admin != "" && c.Admin == c.Health {
		v.fail("health", "%q is the address of admin too; use another port", c.Health)
	}
	v.between("loops", int64(c.Loops), 1, 1024)
	v.duration("drain", c.Drain)
	v.proxy(&c.Proxy)
	v.mirror(&c.Mirror)
	v.between("data.maxBytes", c.Data.MaxBytes, 1<<20, 1<<50)
	for i, name := range c.Mask {
		if name == "" {
			v.fail(fmt.Sprintf("mask[%d]", i), "is empty; use the name of a header, parameter or field")
		}
	}
	v.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	v.oneOf("log.format", c.Log.Format, "auto", "text", "json")
	v.accessLog(&c.AccessLog)
	return v.errs
}

// complete replaces the word off, and a zero that stands for a default.
func (c *Config) complete() {
	for _, value := range []*string{&c.Admin, &c.Health, &c.Proxy.Via, &c.AccessLog.Path} {
		if *value == off {
			*value = ""
		}
	}
	for i := range c.Listen {
		c.Listen[i].complete()
	}
	if c.Loops == 0 {
		c.Loops = Defaults().Loops
	}
	if c.Mirror.Instance == "" {
		c.Mirror.Instance = hostName()
	}
}

// off is the word that switches a listener, Via, the access log or the data on disk off.
const off = "off"

// validator collects what is wrong.
type validator struct{ errs []error }

func (v *validator) fail(setting, format string, args ...any) {
	v.errs = append(v.errs, &Error{Setting: setting, Text: fmt.Sprintf(format, args...)})
}

func (v *validator) proxy(p *Proxy) {
	v.duration("proxy.handshakeTimeout", p.HandshakeTimeout)
	v.duration("proxy.headTimeout", p.HeadTimeout)
	v.duration("proxy.bodyTimeout", p.BodyTimeout)
	v.duration("proxy.idleTimeout", p.IdleTimeout)
	v.duration("proxy.connectTimeout", p.ConnectTimeout)
	v.duration("proxy.responseTimeout", p.ResponseTimeout)
	v.duration("proxy.writeTimeout", p.WriteTimeout)
	v.between("proxy.maxHead", int64(p.MaxHead), 1<<10, 1<<20)
	v.between("proxy.maxURI", int64(p.MaxURI), 256, 1<<16)
	v.between("proxy.maxFields", int64(p.MaxFields), 16, 256)
	v.between("proxy.maxBody", p.MaxBody, 0, 1<<50)
	v.between("proxy.minBodyRate", p.MinBodyRate, 0, 1<<30)
	v.between("proxy.maxConns", int64(p.MaxConns), 0, 1<<30)
	v.between("proxy.maxConnsPerClient", int64(p.MaxConnsPerClient), 0, 1<<30)
	v.between("proxy.maxRequests", int64(p.MaxRequests), 0, 1<<30)
	v.between("proxy.maxRequestsPerConn", int64(p.MaxRequestsPerConn), 0, 1<<30)
	v.between("proxy.maxStreams", int64(p.MaxStreams), 1, 10_000)
	v.between("proxy.streamWindow", int64(p.StreamWindow), 16<<10, 16<<20)
	v.between("proxy.connWindow", int64(p.ConnWindow), 64<<10, 64<<20)
	v.between("proxy.idlePerBackend", int64(p.IdlePerBackend), 0, 1<<16)
	v.oneOf("proxy.forwarded", p.Forwarded, ForwardedAppend, ForwardedReplace, ForwardedOff)
	if p.Via != "" {
		v.token("proxy.via", p.Via)
	}
}

func (v *validator) mirror(m *Mirror) {
	v.between("mirror.memory", m.Memory, 0, 1<<40)
	v.token("mirror.marker", m.Marker)
	v.token("mirror.instance", m.Instance)
	v.between("mirror.queue", int64(m.Queue), 1, 1<<20)
	v.between("mirror.connections", int64(m.Connections), 1, 1<<16)
	v.duration("mirror.queueTimeout", m.QueueTimeout)
	v.between("mirror.maxAnswer", int64(m.MaxAnswer), 0, 1<<30)
	v.between("mirror.drainAnswer", m.DrainAnswer, 0, 1<<40)
}

func (v *validator) accessLog(a *AccessLog) {
	v.oneOf("accessLog.format", a.Format, FormatCombined, FormatJSON, FormatTemplate)
	if (a.Format == FormatTemplate) != (a.Template != "") {
		v.fail("accessLog.template", "%q and the format %s don't go together; write the template for the format template", a.Template, a.Format)
	}
}

func (v *validator) address(setting, addr string) {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		v.fail(setting, "%q is not an address; use host:port or :port", addr)
	}
}

func (v *validator) duration(setting string, d time.Duration) {
	if d <= 0 || d > 24*time.Hour {
		v.fail(setting, "%s is out of range; use more than 0s and up to 24h", d)
	}
}

func (v *validator) between(setting string, n, low, high int64) {
	if n < low || n > high {
		v.fail(setting, "%d is out of range; use %d to %d", n, low, high)
	}
}

func (v *validator) oneOf(setting, value string, choices ...string) {
	if !slices.Contains(choices, value) {
		v.fail(setting, "%q is unknown; use one of %s", value, strings.Join(choices, ", "))
	}
}

// token checks what stands in a header as a word (RFC 9110, section 5.6.2).
func (v *validator) token(setting, value string) {
	isToken := func(c rune) bool {
		return c < 0x7f && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			strings.ContainsRune("!#$%&'*+-.^_`|~", c))
	}
	if value == "" || strings.ContainsFunc(value, func(c rune) bool { return !isToken(c) }) {
		v.fail(setting, "%q is not a word; use letters, digits and -._", value)
	}
}
