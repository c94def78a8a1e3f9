package v1alpha1

// Condition is something that a request fulfils or not. Of what is set here, all must hold. In tain's own
// files the text of If may stand alone.
type Condition struct {
	// If is a short form such as method=GET or path=/api/*, or a CEL expression over scheme, method,
	// host, path, header, query, cookie, source, cert, sni, port, grpc, content_type and body_size.
	// In After there are more, such as status=2xx, latency>200ms and json:$.user.country=CH, and
	// response.status, response.header, latency, backend, fault and request.body_size.
	If string `json:"if,omitempty" short:"true"`

	// All are conditions that must all hold. It is for a list of them within Any or Not.
	All []Condition `json:"all,omitempty"`

	// Any are conditions of which one must hold.
	Any []Condition `json:"any,omitempty"`

	// Not must not hold.
	Not *Condition `json:"not,omitempty"`
}
