package dav

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"sync"

	"lockstep.dev/issue"
	"lockstep.dev/model"
)

// Session acts on one mailbox. Its methods may be called by several goroutines
// at once.
type Session struct {
	connector *Connector
	account   model.Account
	starts    []*url.URL
	link      *link

	mu     sync.Mutex
	place  *place             // found once
	owners map[string]*person // by collection; asked before the first write to a meeting
}

// Test reaches the server, signs in, finds the collections of the configured
// kinds and checks, without writing, that each kind can be read and that one
// collection of it can be written.
func (s *Session) Test(ctx context.Context, w model.Workload) error {
	if w != model.ACT {
		return issue.Fault("dav.workload")
	}
	all, err := s.Collections(ctx)
	if err != nil {
		return err
	}
	for _, kind := range s.connector.config.kinds {
		if err := s.testKind(ctx, kind, all); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		return noCollection("calendar, task list or address book")
	}
	return nil
}

// testKind reads one object list and looks for a writable collection. A kind
// that the mailbox does not have is an error only if it was asked for.
func (s *Session) testKind(ctx context.Context, kind model.Kind, all []model.Collection) error {
	all = slices.DeleteFunc(slices.Clone(all), func(c model.Collection) bool { return c.Kind != kind })
	if len(all) == 0 {
		if s.connector.config.kindsChosen {
			return noCollection(collectionWord(kind))
		}
		return nil
	}
	for _, c := range all {
		if !c.ReadOnly {
			_, fail := s.state(ctx, c)
			return fail.err()
		}
	}
	return issue.Fault("dav.read-only", "collection", collectionWord(kind))
}

func noCollection(what string) error {
	return issue.Fault("dav.no-collection", "collection", what)
}

func collectionWord(kind model.Kind) string {
	switch kind {
	case model.Contact:
		return "address book"
	case model.Event:
		return "calendar"
	default:
		return "task list"
	}
}

// Identity returns the mailbox's DAV:resource-id (RFC 5842 section 3.1), else
// the address of its principal if that is made of an identifier. One made of
// the sign-in name changes when the person is renamed: then "" is returned.
func (s *Session) Identity(ctx context.Context) (string, error) {
	p, fail := s.locate(ctx)
	if fail != nil {
		return "", fail.fault
	}
	if p.principal == "" {
		return "", nil
	}
	m, _, fail := s.link.properties(ctx, p.principal, "resource-id")
	if fail != nil {
		return "", fail.ofMailbox().fault
	}
	if ids := m.hrefs(davName("resource-id")); len(ids) > 0 {
		return ids[0], nil
	}
	if s.namesPerson(p.principal) || !holdsNumber(p.principal) {
		return "", nil
	}
	return p.principal, nil
}

// holdsNumber reports whether a segment of an address looks like an identifier:
// some servers have one principal address for everybody.
func holdsNumber(href string) bool {
	for part := range strings.SplitSeq(href, "/") {
		digits := 0
		for _, r := range part {
			if r >= '0' && r <= '9' {
				digits++
			}
		}
		if digits >= 4 && len(part) >= 6 {
			return true
		}
	}
	return false
}

// namesPerson reports whether an address contains the mailbox's name or
// address, which an administrator may change.
func (s *Session) namesPerson(href string) bool {
	decoded, err := url.PathUnescape(href)
	if err != nil {
		return true
	}
	local, _, _ := strings.Cut(s.account.Address, "@")
	for part := range strings.SplitSeq(strings.ToLower(decoded), "/") {
		for _, n := range []string{s.account.Address, s.link.auth.user, local} {
			if n != "" && part == strings.ToLower(n) {
				return true
			}
		}
	}
	return false
}

// Close ends the session. Connections to the server stay with the Connector,
// for the next mailbox.
func (s *Session) Close() error { return nil }
