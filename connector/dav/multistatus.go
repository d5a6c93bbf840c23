package dav

import (
	"errors"
	"io"
	"strings"
)

// errNotDAV means that the answer is XML or text, but not what a WebDAV server
// sends: mostly a web page.
var errNotDAV = errors.New("not a WebDAV answer")

// errStop is returned by a visitor to end reading early.
var errStop = errors.New("stop")

// readMultistatus calls visit for each member while the answer still arrives,
// so that memory does not grow with its length. It returns the sync-token
// (RFC 6578 section 6.4), or "".
func readMultistatus(r io.Reader, visit func(member) error) (syncToken string, err error) {
	s := newScanner(r)
	root, err := s.next()
	if err != nil || root.kind != startToken || root.name != davName("multistatus") {
		if err == nil || errors.Is(err, errXML) {
			err = errNotDAV
		}
		return "", err
	}
	if root.empty {
		return "", nil
	}
	for {
		s.budget, s.text = maxElementBytes, s.text[:0]
		t, err := s.next()
		if err != nil {
			return "", err
		}
		if t.kind != startToken {
			return syncToken, nil
		}
		n, err := s.tree(t)
		if err != nil {
			return "", err
		}
		switch n.name {
		case davName("response"):
			if err := visit(toMember(n)); err != nil {
				return "", err
			}
		case davName("sync-token"):
			syncToken = strings.TrimSpace(n.text)
		}
	}
}

// readError finds the DAV:error element in the body of a refusal, or returns
// nil: many servers send text or nothing.
func readError(r io.Reader) *node {
	s := newScanner(r)
	t, err := s.next()
	if err != nil || t.kind != startToken {
		return nil
	}
	n, err := s.tree(t)
	if err != nil || n.name != davName("error") {
		return nil
	}
	return n
}
