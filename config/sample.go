package config

import (
	"fmt"

	"tain.dev/tain/api/v1alpha1"
	"tain.dev/tain/route"
)

// compileSample makes the sample of the mirror of that name.
func compileSample(errs *complaints, name string, spec *v1alpha1.MirrorSpec) route.Sample {
	s := route.Sample{PerMillion: route.All}
	if spec.Percent != "" {
		s.PerMillion = read(errs, "percent", string(spec.Percent), route.ParsePercent)
	}
	if spec.Fraction != "" {
		s.PerMillion = read(errs, "fraction", spec.Fraction, route.ParseFraction)
	}
	if spec.Percent != "" && spec.Fraction != "" {
		errs.fail("fraction", "is another way to write percent; choose one of them")
	}
	if spec.Sample == nil {
		return s
	}
	s.By = readKeys(spec.Sample.By, func(i int, text string, err error) {
		*errs = append(*errs, errorIn(text, fmt.Sprintf("sample.by[%d]", i), err))
	})
	s.Salt = spec.Sample.Salt
	if spec.Sample.Independent {
		if s.Salt != "" {
			errs.fail("sample.independent", "is what a salt makes of a sample; choose one of them")
		}
		s.Salt = name
	}
	return s
}

// readKeys reads a list of keys. One that is wrong makes it an empty one.
func readKeys(texts []string, fail func(i int, text string, err error)) []route.SampleKey {
	var all []route.SampleKey
	wrong := false
	for i, text := range texts {
		k, err := route.ParseSampleKey(text, CompileKey)
		if err != nil {
			fail(i, text, err)
			wrong = true
		}
		all = append(all, k)
	}
	if wrong {
		return nil
	}
	return all
}
