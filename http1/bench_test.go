package http1

import (
	"bytes"
	"testing"
)

const typicalRequest = "GET /api/v1/items/4711?fields=name,price&lang=en HTTP/1.1\r\n" +
	"Host: shop.example.com\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
	"Accept: application/json, text/plain, */*\r\n" +
	"Accept-Language: en-US,en;q=0.5\r\n" +
	"Accept-Encoding: gzip, deflate, br\r\n" +
	"Referer: https://shop.example.com/items\r\n" +
	"Connection: keep-alive\r\n" +
	"Cookie: session=0f4c1a6d9e; theme=dark\r\n" +
	"X-Request-Id: 7b1e3c52-9a1d-4b6f-8f0e-2f6c1d0a9b3e\r\n" +
	"Cache-Control: no-cache\r\n" +
	"\r\n"

const typicalResponse = "HTTP/1.1 200 OK\r\n" +
	"Server: nginx/1.28.0\r\n" +
	"Date: Tue, 02 Jun 2026 10:00:00 GMT\r\n" +
	"Content-Type: application/json; charset=utf-8\r\n" +
	"Content-Length: 512\r\n" +
	"Connection: keep-alive\r\n" +
	"Vary: Accept-Encoding\r\n" +
	"Cache-Control: private, max-age=0\r\n" +
	"ETag: \"0f4c1a6d9e\"\r\n" +
	"\r\n"

func BenchmarkParseRequest(b *testing.B) {
	head := []byte(typicalRequest)
	var r Request
	b.SetBytes(int64(len(head)))
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Parse(head); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseResponse(b *testing.B) {
	head, method := []byte(typicalResponse), []byte("GET")
	var r Response
	b.SetBytes(int64(len(head)))
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Parse(head, method); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHeadEnd(b *testing.B) {
	head := []byte(typicalRequest)
	b.SetBytes(int64(len(head)))
	for b.Loop() {
		scanned := 0
		if HeadEnd(head, &scanned) != len(head) {
			b.Fatal("no end")
		}
	}
}

func BenchmarkChunked(b *testing.B) {
	body := append(bytes.Repeat([]byte("200\r\n"+string(make([]byte, 0x200))+"\r\n"), 8), "0\r\n\r\n"...)
	var c Chunked
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		c.Reset()
		for rest, done := body, false; !done; {
			var n int
			var err error
			if _, n, done, err = c.Next(rest); err != nil {
				b.Fatal(err)
			}
			rest = rest[n:]
		}
	}
}
