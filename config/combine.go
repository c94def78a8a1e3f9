package config

import (
	"fmt"

	"tain.dev/tain/api/v1alpha1"
)

// combiner puts conditions together that are joined with if, all, any and not.
type combiner[T any] struct {
	parse func(text string) (T, error)
	and   func(a, b T) (T, error) // an error where the two can't stand beside each other
	join  func(a, b T) T          // and, where what can't stand beside the other lies in it
	any   func(into *T, alternatives []T)
	not   func(into *T, inner T)
	// counts says how many conditions there are of each field, by the name that it has in an error of a
	// table.
	counts func(T) map[string]int
}

// all makes one of conditions that must all hold, which stand in a setting. The errors are complaints
// about that setting and those in it.
func (c *combiner[T]) all(setting string, conditions []v1alpha1.Condition) (T, complaints) {
	var all T
	var errs complaints
	for i := range conditions {
		at := fmt.Sprintf("%s[%d]", setting, i)
		one, inner := c.one(at, &conditions[i])
		errs = append(errs, inner...)
		joined, err := c.and(all, one)
		if err != nil {
			errs.failText(at+".if", conditions[i].If, err)
			continue
		}
		all = joined
	}
	return all, errs
}

// one makes what a condition says: all that it has must hold. It is empty if something is wrong.
func (c *combiner[T]) one(setting string, condition *v1alpha1.Condition) (T, complaints) {
	var made, empty T
	var errs complaints
	if condition.If == "" && len(condition.All)+len(condition.Any) == 0 && condition.Not == nil {
		errs.fail(setting, "is empty; write a condition such as method=GET")
	}
	if condition.If != "" {
		var err error
		if made, err = c.parse(condition.If); err != nil {
			errs.failText(setting+".if", condition.If, err)
		}
	}
	if len(condition.All) > 0 {
		inner, innerErrs := c.all(setting+".all", condition.All)
		errs = append(errs, innerErrs...)
		made = c.join(made, inner)
	}
	if len(condition.Any) > 0 {
		var alternatives []T
		for i := range condition.Any {
			inner, innerErrs := c.one(fmt.Sprintf("%s.any[%d]", setting, i), &condition.Any[i])
			errs = append(errs, innerErrs...)
			alternatives = append(alternatives, inner)
		}
		c.any(&made, alternatives)
	}
	if condition.Not != nil {
		inner, innerErrs := c.one(setting+".not", condition.Not)
		errs = append(errs, innerErrs...)
		c.not(&made, inner)
	}
	if len(errs) > 0 {
		return empty, errs
	}
	return made, nil
}
