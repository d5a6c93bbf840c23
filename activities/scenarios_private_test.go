package activities_test

import (
	"bytes"
	"context"
	"strings"

	"lockstep.dev/connector/memory"
	"lockstep.dev/model"
)

// Private items (requirement B16).

// marker is what a private item says and nobody else may ever read.
const marker = "zanzibar-quartz"

// affair is an appointment that says the marker wherever it can.
func affair(class string) model.Content {
	c := meeting(marker+" title", "ada")
	c.PutText("description", marker+" description")
	c.PutText("location", marker+" location")
	c.PutText("url", "https://example.org/"+marker)
	c.PutText("alarms", "BEGIN:VALARM\r\nDESCRIPTION:"+marker+"\r\nEND:VALARM\r\n")
	c.PutSet("attendees", append(c.Set("attendees"), model.Element{Key: "guest@example.net", Text: marker + " guest"}))
	c.PutText("class", class)
	return c
}

func (h *house) affair(class string) {
	h.at("ada").Create(memory.Draft{Kind: model.Event, UID: "uid-affair", Content: affair(class)})
}

// recorded has it entered in the CRM.
func (h *house) recorded(class string) {
	h.at("").Create(memory.Draft{Kind: model.Event, Owner: "u-ada", UID: "uid-affair", Content: affair(class)})
}

// wantSecret wants the marker to be nowhere but in ada's mailbox: neither in the
// CRM, nor in our file, nor in what was logged or failed.
func (h *house) wantSecret() {
	h.t.Helper()
	h.wantSecretFile()
	for _, it := range h.at("").Items() {
		if bytes.Contains(it.Content.Encode(), []byte(marker)) {
			h.t.Errorf("the CRM says: %s", it.Content.Encode())
		}
	}
	if n := len(h.all("ada", marker+" title")); n != 1 {
		h.t.Errorf("ada has it %d times", n)
	}
}

func (h *house) wantSecretFile() {
	h.t.Helper()
	if strings.Contains(h.logged.String(), marker) || strings.Contains(strings.Join(h.log, "\n"), marker) {
		h.t.Errorf("it was logged")
	}
	says := h.base.says(marker)
	h.open()
	if says {
		h.t.Errorf("our store says it")
	}
}

// wantBlock wants the CRM to have one block of time and nothing else.
func (h *house) wantBlock(start string) {
	h.t.Helper()
	items := h.at("").Items()
	if len(items) != 1 || items[0].Content.Text("title") != "Busy" || items[0].Content.Text("start") != start {
		h.t.Errorf("the CRM has %d items\n%s", len(items), h.story())
	}
}

func (h *house) wantExplained(reason string) {
	h.t.Helper()
	found, err := h.db.Explain(context.Background(), h.box("ada").id, h.the("ada", marker+" title").Ref.ID)
	h.must(err)
	if len(found) != 1 || !strings.HasPrefix(found[0].Reason, reason) || found[0].Title != "" {
		h.t.Errorf("it is explained as %+v", found)
	}
}

// turn makes ada's appointment private, or public again.
func turn(class string) func(*house) {
	return func(h *house) { h.set("ada", marker+" title", "class", class) }
}

// hush changes what the policy does with private items.
func hush(private string) func(*house) {
	return func(h *house) {
		p, err := h.db.Policy(context.Background(), "all")
		h.must(err)
		p.Private = private
		h.must(h.db.SavePolicy(context.Background(), p))
	}
}

func secretly(private string, people ...string) design {
	d := events(people...)
	d.secret = true
	d.policy = func(p *model.Policy) { p.Private = private }
	return d
}

const (
	at9  = "2031-03-20T09:00:00Z"
	at11 = "2031-03-20T11:00:00Z"
)

func privateStories() []scenario {
	born := func(class string) func(*house) { return func(h *house) { h.affair(class) } }
	return []scenario{
		{
			name: "a private appointment stays in its mailbox", design: secretly("skip", "ada"),
			steps: []func(*house){born("private"), turn("confidential"), turn("x-own-word")},
			check: func(h *house) { h.wantSecret(); h.wantExplained("private: ") },
		},
		{
			name: "turned private after it was synced", design: secretly("skip", "ada"), before: born(""),
			steps: []func(*house){turn("private")},
			check: func(h *house) { h.wantSecret(); h.wantExplained("private: ") },
		},
		{
			name: "turned private while it is created", design: secretly("skip", "ada"),
			steps: []func(*house){born("")}, meanwhile: turn("private"),
			check: func(h *house) { h.wantSecret(); h.wantExplained("private: ") },
		},
		{
			name: "entered in the CRM and turned private by the only participant", design: secretly("skip", "ada"),
			before: func(h *house) { h.recorded("") },
			steps:  []func(*house){turn("private")},
			check:  (*house).wantSecret,
		},
		{
			name: "turned private after many changes", design: secretly("skip", "ada"), before: born(""),
			steps: []func(*house){
				func(h *house) { h.set("ada", marker+" title", "location", marker+" one") },
				func(h *house) { h.set("", marker+" title", "location", marker+" two") },
				func(h *house) {
					h.set("ada", marker+" title", "description", marker+" mine")
					h.set("", marker+" title", "description", marker+" theirs")
				},
				turn("confidential"),
			},
			check: (*house).wantSecret,
		},
		{
			name: "turned private and public again", design: secretly("skip", "ada"), before: born(""),
			steps: []func(*house){turn("private"), turn("")},
			check: func(h *house) { h.wantCount(1, marker+" title", "", "ada") },
		},
		{
			name: "turned private and deleted at once", design: secretly("skip", "ada"), before: born(""),
			steps: []func(*house){turn("private"), func(h *house) { h.remove("ada", marker+" title") }},
			check: func(h *house) { h.wantSecretFile(); h.wantCount(0, marker+" title", "", "ada") },
		},
		{
			name: "turned private while somebody changes it in the CRM", design: secretly("skip", "ada"), before: born(""),
			steps: []func(*house){func(h *house) {
				turn("private")(h)
				h.set("", marker+" title", "location", marker+" elsewhere")
			}},
			check: (*house).wantSecret,
		},
		{
			name: "only a block of time is in the CRM", design: secretly("busy", "ada"),
			steps: []func(*house){born("private"), func(h *house) { h.set("ada", marker+" title", "start", "2031-03-20T08:00:00Z") }},
			check: func(h *house) {
				h.wantSecret()
				h.wantBlock("2031-03-20T08:00:00Z")
				h.wantExplained("private: ")
			},
		},
		{
			name: "turned private, and the block stays", design: secretly("busy", "ada"), before: born(""),
			steps: []func(*house){turn("private")},
			check: func(h *house) { h.wantSecret(); h.wantBlock(at9) },
		},
		{
			name: "a block is moved in the CRM and is put back", design: secretly("busy", "ada"), before: born("private"),
			steps: []func(*house){func(h *house) { h.set("", "Busy", "start", at11) }},
			check: func(h *house) {
				h.wantSecret()
				h.wantBlock(at9)
				h.wantText("ada", marker+" title", "start", at9)
			},
		},
		{
			name: "a block is deleted in the CRM and the appointment stays", design: secretly("busy", "ada"), before: born("private"),
			steps: []func(*house){
				func(h *house) { h.inCRM(model.Event, "ada", meeting("Other", "ada")) },
				func(h *house) { h.remove("", "Busy") },
			},
			check: func(h *house) { h.wantSecret(); h.wantCount(0, "Busy", ""); h.wantExplained("private: ") },
		},
		{
			name: "a private appointment is deleted and its block goes", design: secretly("busy", "ada"),
			before: func(h *house) { h.affair("private"); h.inCRM(model.Event, "ada", meeting("Other", "ada")) },
			steps:  []func(*house){func(h *house) { h.remove("ada", marker+" title") }},
			check:  func(h *house) { h.wantSecretFile(); h.wantCount(0, "Busy", "", "ada") },
		},
		{
			name: "a private appointment shows as free and has no block", design: secretly("busy", "ada"), before: born("private"),
			steps: []func(*house){func(h *house) { h.set("ada", marker+" title", "transparency", "free") }},
			check: func(h *house) { h.wantSecret(); h.wantCount(0, "Busy", "") },
		},
		{
			name: "the policy turns from full to skip", design: secretly("full", "ada"), before: born("private"),
			steps: []func(*house){func(h *house) { h.wantCount(1, marker+" title", "") }, hush("skip")},
			check: (*house).wantSecret,
		},
		{
			name: "the policy turns from full to busy", design: secretly("full", "ada"), before: born("private"),
			steps: []func(*house){hush("busy")},
			check: func(h *house) { h.wantSecret(); h.wantBlock(at9) },
		},
		{
			name: "the policy turns from skip to full", design: secretly("skip", "ada"), before: born("private"),
			steps: []func(*house){hush("full")},
			check: func(h *house) { h.wantCount(1, marker+" title", "", "ada") },
		},
		{
			name: "a private record of the CRM goes into no mailbox", design: secretly("skip", "ada"),
			steps: []func(*house){func(h *house) { h.recorded("private") }},
			check: func(h *house) {
				h.wantSecretFile()
				h.wantCount(0, marker+" title", "ada")
				h.wantCount(1, marker+" title", "")
			},
		},
		{
			name: "an attendee makes a meeting private", design: events("ada", "bob"), before: standup,
			steps: []func(*house){
				func(h *house) { h.answer("bob", "Standup", "bob", "accepted") },
				func(h *house) { h.set("bob", "Standup", "class", "private") },
				func(h *house) { h.set("ada", "Standup", "location", "Room 9") },
			},
			check: func(h *house) {
				h.wantCount(1, "Standup", "", "ada", "bob")
				h.wantText("", "Standup", "location", "Room 9")
				h.wantText("bob", "Standup", "location", "")
				h.wantAnswer("", "Standup", "bob", "")
				h.wantAnswer("bob", "Standup", "bob", "accepted")
			},
		},
		{
			name: "the organizer makes a meeting private and the others keep their copies", design: events("ada", "bob"), before: standup,
			steps: []func(*house){
				func(h *house) { h.set("ada", "Standup", "class", "private") },
				func(h *house) { h.set("bob", "Standup", "location", "Room 9") },
			},
			check: func(h *house) { h.wantCount(0, "Standup", ""); h.wantCount(1, "Standup", "ada", "bob") },
		},
	}
}
