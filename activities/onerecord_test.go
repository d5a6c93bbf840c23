package activities_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"lockstep.dev/model"
)

// orders are all orders of all subsets of people, the empty one left out.
func orders(people []string) [][]string {
	var out [][]string
	var grow func(sofar, rest []string)
	grow = func(sofar, rest []string) {
		if len(sofar) > 0 {
			out = append(out, slices.Clone(sofar))
		}
		for i, p := range rest {
			grow(append(slices.Clone(sofar), p), slices.Concat(rest[:i], rest[i+1:]))
		}
	}
	grow(nil, people)
	return out
}

// arrival is how the copies of one meeting come to be synced.
type arrival struct {
	name string
	run  func(h *house, order []string, copies map[string]model.Ref)
}

func arrivals() []arrival {
	// An invitation finds the copy that is there by its UID (RFC 5546 3.2.2).
	get := func(h *house, p string, copies map[string]model.Ref) {
		if there := h.all(p, "Board"); len(there) > 0 {
			copies[p] = there[0].Ref
			return
		}
		copies[p] = h.inMail(p, model.Event, meeting("Board", "ada", "bob", "cleo"))
	}
	turn := func(h *house, p string) {
		h.turn(slices.IndexFunc(h.boxes, func(b *box) bool { return b.address == address(p) }))
	}
	return []arrival{
		{"all have a copy before anybody is synced", func(h *house, order []string, copies map[string]model.Ref) {
			for _, p := range order {
				get(h, p, copies)
			}
			for _, p := range order {
				turn(h, p)
			}
		}},
		{"one is synced after the other", func(h *house, order []string, copies map[string]model.Ref) {
			for _, p := range order {
				get(h, p, copies)
				h.settle()
			}
		}},
		{"copies come between the rounds", func(h *house, order []string, copies map[string]model.Ref) {
			for i, p := range order {
				get(h, p, copies)
				turn(h, order[max(0, i-1)])
				turn(h, p)
			}
		}},
		{"the CRM is read in between", func(h *house, order []string, copies map[string]model.Ref) {
			for _, p := range order {
				get(h, p, copies)
				turn(h, p)
				h.pass()
			}
		}},
	}
}

// B7: whoever of organizer and attendees is synced, in whatever order and
// interleaving, a meeting is one CRM record; nobody's copy is replaced or
// deleted, and nobody is mailed. With the organizer first, last and not at all.
func TestOneMeetingIsOneRecord(t *testing.T) {
	for _, order := range orders([]string{"ada", "bob", "cleo"}) {
		for _, a := range arrivals() {
			t.Run(strings.Join(order, ", ")+": "+a.name, func(t *testing.T) {
				h := build(t, design{kinds: []model.Kind{model.Event}, people: order, policy: func(p *model.Policy) { p.Invite = "organizer-changes" }})
				defer func() { h.close() }()
				h.gate.quiet = true
				h.settle()
				copies := map[string]model.Ref{}
				a.run(h, order, copies)
				h.settle()
				h.wantOneMeeting(order, copies)
				h.settle()
			})
		}
	}
}

// wantOneMeeting wants one record of which everybody has the copy of before.
func (h *house) wantOneMeeting(order []string, copies map[string]model.Ref) {
	h.t.Helper()
	h.wantCount(1, "Board", "")
	h.wantCount(1, "Board", order...)
	for p, ref := range copies {
		if it := h.the(p, "Board"); it.Ref.ID != ref.ID {
			h.t.Errorf("%s had %s and has %s", p, ref.ID, it.Ref.ID)
		}
	}
	if n := len(h.mail.Mails()) + len(h.crm.Mails()); n != 0 {
		h.t.Errorf("%d mails went out", n)
	}
	owner := "u-" + order[0] // nobody of ours invited: whoever was first
	if slices.Contains(order, "ada") {
		owner = "u-ada"
	}
	if a := h.the("", "Board").Access; !slices.Contains(a, model.Access{User: owner, Role: model.Owner}) {
		h.t.Errorf("the record is %+v's, want %s's\n%s", a, owner, h.story())
	}
}

// B7, the SAP incident of 2020: organizer and attendee are both synced, and the
// order of their rounds decided whether the engine took the appointment from
// everybody and sent cancellations. Here a deletion by the attendee takes it
// from the attendee alone, in both orders; the organizer's takes it from all of
// ours, and no mail is ours to send.
func TestAnAttendeesDeletionCancelsNothing(t *testing.T) {
	for _, order := range [][]string{{"ada", "bob"}, {"bob", "ada"}} {
		for _, deletes := range []string{"ada", "bob"} {
			t.Run(fmt.Sprintf("%v, %s deletes", order, deletes), func(t *testing.T) {
				h := build(t, design{kinds: []model.Kind{model.Event}, people: order, policy: func(p *model.Policy) { p.Invite = "organizer-changes" }})
				defer func() { h.close() }()
				h.gate.quiet = true
				for _, p := range order {
					for _, name := range []string{"Board", "Other"} {
						if len(h.all(p, name)) == 0 {
							h.inMail(p, model.Event, meeting(name, "ada", "bob"))
						}
					}
					h.settle()
				}
				h.remove(deletes, "Board")
				h.settle()
				want := map[string]int{"ada": 1, "bob": 0}
				if deletes == "ada" {
					want["ada"] = 0
				}
				h.wantCount(want["ada"], "Board", "", "ada")
				h.wantCount(0, "Board", "bob")
				h.wantCount(1, "Other", "", "ada", "bob")
				if n := len(h.mail.Mails()) + len(h.crm.Mails()); n != 0 {
					t.Errorf("%d mails went out", n)
				}
			})
		}
	}
}
