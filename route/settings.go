package route

// options writes the options that are not the defaults, a line each.
func (p *printer) options(indent string, o *Options) {
}
