package dav

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"
)

// Deadlines of a connection's parts. The whole request ends with its context.
const (
	dialTimeout   = 15 * time.Second
	tlsTimeout    = 15 * time.Second
	headerTimeout = 2 * time.Minute // a large REPORT is computed before its first byte
	idleTimeout   = 90 * time.Second
)

const (
	maxRedirects  = 5
	maxErrorBody  = 64 << 10
	maxObjectSize = 32 << 20
	userAgent     = "Lockstep"
)

// client is what all mailboxes of one connection share: the HTTP connections.
type client struct {
	http          *http.Client
	allowInsecure bool
}

func newClient(allowInsecure bool) *client {
	const idle = parallelBatches * writesAtOnce
	return &client{
		allowInsecure: allowInsecure,
		http: &http.Client{
			Transport: &http.Transport{
				Proxy:                 http.ProxyFromEnvironment,
				DialContext:           (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext,
				TLSHandshakeTimeout:   tlsTimeout,
				ResponseHeaderTimeout: headerTimeout,
				IdleConnTimeout:       idleTimeout,
				MaxIdleConns:          4 * idle,
				MaxIdleConnsPerHost:   idle,
				ForceAttemptHTTP2:     true,
			},
			// Redirects are followed here: net/http would turn a PROPFIND into a
			// GET.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// authorization signs requests in.
type authorization struct {
	user, secret string
	bearer       bool
	// shared: it is the connection's own and the same for every mailbox, so what
	// is wrong with it is wrong for all of them.
	shared bool
}

func (a authorization) header() string {
	if a.bearer {
		return "Bearer " + a.secret
	}
	// RFC 7617 section 2.1: UTF-8 where the server says nothing else.
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(a.user+":"+a.secret))
}

// link is one mailbox's way to its server.
type link struct {
	client *client
	auth   authorization
	base   *url.URL // hrefs are relative to it
}

// request is one WebDAV request. Reads may be repeated by the transport on a
// connection that the server closed while idle; writes never are.
type request struct {
	method string
	href   string // as in ids: a path, or a complete address
	depth  string
	header map[string]string
	kind   string // content type of body
	body   []byte
}

func (r request) read() bool {
	switch r.method {
	case "PROPFIND", "REPORT", http.MethodGet, http.MethodHead, http.MethodOptions:
		return true
	}
	return false
}

// answer is an open response with a status of 2xx.
type answer struct {
	*http.Response
	at *url.URL // what was really asked, after redirects
}

// close lets the connection be used again: what little is unread is drained.
func (a *answer) close() {
	_, _ = io.CopyN(io.Discard, a.Body, maxErrorBody)
	_ = a.Body.Close()
}

// xmlType is the content type of XML bodies.
const xmlType = "application/xml; charset=utf-8"

// do sends a request and returns the answer if its status is 2xx, otherwise a
// *failure that says what it means.
func (l *link) do(ctx context.Context, r request) (*answer, *failure) {
	target, err := l.base.Parse(r.href)
	if err != nil {
		return nil, badAddress(err)
	}
	for hop := 0; ; hop++ {
		resp, fail := l.send(ctx, r, target)
		if fail != nil {
			return nil, fail
		}
		if !r.read() && isPage(resp) {
			return nil, page(r, resp)
		}
		if resp.StatusCode/100 == 2 {
			return &answer{resp, target}, nil
		}
		next := redirect(resp, target)
		if next == nil {
			return nil, refusal(r, resp, l.auth.shared)
		}
		_ = resp.Body.Close()
		if fail := l.mayFollow(target, next, hop); fail != nil {
			return nil, fail
		}
		target = next
	}
}

// send makes one HTTP exchange.
func (l *link) send(ctx context.Context, r request, target *url.URL) (*http.Response, *failure) {
	if !l.client.allowInsecure && !secure(target) {
		return nil, failed("dav.insecure")
	}
	sent := false
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { sent = true },
	})
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(traced, r.method, target.String(), body)
	if err != nil {
		return nil, badAddress(err)
	}
	l.sign(req, r)
	resp, err := l.client.http.Do(req)
	if err != nil {
		return nil, lostFailure(ctx, r, err, sent)
	}
	return resp, nil
}

func (l *link) sign(req *http.Request, r request) {
	req.Header.Set("Authorization", l.auth.header())
	req.Header.Set("User-Agent", userAgent)
	if r.depth != "" {
		req.Header.Set("Depth", r.depth)
	}
	if r.kind != "" {
		req.Header.Set("Content-Type", r.kind)
	}
	if r.read() {
		// net/http: repeat on a stale connection, without sending the header.
		req.Header["Idempotency-Key"] = []string{}
	}
	if r.method == http.MethodGet || r.method == http.MethodPut {
		// Servers that compress may change the ETag header on the way (Apache
		// appends "-gzip"); in multistatus bodies it is safe.
		req.Header.Set("Accept-Encoding", "identity")
	}
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
}

// redirect returns where a 3xx sends us, or nil.
func redirect(resp *http.Response, from *url.URL) *url.URL {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		location := resp.Header.Get("Location")
		if next, err := from.Parse(location); err == nil && location != "" && next.Host != "" {
			return next
		}
	}
	return nil
}

// mayFollow refuses to carry credentials to a stranger: only the same site, and
// never from TLS to none.
func (l *link) mayFollow(from, to *url.URL, hop int) *failure {
	if hop >= maxRedirects {
		return failed("dav.redirects")
	}
	if from.Scheme == "https" && to.Scheme != "https" {
		return failed("dav.insecure")
	}
	if !sameSite(from.Hostname(), to.Hostname()) {
		return failed("dav.redirect", "host", to.Hostname())
	}
	return nil
}

// sameSite reports whether two hosts belong to one registered domain, as
// caldav.icloud.com and p34-caldav.icloud.com do.
func sameSite(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	if a == b {
		return true
	}
	if net.ParseIP(a) != nil || net.ParseIP(b) != nil {
		return false
	}
	siteA, errA := publicsuffix.EffectiveTLDPlusOne(a)
	siteB, errB := publicsuffix.EffectiveTLDPlusOne(b)
	return errA == nil && errB == nil && siteA == siteB
}

// multistatus sends a request whose answer is a multistatus and calls visit for
// each member.
func (l *link) multistatus(ctx context.Context, r request, visit func(m member, at *url.URL) error) (syncToken string, fail *failure) {
	r.kind = xmlType
	a, fail := l.do(ctx, r)
	if fail != nil {
		return "", fail
	}
	defer a.close()
	if a.StatusCode != http.StatusMultiStatus {
		return "", unreadable(r, a.Response, errNotDAV)
	}
	token, err := readMultistatus(a.Body, func(m member) error { return visit(m, a.at) })
	if err != nil {
		return "", brokenFailure(ctx, r, a.Response, err)
	}
	return token, nil
}

// properties asks one resource for properties.
func (l *link) properties(ctx context.Context, href string, names ...string) (found member, at *url.URL, fail *failure) {
	at = l.base
	r := request{method: "PROPFIND", href: href, depth: "0", body: propfind(names...)}
	_, fail = l.multistatus(ctx, r, func(m member, asked *url.URL) error {
		found, at = m, asked
		return nil
	})
	if fail == nil {
		fail = found.failure()
	}
	return found, at, fail
}

// normal spells an address from an answer as ids are spelt.
func (l *link) normal(href string, at *url.URL) string { return normalHref(href, l.base, at) }

// badAddress is an address that is none.
func badAddress(err error) *failure {
	f := failed("dav.address")
	f.fault.Err = err
	return f
}
