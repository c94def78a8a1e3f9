package route

// checkOutcomeSense finds what makes a one that can never hold. As with matches, it says only what is
// certain.
func (c *checker) checkOutcomeSense(field string, a *After) {
	c.checkTogether(field+".headers", a.Headers, sameHeader)
	for i := range a.Not {
		if a.Not[i].covers(a) {
			c.fail(CodeMatch, at(field+".not", i), "leaves no request, because the other conditions ask for just that; leave one of them out")
		}
	}
}

// covers says that a holds wherever b does.
func (a *After) covers(b *After) bool {
	return a.Request.covers(&b.Request) &&
		(!a.Fault || b.Fault) &&
		subset(b.Status, a.Status, func(wide, narrow StatusRange) bool { return wide.From <= narrow.From && narrow.To <= wide.To }) &&
		rangeCovers(a.Latency, b.Latency) &&
		rangeCovers(a.Size, b.Size) &&
		subset(b.Backends, a.Backends, globCovers) &&
		conditionsCover(a.Headers, b.Headers, sameHeader) &&
		conditionsCover(a.Fields, b.Fields, sameName) &&
		(a.When == "" || a.When == b.When) &&
		len(a.Any)+len(a.Not) == 0
}

// rangeCovers compares ranges, of which nil is everything.
func rangeCovers(wide, narrow *Range) bool {
	return wide == nil || narrow != nil && wide.Low <= narrow.Low && narrow.High <= wide.High
}
