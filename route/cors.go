package route

import (
	"strconv"
	"strings"
	"time"
)

// CORS says which pages of other origins may use the answers (the Fetch standard, "CORS protocol").
// It takes the place of what live says about that.
type CORS struct {
	// AllowOrigins are origins such as https://shop.example.com, with one * for any number of
	// labels as in https://*.example.com, or * alone for every origin. There is at least one.
	AllowOrigins  []string
	AllowMethods  []string      // that a preflight allows besides GET, HEAD and POST; * is every one
	AllowHeaders  []string      // that a preflight allows; * is every one
	ExposeHeaders []string      // of the answer, that a page may read
	MaxAge        time.Duration // for how long a preflight's answer holds; 0 leaves it to the browser, which takes 5s
	// AllowCredentials lets pages send cookies. Then the answers name the page's own origin, methods
	// and headers where the rule is *.
	AllowCredentials bool
}

// everything is the wildcard in the lists of [CORS].
const everything = "*"

// Allows says whether pages of the origin may use the answers.
func (c *CORS) Allows(origin string) bool {
	for _, pattern := range c.AllowOrigins {
		if originMatches(pattern, origin) {
			return true
		}
	}
	return false
}

// originMatches compares without regard to case, because browsers send origins in lower case.
func originMatches(pattern, origin string) bool {
	if pattern == everything {
		return true
	}
	before, after, wild := strings.Cut(pattern, everything)
	if !wild {
		return strings.EqualFold(origin, pattern)
	}
	cut := len(origin) - len(after)
	return cut > len(before) && strings.EqualFold(origin[:len(before)], before) &&
		strings.EqualFold(origin[cut:], after) && strings.IndexByte(origin[len(before):cut], '/') < 0
}

// Drops says whether live's field of that name has to be left out of an answer, because CORS says
// it itself. Case does not matter.
func (c *CORS) Drops(name []byte) bool {
	const prefix = "Access-Control-"
	return len(name) > len(prefix) && equalFold(name[:len(prefix)], prefix)
}

// AppendPreflight appends the lines of the answer to a preflight, whose origin, method and headers
// are the values of Origin, Access-Control-Request-Method and Access-Control-Request-Headers. An
// origin that is not allowed gets none that would allow anything. It does not allocate.
func (c *CORS) AppendPreflight(dst []byte, origin, method, headers string) []byte {
	allowed := c.Allows(origin)
	dst = c.appendOrigin(dst, origin, allowed)
	if !allowed {
		return dst
	}
	dst = c.appendList(dst, "Access-Control-Allow-Methods: ", c.AllowMethods, method)
	dst = c.appendList(dst, "Access-Control-Allow-Headers: ", c.AllowHeaders, headers)
	if c.MaxAge > 0 {
		dst = append(dst, "Access-Control-Max-Age: "...)
		dst = strconv.AppendInt(dst, int64(c.MaxAge/time.Second), 10)
		dst = append(dst, "\r\n"...)
	}
	return dst
}

// AppendActual appends the lines of the answer to a request with that Origin, which is "" if there
// was none. It does not allocate.
func (c *CORS) AppendActual(dst []byte, origin string) []byte {
	allowed := origin != "" && c.Allows(origin)
	dst = c.appendOrigin(dst, origin, allowed)
	if allowed {
		dst = c.appendList(dst, "Access-Control-Expose-Headers: ", c.ExposeHeaders, "")
	}
	return dst
}

// appendOrigin appends what the answer says about the origin. Unless it says the same to all, a
// cache must not give it to others.
func (c *CORS) appendOrigin(dst []byte, origin string, allowed bool) []byte {
	if !c.AllowCredentials && c.AllowOrigins[0] == everything {
		return append(dst, "Access-Control-Allow-Origin: *\r\n"...)
	}
	if allowed {
		dst = append(dst, "Access-Control-Allow-Origin: "...)
		dst = append(dst, origin...)
		dst = append(dst, "\r\n"...)
		if c.AllowCredentials {
			dst = append(dst, "Access-Control-Allow-Credentials: true\r\n"...)
		}
	}
	return append(dst, "Vary: Origin\r\n"...)
}

// appendList appends a line with a list, unless it is empty. To requests with credentials * means
// nothing, so they get back what they asked for.
func (c *CORS) appendList(dst []byte, name string, list []string, asked string) []byte {
	if c.AllowCredentials && asked != "" && len(list) > 0 && list[0] == everything {
		dst = append(dst, name...)
		dst = append(dst, asked...)
		return append(dst, "\r\n"...)
	}
	for i, item := range list {
		if i == 0 {
			dst = append(dst, name...)
		} else {
			dst = append(dst, ", "...)
		}
		dst = append(dst, item...)
	}
	if len(list) > 0 {
		dst = append(dst, "\r\n"...)
	}
	return dst
}
