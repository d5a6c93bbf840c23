package activities_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"lockstep.dev/model"
)

// picture is what people see in both systems: contents, not ids.
func (h *house) picture() string {
	var lines []string
	for _, it := range h.at("").Items() {
		var who []string
		for _, a := range it.Access {
			who = append(who, a.User+" "+string(a.Role))
		}
		lines = append(lines, fmt.Sprintf("crm  %s %s (%s)", it.Ref.Kind, describe(it), strings.Join(who, ", ")))
	}
	for _, b := range h.boxes {
		for _, it := range h.mail.At(b.address).Items() {
			lines = append(lines, fmt.Sprintf("%s  %s in %s %s", b.address, it.Ref.Kind, it.Ref.Collection, describe(it)))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// describe tells an item's content, its UID where people can share it.
func describe(it model.Item) string {
	var parts []string
	if it.Ref.Kind == model.Event {
		parts = append(parts, "uid="+it.UID)
	}
	for _, f := range it.Content.Fields() {
		v := it.Content[f]
		text := v.Text
		for _, e := range v.Set {
			text += "[" + e.Key
			for _, k := range []string{"status", "type", "preferred"} {
				if e.Attr[k] != "" {
					text += " " + e.Attr[k]
				}
			}
			text += "]"
		}
		parts = append(parts, f+"="+text)
	}
	return strings.Join(parts, " ")
}

// story is what happened, for failure messages.
func (h *house) story() string {
	return strings.Join(h.log, "\n") + "\n--- now:\n" + h.picture() + "\n--- links:\n" + h.links()
}

// links tells how our store joins things, for failure messages.
func (h *house) links() string {
	var out []string
	for _, b := range h.boxes {
		for _, q := range h.known(b) {
			found, err := h.db.Explain(context.Background(), b.id, q)
			if err != nil {
				continue
			}
			for _, e := range found {
				crm, mail := "-", "-"
				if e.CRM != nil {
					crm = e.CRM.ID
				}
				if e.Mail != nil {
					mail = e.Mail.ID
				}
				out = append(out, fmt.Sprintf("%s %s %s crm=%s mail=%s %q %q pending=%v", b.address, e.Kind, e.Entity, crm, mail, e.State, e.Reason, e.Pending))
			}
		}
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), "\n")
}

func (h *house) known(b *box) []string {
	var out []string
	for _, it := range append(h.at("").Items(), h.mail.At(b.address).Items()...) {
		out = append(out, it.Ref.ID)
	}
	return out
}

// asked counts the requests on both sides.
func (h *house) asked() map[string]int {
	out := map[string]int{}
	for _, s := range []map[string]int{h.crm.Requests(), h.mail.Requests()} {
		for method, n := range s {
			out[method] += n
		}
	}
	return out
}

// loud says what happened since that a quiet round does not do: nothing is
// written (I2), and one question is asked per collection.
func (h *house) loud(before map[string]int) string {
	h.t.Helper()
	collections := 0
	for _, m := range append([]model.MailboxID{""}, h.ids()...) {
		c := h.mailID
		if m == "" {
			c = h.crmID
		}
		cs, err := h.db.Collections(context.Background(), c, m)
		h.must(err)
		collections += len(cs)
	}
	for method, n := range h.asked() {
		// Every twelfth round asks whether the system is still the one we know.
		asks := method == "changes" || method == "probe" || method == "fetch" && (h.design.crm.Blind || h.design.mail.Blind)
		if n -= before[method]; n > 0 && (!asks || n > collections) {
			return fmt.Sprintf("a round with nothing to do asked %d times for %s (there are %d collections)", n, method, collections)
		}
	}
	return ""
}

func (h *house) ids() []model.MailboxID {
	var out []model.MailboxID
	for _, b := range h.boxes {
		if b.state == model.Active {
			out = append(out, b.id)
		}
	}
	return out
}
