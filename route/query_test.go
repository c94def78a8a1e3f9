package route

import "iter"

// Params yields the parameters of a query in their order, decoded. An escape that is none stands
// for itself.
func Params(query string) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for name, value := range rawParams(query) {
			if !yield(decode(name), decode(value)) {
				return
			}
		}
	}
}
