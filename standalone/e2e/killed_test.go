package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// killed is a story in which the standalone program dies by kill -9 at named
// requests and is started again with the same command.
type killed struct {
	name   string
	before func(h *house) // what there is when the first sync is done
	people func(h *house) // what people do while the program is down
	dies   []strike
	wrong  func(h *house) string // what is not as it should be in the end, "" = nothing
}

// The exhaustive harness of package activities dies at every step with fakes.
// Here a reduced set of its stories runs against real servers, through the real
// workflow, and the process is killed by signal: before a write leaves, after
// the server has carried it out, and between reading and writing (I7, I3, I2).
func TestKilledAtTheWire(t *testing.T) {
	path := standalone(t)
	for _, b := range backends() {
		for _, s := range killedStories() {
			t.Run(b.name+"/"+s.name, func(t *testing.T) { s.run(t, path, b) })
		}
	}
}

func (s killed) run(t *testing.T, path string, b backend) {
	t.Helper()
	h := build(t, b, "ann", "ben")
	w := guard(t, h.mail.URL)
	p := newProgram(t, path, h, w.URL)
	w.kill = p.kill
	s.before(h)
	p.start()
	h.eventually("the first sync is done\n"+p.said(), func() bool { return h.count(`SELECT COUNT(*) FROM contact`) > 0 })
	p.settle(h)
	p.kill()
	s.people(h)
	for _, at := range s.dies {
		w.arm(at)
		p.start()
		if !w.struck() {
			t.Fatalf("the program never came to %+v\n%s", at, p.said())
		}
	}
	p.start()
	h.eventually("all is as it should be\n"+p.said(), func() bool { return s.wrong(h) == "" })
	p.settle(h)
	if wrong := s.wrong(h); wrong != "" {
		t.Error(wrong)
	}
}

func killedStories() []killed {
	bob := func(h *house) {
		h.put("ann", h.mail.AddressBook("ann")+"bob.vcf", card("uid-bob", "Bob Stone", "bob@example.com", ""))
	}
	planning := func(h *house) {
		bob(h)
		for _, u := range h.users {
			h.put(u, h.mail.Calendar(u)+"planning.ics", meeting("uid-planning", "Monday planning", "ann", 5, "ann", "ben"))
		}
	}
	return []killed{
		{
			name: "new on both sides", before: bob,
			people: func(h *house) {
				h.put("ann", h.mail.AddressBook("ann")+"mia.vcf", card("uid-mia", "Mia Mail", "mia@example.com", ""))
				for i := range 3 {
					h.sql(`INSERT INTO contact (id, owner_id, full_name, family_name, email) VALUES ($1, 'u-ann', $2, $2, $3)`,
						fmt.Sprintf("c%d", i), fmt.Sprintf("Stone%d", i), fmt.Sprintf("s%d@example.com", i))
				}
			},
			dies: []strike{{nth: 3}, {write: true, nth: 1, after: true}, {write: true, nth: 1}, {write: true, nth: 2, after: true}},
			wrong: func(h *house) string {
				return h.records("contact", 5) + h.members("ann", h.mail.AddressBook("ann"), 5)
			},
		},
		{
			name: "both sides edit one contact", before: bob,
			people: func(h *house) {
				h.sql(`UPDATE contact SET organization = 'Pier Seven'`)
				h.put("ann", h.mail.AddressBook("ann")+"bob.vcf", card("uid-bob", "Bob Stone", "bob@example.com", "TITLE:Admiral\n"))
			},
			dies: []strike{{nth: 2, after: true}, {write: true, nth: 1}, {write: true, nth: 1, after: true}},
			wrong: func(h *house) string {
				_, body := h.do("ann", http.MethodGet, h.mail.AddressBook("ann")+"bob.vcf", "")
				if !strings.Contains(body, "Pier Seven") || !strings.Contains(body, "TITLE:Admiral") || !strings.Contains(body, "X-KEEP;X-P=1:as it was") {
					return "the card: " + body
				}
				if h.count(`SELECT COUNT(*) FROM contact WHERE organization = 'Pier Seven' AND job_title = 'Admiral'`) != 1 {
					return "the CRM does not hold both edits"
				}
				return ""
			},
		},
		{
			name: "deletions both ways",
			before: func(h *house) {
				bob(h)
				for i := range 8 {
					h.put("ann", h.mail.Calendar("ann")+fmt.Sprintf("e%d.ics", i), meeting(fmt.Sprintf("uid-%d", i), fmt.Sprintf("Visit %d", i), "", 5+i))
				}
			},
			people: func(h *house) {
				h.do("ann", http.MethodDelete, h.mail.Calendar("ann")+"e0.ics", "")
				h.sql(`DELETE FROM appointment WHERE title IN ('Visit 1', 'Visit 2')`)
			},
			dies: []strike{{nth: 4}, {write: true, nth: 1, after: true}, {write: true, nth: 1}},
			wrong: func(h *house) string {
				return h.records("appointment", 5) + h.members("ann", h.mail.Calendar("ann"), 5)
			},
		},
		{
			name: "a meeting of two", before: planning,
			people: func(h *house) { h.sql(`UPDATE appointment SET location = 'Harbor room'`) },
			dies:   []strike{{write: true, nth: 1, after: true}}, // the two mailboxes write at the same time
			wrong: func(h *house) string {
				for _, u := range h.users {
					if _, body := h.find(u, h.mail.Calendar(u), "Monday planning"); !strings.Contains(body, "LOCATION:Harbor room") {
						return u + "'s copy: " + body
					}
				}
				return h.records("appointment", 1)
			},
		},
	}
}

func (h *house) records(table string, want int) string {
	h.t.Helper()
	if got := h.count(`SELECT COUNT(*) FROM ` + table); got != want {
		return fmt.Sprintf("%d records in %s, want %d. ", got, table, want)
	}
	return ""
}

func (h *house) members(user, url string, want int) string {
	h.t.Helper()
	if got := h.list(user, url); len(got) != want {
		return fmt.Sprintf("%d members in %s of %s, want %d: %v", len(got), url, user, want, got)
	}
	return ""
}
