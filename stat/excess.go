package stat

import "math"

// Excess weighs the evidence that something happens more often on one arm than on the other: in k
// of n trials here, in k0 of n0 trials on the control arm. It returns the natural logarithm of an
// e-value against "here it happens at most margin (≥ 1) times as often as on the control arm".
// 0 and less is no evidence.
//
// The test may be looked at after every trial, and stopped as soon as the logarithm reaches
// ln(1/α): without a real excess, that ever happens with probability α at most (Ville's
// inequality). The method: given that an event occurred, it occurred here with probability at
// most θ = margin·n / (margin·n + n0). Against that stands the mixture of all probabilities p
// with a Beta(1, 1/4) prior, which expects an excess to be pure:
//
//	ln E = ln B(1+k, 1/4+k0) − ln B(1, 1/4) − k ln θ − k0 ln(1−θ)    when k/(k+k0) > θ, else 0
//
// For every p ≤ θ, and a share k/(k+k0) above θ, the likelihood at θ is no smaller than at p, so
// the bound holds for the whole hypothesis.
//
// Trials are taken as exchangeable between the arms. The margin covers arms that are not quite:
// a control arm that lags behind, or is fed a sample.
func Excess(k, n, k0, n0 uint64, margin float64) float64 {
	if n == 0 || n0 == 0 {
		return 0
	}
	here, there := float64(k), float64(k0)
	theta := margin * float64(n) / (margin*float64(n) + float64(n0))
	if here <= theta*(here+there) {
		return 0
	}
	const a, b = 1, 0.25
	return logBeta(a+here, b+there) - logBeta(a, b) - here*math.Log(theta) - there*math.Log1p(-theta)
}

func logBeta(a, b float64) float64 {
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	return la + lb - lab
}
