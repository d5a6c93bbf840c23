package dav

import (
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

	"lockstep.dev/fault"
	"lockstep.dev/model"
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

// rule is one row of the table: what a status or precondition means.
type rule struct {
	class   fault.Class
	scope   fault.Scope
	message string
}

// preconditions says what the elements in a DAV:error body mean; they are more
// exact than the status they come with (RFC 4918 section 16).
func preconditions(name string) (rule, bool) {
	switch name {
	case "valid-sync-token": // RFC 6578 section 3.2: 403, in the field also 409 and 400
		return rule{fault.CursorExpired, fault.Collection, "The server no longer knows our position in this collection. It is listed once in full; nothing needs to be done."}, true
	case "need-privileges": // RFC 3744 section 7.1.1
		return rule{fault.Denied, fault.Collection, "The server does not let this account do that in this collection. Ask its owner or an administrator to grant the right to read and write it."}, true
	case "no-uid-conflict": // RFC 4791 section 5.3.2.1, RFC 6352 section 6.3.2.1
		return rule{fault.Conflict, fault.Item, "Another item with the same identifier exists in this mailbox. Both sides are read again before anything is written."}, true
	case "unique-scheduling-object-resource": // RFC 6638 section 3.2.4.1
		return rule{fault.Conflict, fault.Item, "This meeting exists in another calendar of the mailbox already. Both sides are read again before anything is written."}, true
	case "max-resource-size": // RFC 4791 section 5.3.2.1
		return rule{fault.TooLarge, fault.Item, "The item is larger than the server accepts. Shorten its notes or remove its picture or attachments."}, true
	case "quota-not-exceeded", "sufficient-disk-space": // RFC 4331 section 6
		return mailboxFull(), true
	case "valid-calendar-data", "valid-calendar-object-resource", "supported-calendar-data", "supported-calendar-component",
		"min-date-time", "max-date-time", "max-instances", "max-attendees-per-instance", "calendar-collection-location-ok", // RFC 4791 section 5.3.2.1
		"valid-address-data", "supported-address-data", // RFC 6352 section 6.3.2.1
		"same-organizer-in-all-components": // RFC 6638 section 3.2.4.2
		return rule{fault.Invalid, fault.Item, "The server refuses the content of this item. Correct the item on the side it comes from; it is tried again as soon as it changes."}, true
	case "allowed-organizer-scheduling-object-change", "allowed-attendee-scheduling-object-change": // RFC 6638 sections 3.2.4.3, 3.2.4.4
		return rule{fault.Invalid, fault.Item, "The server does not allow this change, because only the organizer may make it. Change the meeting in the organizer's calendar."}, true
	case "lock-token-submitted", "no-conflicting-lock": // RFC 4918 section 16
		return rule{fault.Transient, fault.Item, "Another program holds a lock on this item. It is tried again."}, true
	case "supported-report", "number-of-matches-within-limits": // RFC 3253 section 3.6, RFC 3744 section 8
		return rule{fault.Unsupported, fault.Collection, "The server does not answer this kind of question."}, true
	}
	return rule{}, false
}

func mailboxFull() rule {
	return rule{fault.TooLarge, fault.Mailbox, "The mailbox is full, so the server stores nothing more. Free some space or ask an administrator for a larger quota."}
}

// statuses says what an HTTP status means where no precondition says more.
func statuses(status int) rule {
	switch status {
	case http.StatusUnauthorized:
		return rule{fault.Auth, fault.Mailbox, "The server did not accept the user name, password or token of this mailbox. Renew the sign-in data; synchronization waits until then."}
	case http.StatusForbidden:
		return rule{fault.Denied, fault.Collection, "The server does not let this account do that. Ask the owner of the collection or an administrator to grant the right to read and write it."}
	case http.StatusNotFound, http.StatusGone:
		return rule{fault.NotFound, fault.Item, "The server has nothing at this address now. It is looked for again in the next round."}
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return rule{fault.Unsupported, fault.Collection, "There is no calendar or address book at this address, or the server cannot do this with it. Check the address in the connection's settings."}
	case http.StatusConflict: // RFC 4918 section 9.7.1: the parent collection is missing
		return rule{fault.NotFound, fault.Collection, "The collection does not exist on the server any more. Collections are discovered again in the next round."}
	case http.StatusPreconditionFailed:
		return rule{fault.Conflict, fault.Item, "The item changed in the mailbox since we last looked. Both sides are read again before anything is written."}
	case http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong:
		return rule{fault.TooLarge, fault.Item, "The item is larger than the server accepts. Shorten its notes or remove its picture or attachments."}
	case http.StatusBadRequest, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return rule{fault.Invalid, fault.Item, "The server refuses the content of this item. Correct the item on the side it comes from; it is tried again as soon as it changes."}
	case http.StatusLocked, http.StatusFailedDependency:
		return rule{fault.Transient, fault.Item, "Another program holds a lock on this item. It is tried again."}
	case http.StatusTooManyRequests:
		return rule{fault.Throttled, fault.Mailbox, "The server asked us to slow down. Synchronization goes on by itself after the time it named."}
	case http.StatusProxyAuthRequired:
		return rule{fault.Denied, fault.Server, "A proxy between us and the server wants credentials. Set the proxy's user name and password in the environment of the worker."}
	case http.StatusInsufficientStorage:
		return mailboxFull()
	}
	return otherStatus(status)
}

func otherStatus(status int) rule {
	switch {
	case status/100 == 3:
		return rule{fault.Unsupported, fault.Server, "The server sends us elsewhere without a usable address. Set url to the address of the calendar server itself."}
	case status == http.StatusRequestTimeout, status == http.StatusMisdirectedRequest, status == http.StatusTooEarly, status/100 == 5:
		return rule{fault.Transient, fault.Server, "The server reported trouble of its own. It is tried again; if it lasts, its administrator must look."}
	default:
		return rule{fault.Invalid, fault.Item, "The server refused the request. The raw answer is kept for support."}
	}
}

// refusal reads an answer that is neither 2xx nor a redirect, and closes it.
func refusal(r request, resp *http.Response) *failure {
	defer func() { _ = resp.Body.Close() }()
	body := readError(io.LimitReader(resp.Body, maxErrorBody))
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
	row, known := preconditions(f.precondition)
	if !known {
		row = statuses(resp.StatusCode)
	}
	after := retryAfter(resp.Header.Get("Retry-After"), resp.Header.Get("Date"))
	if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "" {
		row = rule{fault.Throttled, fault.Server, "The server is busy or under maintenance and asked us to wait. Synchronization goes on by itself."}
	}
	f.fault = row.fault(codeOf(resp.StatusCode, f.precondition), evidence(resp, f.precondition))
	if row.class == fault.Throttled {
		f.fault.After = after
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
	row, known := preconditions(f.precondition)
	if !known {
		row = statuses(m.status)
	}
	f.fault = row.fault(codeOf(m.status, f.precondition), fmt.Sprintf("HTTP 207 with %d for the resource", m.status))
	return f
}

func (row rule) fault(code, evidence string) *fault.Fault {
	return &fault.Fault{
		Class: row.class, Scope: row.scope, Side: model.Mail, Source: Name,
		Code: code, Message: row.message, Evidence: evidence,
	}
}

func codeOf(status int, precondition string) string {
	if _, known := preconditions(precondition); known {
		return "dav." + precondition
	}
	return "dav." + strconv.Itoa(status)
}

// evidence is the status line, the server's name, the error element and the
// names of the other headers: never their values.
func evidence(resp *http.Response, precondition string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP %d", resp.StatusCode)
	if s := resp.Header.Get("Server"); s != "" {
		fmt.Fprintf(&b, "; Server: %.60s", s)
	}
	if precondition != "" {
		fmt.Fprintf(&b, "; error: %.60s", precondition)
	}
	names := make([]string, 0, len(resp.Header))
	for k := range resp.Header {
		names = append(names, k)
	}
	slices.Sort(names)
	fmt.Fprintf(&b, "; headers: %.200s", strings.Join(names, ", "))
	return b.String()
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
	code, row := lost(ctx, err)
	f := &failure{fault: row.fault(code, ""), maybeDone: sent && !r.read()}
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

func lost(ctx context.Context, err error) (code string, row rule) {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case ctx.Err() != nil:
		return "dav.cancelled", rule{fault.Transient, fault.Mailbox, "The request was ended before the server answered, because its time was up or the work was stopped. It is tried again."}
	case isTLS(err):
		return "dav.tls", rule{fault.Transient, fault.Server, "No secure connection to the server could be established: its certificate is not valid for it, has expired or is not trusted here. Have the server's certificate renewed, or add its authority to the trusted ones of the worker's machine."}
	case errors.As(err, &dns) && dns.IsNotFound:
		return "dav.dns", rule{fault.Transient, fault.Server, "The name of the server is not known to the network's name service. Check the address in the connection's settings."}
	case errors.Is(err, syscall.ECONNREFUSED):
		return "dav.refused", rule{fault.Transient, fault.Server, "The server refuses connections. It is tried again; if it lasts, check that the server runs and that address and port are right."}
	case errors.As(err, &timeout) && timeout.Timeout():
		return "dav.timeout", rule{fault.Transient, fault.Server, "The server did not answer in time. It is tried again."}
	default:
		return "dav.network", rule{fault.Transient, fault.Server, "The connection to the server was lost. It is tried again."}
	}
}

func isTLS(err error) bool {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	return errors.As(err, &unknown) || errors.As(err, &name) || errors.As(err, &invalid) ||
		errors.As(err, &verify) || errors.As(err, &record) || errors.As(err, &alert)
}

// brokenFailure classifies an answer that could not be read to its end.
func brokenFailure(ctx context.Context, r request, resp *http.Response, err error) *failure {
	switch {
	case errors.Is(err, errStop):
		return &failure{stopped: true, fault: (rule{fault.Bug, fault.Mailbox, "Reading was stopped by its caller."}).fault("dav.stopped", "")}
	case errors.Is(err, errXML), errors.Is(err, errNotDAV), errors.Is(err, io.ErrUnexpectedEOF) && ctx.Err() == nil:
		return unreadable(resp, err)
	}
	f := lostFailure(ctx, r, err, true)
	f.broken = true
	return f
}

// unreadable is an answer of 2xx that is not what was asked for.
func unreadable(resp *http.Response, err error) *failure {
	row := rule{fault.Transient, fault.Server, "The server's answer ended too early or is damaged. It is tried again."}
	code := "dav.damaged"
	if errors.Is(err, errNotDAV) {
		row = rule{fault.Unsupported, fault.Server, "The server answered with a web page or something else that is no CalDAV or CardDAV. Check the address in the connection's settings; a sign-in page of a proxy in between looks like this, too."}
		code = "dav.not-dav"
	}
	f := &failure{fault: row.fault(code, evidence(resp, "")), broken: true, status: resp.StatusCode}
	f.fault.Err = err
	return f
}

// localFailure is trouble that arose before anything was sent.
func localFailure(code, message string, err error) *failure {
	f := (rule{fault.Unsupported, fault.Server, message}).fault(code, "")
	f.Err = err
	return &failure{fault: f}
}

// newFault is trouble that we state ourselves.
func newFault(class fault.Class, scope fault.Scope, code, message string) *fault.Fault {
	return (rule{class, scope, message}).fault("dav."+code, "")
}

// err is the failure as an error, or nil.
func (f *failure) err() error {
	if f == nil {
		return nil
	}
	return f.fault
}
