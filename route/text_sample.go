package route

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// keyWords are the words for the kinds of keys.
var keyWords = [...]string{
	KeyHeader: "header", KeyCookie: "cookie", KeyQuery: "query",
	KeyAddress: "address", KeyRandom: "random", KeyExpression: "expression",
}

// named says whether keys of the kind have a name.
func (k KeyKind) named() bool { return k == KeyHeader || k == KeyCookie || k == KeyQuery }

// form says how keys of the kind are written.
func (k KeyKind) form() string {
	word := keyWords[k]
	switch {
	case k.named():
		return word + " NAME, or " + word + " NAME claim CLAIM"
	case k == KeyAddress:
		return word + ", or " + word + " /64"
	case k == KeyExpression:
		return word + " TEXT"
	}
	return word
}

// String is the text form of the key, such as cookie session. [ParseSampleKey] reads it.
func (k *SampleKey) String() string {
	words := []string{keyWords[k.Kind]}
	switch {
	case k.Kind == KeyExpression && k.Expression != "":
		words = append(words, quoteExpression(k.Expression))
	case k.Kind.named():
		words = append(words, quoteWord(k.Name))
		if k.Claim != "" {
			words = append(words, "claim", quoteWord(k.Claim))
		}
	case k.Bits > 0:
		words = append(words, "/"+strconv.Itoa(int(k.Bits)))
	}
	return strings.Join(words, " ")
}

// CompileKey turns the expression of a key into its function. The error is as that of [Compile].
type CompileKey func(expression string) (func(*Request) (key string, ok bool), error)

// ParseSampleKey reads what [SampleKey.String] writes. compile is for expressions. The error has a
// method Column() int, from 1, that points into the text.
func ParseSampleKey(text string, compile CompileKey) (SampleKey, error) {
	const keyword = "sample "
	words, err := splitWords(keyword + text)
	if err == nil && len(words) < 2 {
		err = &wordError{len(keyword) + 1, "is missing; use one such as cookie session"}
	}
	if err == nil {
		var k SampleKey
		if k, err = parseKey(words[1:], compile); err == nil {
			return k, nil
		}
	}
	return SampleKey{}, &wordError{err.column - len(keyword), err.text}
}

// parseKey reads at least one word.
func parseKey(words []word, compile CompileKey) (SampleKey, *wordError) {
	first := words[0]
	kind := KeyKind(max(slices.Index(keyWords[:], first.text), 0))
	k := SampleKey{Kind: kind}
	if keyWords[kind] != first.text {
		return k, &wordError{first.column, fmt.Sprintf("%q is no key; use header, cookie, query, address, random or expression", first.text)}
	}
	switch n := len(words); {
	case kind.named() && (n == 2 || n == 4 && words[2].text == "claim" && words[3].text != ""):
		k.Name = words[1].text
		k.Claim = strings.Join(textsOf(words[min(n, 3):]), "")
		return k, nil
	case kind == KeyAddress && n == 2:
		return k, k.parseBits(words[1])
	case kind == KeyExpression && n == 2:
		return k, k.compile(words[1], compile)
	case !kind.named() && kind != KeyExpression && n == 1:
		return k, nil
	}
	return k, &wordError{first.column, "the number of words is wrong; write " + kind.form()}
}

func (k *SampleKey) parseBits(w word) *wordError {
	length, ok := strings.CutPrefix(w.text, "/")
	n, err := strconv.ParseUint(length, 10, 8)
	if !ok || err != nil || n == 0 {
		return &wordError{w.column, fmt.Sprintf("%q is not the length of a network; use one such as /64", w.text)}
	}
	k.Bits = uint8(n)
	return nil
}

func (k *SampleKey) compile(w word, compile CompileKey) *wordError {
	k.Expression = w.expression()
	if compile == nil {
		return &wordError{w.column, fmt.Sprintf("expression %s: expressions can't be compiled here", k.Expression)}
	}
	var err error
	if k.Func, err = compile(k.Expression); err != nil {
		return &wordError{w.columnOf(err), fmt.Sprintf("expression: %v", err)}
	}
	return nil
}

// expression is what a word begins, up to the end of its line.
func (w word) expression() string {
	if w.raw[0] == '"' {
		return w.text
	}
	return strings.TrimRight(w.raw, " \t\r")
}

// columnOf is where an error is that may point into the expression.
func (w word) columnOf(err error) int {
	var pointed interface{ Column() int }
	if errors.As(err, &pointed) && w.raw[0] != '"' {
		return w.column + pointed.Column() - 1
	}
	return w.column
}

// parseShare reads a percentage or a fraction.
func parseShare(text string) (perMillion uint32, err error) {
	if strings.Contains(text, "/") {
		return ParseFraction(text)
	}
	return ParsePercent(text)
}

func (p *parser) parseSample(keyword word) {
	if len(p.words) == 0 {
		p.fail(keyword.column, "sample needs a key; write one such as sample cookie session")
		return
	}
	s := &p.mirror.Sample
	p.mark(at("sample.by", len(s.By)), p.words[0])
	p.mark("sample.by", p.words[0])
	k, err := parseKey(p.words, p.compile.Key)
	if err != nil {
		p.fail(err.column, "%s", err.text)
		return
	}
	s.By = append(s.By, k)
}

func (p *parser) parseSalt(keyword word) {
	if p.need(keyword, 1, 1, "sample-salt TEXT") {
		p.mark("sample.salt", p.words[0])
		p.mirror.Sample.Salt = p.words[0].text
	}
}

// sample writes what the line of a mirror does not say of its sample.
func (p *printer) sample(indent string, s *Sample) {
	for i := range s.By {
		p.WriteString(indent + "sample " + s.By[i].String() + "\n")
	}
	if s.Salt != "" {
		p.line(indent+"sample-salt", s.Salt)
	}
}
