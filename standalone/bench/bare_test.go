package bench

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// bare is a client that sends what has to be sent and looks at nothing: the
// server's floor.
type bare struct {
	b              *testing.B
	http           *http.Client
	origin         string // http://host:port
	user, password string
	batch, atOnce  int
}

func newBare(b *testing.B, origin, user, password string, batch, atOnce int) *bare {
	b.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: atOnce, MaxConnsPerHost: atOnce}
	b.Cleanup(transport.CloseIdleConnections)
	return &bare{b: b, http: &http.Client{Transport: transport}, origin: origin, user: user, password: password, batch: batch, atOnce: atOnce}
}

func (c *bare) send(method, url, body string, want int, header ...string) []byte {
	req, err := http.NewRequestWithContext(c.b.Context(), method, url, strings.NewReader(body))
	if err != nil {
		c.b.Error(err)
		return nil
	}
	req.SetBasicAuth(c.user, c.password)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := c.http.Do(req)
	if err != nil {
		c.b.Error(err)
		return nil
	}
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != want {
		c.b.Errorf("%s %s: %d, want %d: %v", method, url, res.StatusCode, want, err)
	}
	return out
}

// put writes cards from and up to given numbers into an address book.
func (c *bare) put(book string, from, to int, condition []string, text func(n int) string) {
	c.b.Helper()
	want := http.StatusNoContent
	if len(condition) > 0 {
		want = http.StatusCreated
	}
	c.parallel(to-from, func(i int) {
		c.send(http.MethodPut, book+cardName(from+i), text(from+i), want,
			append([]string{"Content-Type", "text/vcard; charset=utf-8"}, condition...)...)
	})
}

var onlyNew = []string{"If-None-Match", "*"}

var (
	tokenOf = regexp.MustCompile(`<[^<>]*sync-token>([^<]*)</`)
	hrefOf  = regexp.MustCompile(`<[^<>]*href>([^<]*\.vcf)</`)
)

// changes asks once what changed since a token (RFC 6578 section 3.2).
func (c *bare) changes(book, token string) (hrefs []string, next string) {
	body := `<sync-collection xmlns="DAV:"><sync-token>` + token + `</sync-token><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>`
	out := c.send("REPORT", book, body, http.StatusMultiStatus, "Depth", "0", "Content-Type", "application/xml; charset=utf-8")
	for _, m := range hrefOf.FindAllSubmatch(out, -1) {
		hrefs = append(hrefs, string(m[1]))
	}
	if m := tokenOf.FindSubmatch(out); m != nil {
		next = string(m[1])
	}
	return hrefs, next
}

// read fetches cards by multigets (RFC 6352 section 8.7).
func (c *bare) read(book string, hrefs []string) {
	batches := slices.Collect(slices.Chunk(hrefs, c.batch))
	c.parallel(len(batches), func(i int) {
		var body strings.Builder
		body.WriteString(`<A:addressbook-multiget xmlns="DAV:" xmlns:A="urn:ietf:params:xml:ns:carddav"><prop><getetag/><A:address-data/></prop>`)
		for _, h := range batches[i] {
			fmt.Fprintf(&body, "<href>%s</href>", h)
		}
		body.WriteString(`</A:addressbook-multiget>`)
		out := c.send("REPORT", book, body.String(), http.StatusMultiStatus, "Depth", "1", "Content-Type", "application/xml; charset=utf-8")
		if n := strings.Count(string(out), "BEGIN:VCARD"); n != len(batches[i]) {
			c.b.Errorf("a multiget of %d cards brought %d", len(batches[i]), n)
		}
	})
}

func (c *bare) parallel(n int, do func(i int)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, c.atOnce)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			do(i)
		})
	}
	wg.Wait()
}
