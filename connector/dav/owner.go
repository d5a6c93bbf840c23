package dav

import (
	"context"
	"net/url"
	"strings"
	"time"

	"lockstep.dev/connector"
	"lockstep.dev/fault"
	"lockstep.dev/model"
)

// Who syncs a mailbox is noted as a dead property (RFC 4918 section 4.1) of the
// collections in which new items are created: Cyrus and Radicale keep one there,
// while of homes and principals few servers do.

var _ connector.Owner = (*Session)(nil)

const nsLockstep = "https://lockstep.dev/ns/"

func ownerName() name { return name{nsLockstep, "owner"} }

// Owner returns what the first collection says that says anything.
func (s *Session) Owner(ctx context.Context) (connector.Ownership, error) {
	all, err := s.Collections(ctx)
	if err != nil {
		return connector.Ownership{}, err
	}
	for _, c := range all {
		if !c.Primary {
			continue
		}
		text, fail := s.noteIn(ctx, c)
		if fail != nil || text != "" {
			return parseOwner(text), fail.err()
		}
	}
	return connector.Ownership{}, nil
}

func (s *Session) noteIn(ctx context.Context, c model.Collection) (string, *failure) {
	href, _ := collectionHref(c.ID)
	body := xmlHead + `<propfind xmlns="DAV:" xmlns:L="` + nsLockstep + `"><prop><L:owner/></prop></propfind>`
	text := ""
	_, fail := s.link.multistatus(ctx, request{method: "PROPFIND", href: href, depth: "0", body: []byte(body)}, func(m member, _ *url.URL) error {
		text = m.text(ownerName())
		return nil
	})
	return text, fail
}

// Own writes the note into every collection that takes writes.
func (s *Session) Own(ctx context.Context, o connector.Ownership) error {
	all, err := s.Collections(ctx)
	if err != nil {
		return err
	}
	done := map[string]bool{} // a calendar may be a task list, too
	for _, c := range all {
		href, _ := collectionHref(c.ID)
		if !c.Primary || c.ReadOnly || done[href] {
			continue
		}
		done[href] = true
		if fail := s.putNote(ctx, href, o); fail != nil {
			return fail.fault
		}
	}
	return nil
}

func (s *Session) putNote(ctx context.Context, href string, o connector.Ownership) *failure {
	change := "<remove><prop><L:owner/></prop></remove>"
	if text := formatOwner(o); text != "" {
		change = "<set><prop><L:owner>" + escape(text) + "</L:owner></prop></set>"
	}
	body := xmlHead + `<propertyupdate xmlns="DAV:" xmlns:L="` + nsLockstep + `">` + change + `</propertyupdate>`
	kept := false
	_, fail := s.link.multistatus(ctx, request{method: "PROPPATCH", href: href, body: []byte(body)}, func(m member, _ *url.URL) error {
		kept = kept || m.refused == 0
		return nil
	})
	switch {
	case fail != nil && (fail.fault.Class == fault.Denied || fail.fault.Class == fault.Unsupported || fail.fault.Class == fault.Invalid):
		return failed("dav.no-note")
	case fail == nil && !kept:
		return failed("dav.no-note")
	}
	return fail
}

// formatOwner and parseOwner are the note's text: program, installation, time.
func formatOwner(o connector.Ownership) string {
	if o.Engine == "" {
		return ""
	}
	return o.Engine + " " + o.Installation + " " + o.Since.UTC().Format(time.RFC3339)
}

func parseOwner(text string) connector.Ownership {
	var o connector.Ownership
	parts := strings.Fields(text)
	if len(parts) > 0 {
		o.Engine = parts[0]
	}
	if len(parts) > 1 {
		o.Installation = parts[1]
	}
	if len(parts) > 2 {
		o.Since, _ = time.Parse(time.RFC3339, parts[2]) // what cannot be read is unknown
	}
	return o
}
