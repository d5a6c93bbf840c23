package bench

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
)

// requestEnd ends the first line of every request (RFC 9112 section 3). No
// body that is sent here contains it.
const requestEnd = " HTTP/1.1\r\n"

// relay stands before a server and counts the requests of all competitors
// alike. It copies bytes and understands nothing else, so that it costs a few
// microseconds a request; answers are passed on by the kernel.
type relay struct {
	URL      string
	target   string
	requests atomic.Int64
}

func newRelay(b *testing.B, url string) *relay {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	r := &relay{URL: "http://" + l.Addr().String(), target: strings.TrimPrefix(url, "http://")}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go r.pass(c)
		}
	}()
	return r
}

// at is an address behind the relay as seen from before it.
func (r *relay) at(url string) string { return strings.Replace(url, "http://"+r.target, r.URL, 1) }

// during counts the requests that are made while do runs.
func (r *relay) during(do func()) int {
	before := r.requests.Load()
	do()
	return int(r.requests.Load() - before)
}

func (r *relay) pass(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", r.target)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		_, _ = io.Copy(client, server)
		client.Close()
	}()
	_, _ = io.Copy(server, &counter{from: client, n: &r.requests})
}

// counter counts request lines in what is read through it.
type counter struct {
	from io.Reader
	n    *atomic.Int64
	tail []byte // the end of the read before, as long as a line end may begin there
}

// Read implements io.Reader.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	seen := append(c.tail, p[:n]...)
	c.n.Add(int64(bytes.Count(seen, []byte(requestEnd))))
	c.tail = append([]byte(nil), seen[max(0, len(seen)-len(requestEnd)+1):]...)
	return n, err
}
