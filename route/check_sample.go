package route

import "slices"

// checkSample checks a mirror's sample and completes it.
func (c *checker) checkSample(field string, s *Sample) {
	if s.PerMillion > All {
		c.fail(CodeSample, field+"percent", "%s is more than all; use 0 to 100", FormatPercent(s.PerMillion))
	}
	field += "sample."
	c.checkCount(field+"by", len(s.By), maxConditions)
	c.checkCount(field+"salt", len(s.Salt), maxName)
	for i := range s.By {
		k := &s.By[i]
		if int(k.Kind) >= len(keyWords) {
			c.fail(CodeSample, at(field+"by", i), "there is no such kind of key")
			continue
		}
		c.checkKey(at(field+"by", i), k)
		if slices.ContainsFunc(s.By[:i], k.is) {
			c.fail(CodeDuplicate, at(field+"by", i), "%s is listed twice", k)
		}
		if k.Kind == KeyRandom && i < len(s.By)-1 {
			c.fail(CodeSample, at(field+"by", i), "every request has it, so what follows means nothing; make it the last one")
		}
	}
	*s = s.withSeed()
}

// is says whether two keys are written alike.
func (k *SampleKey) is(other SampleKey) bool {
	return k.Kind == other.Kind && k.Name == other.Name && k.Claim == other.Claim && k.Bits == other.Bits && k.Expression == other.Expression
}

func (c *checker) checkKey(field string, k *SampleKey) {
	c.checkCount(field, len(k.Name)+len(k.Claim), maxName)
	c.checkCount(field, len(k.Expression), maxValue)
	token := k.Name != "" && only(k.Name, isTokenByte)
	switch {
	case k.Kind.named() && k.Name == "":
		c.fail(CodeSample, field, "has no name; write %s", k.Kind.form())
	case (k.Kind == KeyHeader || k.Kind == KeyCookie) && !token:
		c.fail(CodeSample, field, "%q is not the name of a %s", k.Name, keyWords[k.Kind])
	case !k.Kind.named() && k.Name+k.Claim != "", k.Kind != KeyAddress && k.Bits != 0, k.Kind != KeyExpression && (k.Expression != "" || k.Func != nil):
		c.fail(CodeSample, field, "has more than belongs to it; write %s", k.Kind.form())
	case k.Bits > 128:
		c.fail(CodeSample, field, "/%d is longer than an address; use one such as /64", k.Bits)
	case (k.Kind == KeyExpression) != (k.Expression != "" && k.Func != nil):
		c.fail(CodeSample, field, "the expression %q and its function must come together", k.Expression)
	}
}
