package dav

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"lockstep.dev/connector/web"
	"lockstep.dev/fault"
	"lockstep.dev/issue"
)

// failure is a request that did not succeed: what it means, and what a caller
// here needs to decide what to do next.
type failure struct {
	fault        *fault.Fault
	status       int
	precondition string // local name of the first element of DAV:error, or ""
	hrefs        []string
	maybeDone    bool // a write may have been carried out all the same
	stopped      bool // the caller's own visitor ended the reading
	broken       bool // the answer could not be read to its end
}

// known lists the elements in a DAV:error body that we know; they are
// more exact than the status they come with (RFC 4918 section 16). Each has its
// own code in the catalogue. A server can name anything, so only these count.
func known(precondition string) bool {
	switch precondition {
	case "valid-sync-token", // RFC 6578 section 3.2: 403, in the field also 409 and 400
		"need-privileges",                                                                         // RFC 3744 section 7.1.1
		"no-uid-conflict",                                                                         // RFC 4791 section 5.3.2.1, RFC 6352 section 6.3.2.1
		"unique-scheduling-object-resource",                                                       // RFC 6638 section 3.2.4.1
		"max-resource-size",                                                                       // RFC 4791 section 5.3.2.1
		"quota-not-exceeded",                                                                      // RFC 4331 section 6
		"sufficient-disk-space",                                                                   // RFC 4331 section 6
		"valid-address-data",                                                                      // RFC 6352 section 6.3.2.1
		"supported-address-data",                                                                  // RFC 6352 section 6.3.2.1
		"same-organizer-in-all-components",                                                        // RFC 6638 section 3.2.4.2
		"allowed-organizer-scheduling-object-change", "allowed-attendee-scheduling-object-change", // RFC 6638 sections 3.2.4.3, 3.2.4.4
		"lock-token-submitted", "no-conflicting-lock", // RFC 4918 section 16
		"supported-report", "number-of-matches-within-limits", // RFC 3253 section 3.6, RFC 3744 section 8
		"valid-calendar-data", "valid-calendar-object-resource", "supported-calendar-data", "supported-calendar-component",
		"min-date-time", "max-date-time", "max-instances", "max-attendees-per-instance", "calendar-collection-location-ok": // RFC 4791 section 5.3.2.1
		return true
	}
	return false
}

// codeOf says what an answer means: the precondition if we know it, otherwise
// the status.
func codeOf(status int, precondition string) string {
	switch {
	case known(precondition):
		return "dav." + precondition
	case slices.Contains(statuses(), status):
		return "dav." + strconv.Itoa(status)
	case status/100 == 3:
		return "dav.3xx"
	case status/100 == 5:
		return "dav.5xx"
	default:
		return "dav.4xx"
	}
}

// statuses are those with a code of their own.
func statuses() []int {
	return []int{
		http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
		http.StatusProxyAuthRequired, http.StatusRequestTimeout, http.StatusConflict, http.StatusGone, http.StatusPreconditionFailed,
		http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong, http.StatusUnsupportedMediaType, http.StatusMisdirectedRequest,
		http.StatusUnprocessableEntity, http.StatusLocked, http.StatusFailedDependency, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusNotImplemented, http.StatusBadGateway, http.StatusServiceUnavailable,
		http.StatusGatewayTimeout, http.StatusInsufficientStorage,
	}
}

// refusal reads an answer that is neither 2xx nor a redirect, and closes it.
func refusal(r request, resp *http.Response, shared bool) *failure {
	defer func() { _ = resp.Body.Close() }()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // what there is of it
	body := readError(bytes.NewReader(said))
	f := &failure{status: resp.StatusCode, precondition: precondition(body)}
	if body != nil {
		for _, element := range body.children {
			for _, c := range element.children {
				if c.name == davName("href") {
					f.hrefs = append(f.hrefs, strings.TrimSpace(c.text))
				}
			}
		}
	}
	code := codeOf(resp.StatusCode, f.precondition)
	if resp.StatusCode == http.StatusUnauthorized && shared {
		code = "dav.connection-401"
	}
	if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "" {
		code = "dav.busy"
	}
	f.fault = newFault(code, web.Evidence(web.Exchange{Method: r.method, Response: resp, Says: said, Sent: r.body}))
	if f.fault.Class == fault.Throttled {
		f.fault.After = retryAfter(resp.Header.Get("Retry-After"), resp.Header.Get("Date"))
	}
	// A server that failed while writing may have written (500), and so may one
	// behind a gateway that gave up waiting (502, 504). 503 and 507 say no.
	f.maybeDone = !r.read() && resp.StatusCode/100 == 5 && !slices.Contains([]int{501, 503, 505, 507}, resp.StatusCode)
	return f
}

// failure is what a multistatus says of a whole member, if that is bad: Cyrus
// answers for what does not exist in a 207.
func (m member) failure() *failure {
	if m.status < 300 {
		return nil
	}
	f := &failure{status: m.status, precondition: precondition(m.error)}
	f.fault = newFault(codeOf(m.status, f.precondition), fmt.Sprintf("HTTP 207 with %d for the resource", m.status))
	return f
}

// newFault is a declared error with what the server showed.
func newFault(code, evidence string) *fault.Fault {
	f := issue.Fault(code)
	f.Evidence = evidence
	return f
}

// retryAfter reads seconds or a date (RFC 9110 section 10.2.3); a date counts
// from the server's own clock.
func retryAfter(value, date string) time.Duration {
	const longest = 24 * time.Hour
	if n, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
		return min(max(time.Duration(n)*time.Second, 0), longest)
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(date)
	if err != nil {
		return 0
	}
	return min(max(until.Sub(now), 0), longest)
}

// lostFailure classifies an exchange that ended without an answer.
func lostFailure(ctx context.Context, r request, err error, sent bool) *failure {
	f := &failure{fault: issue.Fault(lost(ctx, err)), maybeDone: sent && !r.read()}
	f.fault.Err = plainCause(ctx, err)
	return f
}

// plainCause keeps a cause that callers look for; the texts of others contain
// addresses and are dropped.
func plainCause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return syscall.ECONNREFUSED
	}
	return nil
}

// lost says why there was no answer.
func lost(ctx context.Context, err error) (code string) {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case ctx.Err() != nil:
		return "dav.cancelled"
	case isTLS(err):
		return "dav.tls"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "dav.dns"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "dav.refused"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "dav.timeout"
	default:
		return "dav.network"
	}
}

func isTLS(err error) bool {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	return errors.Is(err, http.ErrSchemeMismatch) || errors.As(err, &unknown) || errors.As(err, &name) || errors.As(err, &invalid) ||
		errors.As(err, &verify) || errors.As(err, &record) || errors.As(err, &alert)
}

// brokenFailure classifies an answer that could not be read to its end.
func brokenFailure(ctx context.Context, r request, resp *http.Response, err error) *failure {
	switch {
	case errors.Is(err, errStop):
		return &failure{stopped: true, fault: issue.Fault("dav.stopped")}
	case errors.Is(err, errXML), errors.Is(err, errNotDAV), errors.Is(err, io.ErrUnexpectedEOF) && ctx.Err() == nil:
		return unreadable(r, resp, err)
	}
	f := lostFailure(ctx, r, err, true)
	f.broken = true
	return f
}

// unreadable is an answer of 2xx that is not what was asked for.
func unreadable(r request, resp *http.Response, err error) *failure {
	code := "dav.damaged"
	if errors.Is(err, errNotDAV) {
		code = "dav.not-dav"
	}
	said, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // what is left of it
	proof := web.Evidence(web.Exchange{Method: r.method, Response: resp, Says: said, Reads: !isPage(resp)})
	f := &failure{fault: newFault(code, proof), broken: true, status: resp.StatusCode}
	f.fault.Err = err
	return f
}

// page is a write that was answered with a web page instead of 201 or 204 (RFC
// 9110 section 9.3.4): a sign-in page of a proxy, mostly, and then nothing was
// written.
func page(r request, resp *http.Response) *failure {
	defer func() { _ = resp.Body.Close() }()
	f := unreadable(r, resp, errNotDAV)
	f.maybeDone = true
	return f
}

// isPage reports whether an answer is a web page.
func isPage(resp *http.Response) bool {
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	return resp.StatusCode == http.StatusOK && strings.EqualFold(strings.TrimSpace(kind), "text/html")
}

// failed is trouble that we state ourselves; values fill the text's
// placeholders.
func failed(code string, values ...string) *failure {
	return &failure{fault: issue.Fault(code, values...)}
}

// ofMailbox widens a failure: what was asked concerned no single item or
// collection, so none is to blame.
func (f *failure) ofMailbox() *failure {
	if f != nil && !f.fault.Scope.Wide() {
		code := "dav.no-answer"
		if f.fault.Class == fault.NotFound {
			code = "dav.not-found"
		}
		f.fault = newFault(code, f.fault.Evidence)
	}
	return f
}

// ofCollection widens a failure: what was asked concerned no single item. What
// is missing is the collection itself, which is never a deletion of what was in
// it (algorithm 1.10).
func (f *failure) ofCollection() *failure {
	if f != nil && f.fault.Scope == fault.Item {
		code := "dav.no-listing"
		if f.fault.Class == fault.NotFound {
			code = "dav.collection"
		}
		f.fault = newFault(code, f.fault.Evidence)
	}
	return f
}

// err is the failure as an error, or nil.
func (f *failure) err() error {
	if f == nil {
		return nil
	}
	return f.fault
}
