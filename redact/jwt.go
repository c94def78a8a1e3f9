package redact

import "bytes"

// jwtStart is how the JSON {" begins in base64, and so a token's header.
var jwtStart = []byte("eyJ")

// minJWT is less than any token has that is good for something: {"alg":""} alone makes 14.
const minJWT = 20

// mentionsJWT looks for the letter of jwtStart that is rare first.
func mentionsJWT(text []byte) bool {
	for i := 2; i < len(text); i++ {
		at := bytes.IndexByte(text[i:], jwtStart[2])
		if at < 0 {
			break
		}
		i += at
		if text[i-1] == jwtStart[1] && text[i-2] == jwtStart[0] {
			return true
		}
	}
	return false
}

// findJWT finds a token of three parts, or of five if it is encrypted. The last of three may be empty.
func findJWT(text []byte, from int) span {
	for i := from; i < len(text); {
		at := bytes.Index(text[i:], jwtStart)
		if at < 0 {
			break
		}
		begin := i + at
		end, parts := begin, 1
		filled := 0 // parts that are not empty
		for part := begin; end < len(text) && parts <= 5; end++ {
			if isBase64URL(text[end]) {
				continue
			}
			if text[end] != '.' || parts == 5 {
				break
			}
			if end > part {
				filled++
			}
			parts++
			part = end + 1
		}
		if parts >= 3 && filled >= 2 && end-begin >= minJWT && (begin == 0 || !isBase64URL(text[begin-1])) {
			return span{begin, end}
		}
		i = max(end, begin+len(jwtStart))
	}
	return span{len(text), len(text)}
}

func isBase64URL(c byte) bool { return isWord(c) || c == '-' }
