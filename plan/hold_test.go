package plan

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"lockstep.dev/model"
)

// secretive is an appointment that says the marker wherever it can.
func secretive(class string) model.Item {
	const marker = "zanzibar-quartz"
	c := text("title", marker, "description", marker, "location", marker, "url", "https://"+marker, "class", class,
		"organizer", marker+"@example.com", "alarms", marker, "start", "2026-03-20T09:00:00Z", "end", "2026-03-20T10:00:00Z", "time_zone", "Europe/Berlin",
		"recurrence", "EXDATE;TZID=Europe/Berlin;X-SAYS="+marker+":20260327T100000\nRRULE:FREQ=WEEKLY;X-SAYS="+marker+";BYDAY=FR\nRDATE:"+marker,
		"overrides", "BEGIN:VEVENT\r\nDESCRIPTION:"+marker+"\r\nDTEND:20260403T120000Z\r\nDTSTART;X-P=\""+marker+":\":20260403T110000Z\r\nRECURRENCE-ID:20260403T090000Z\r\nSUMMARY:"+marker+"\r\nEND:VEVENT\r\n")
	c.PutSet("attendees", []model.Element{{Key: "x@example.com", Text: marker}})
	c.PutSet("categories", []model.Element{{Key: "lockstep", Text: "lockstep"}, {Key: marker, Text: marker}})
	return model.Item{
		Ref: model.Ref{Side: model.Mail, Kind: model.Event, ID: "1", Version: "v"}, UID: "u", Stamp: "k", Content: c, Raw: []byte(marker),
	}
}

// B16: what our store may hold of a private item is decided before it is stored.
func TestOfAPrivateItemOnlyWhatThePolicySaysIsHeld(t *testing.T) {
	busy := text("title", "Busy", "class", "private", "start", "2026-03-20T09:00:00Z", "end", "2026-03-20T10:00:00Z", "time_zone", "Europe/Berlin",
		"recurrence", "EXDATE;TZID=Europe/Berlin:20260327T100000\nRRULE:FREQ=WEEKLY;BYDAY=FR",
		"overrides", "BEGIN:VEVENT\r\nDTEND:20260403T120000Z\r\nDTSTART:20260403T110000Z\r\nRECURRENCE-ID:20260403T090000Z\r\nSUMMARY:Busy\r\nEND:VEVENT\r\n")
	busy.PutSet("categories", []model.Element{{Key: "lockstep", Text: "Lockstep"}})
	for _, tt := range []struct {
		class, private string
		want           model.Content // nil = as it is
	}{
		{"", "skip", nil},
		{"public", "skip", nil},
		{"private", "full", nil},
		{"private", "skip", text("class", "private")},
		{"confidential", "skip", text("class", "confidential")},
		{"x-mine", "skip", text("class", "private")},
		{"private", "busy", busy},
	} {
		it := secretive(tt.class)
		got := Hold(tt.private, "Lockstep", it)
		if tt.want == nil {
			if got.Reduced || len(model.Differing(got.Content, it.Content)) > 0 || got.Raw == nil {
				t.Errorf("%s, %s: it is held as %+v", tt.class, tt.private, got)
			}
			continue
		}
		if d := model.Differing(got.Content, tt.want); !got.Reduced || got.Raw != nil || len(d) > 0 || got.Stamp != "k" || got.UID != "u" || got.Ref != it.Ref {
			t.Errorf("%s, %s: differs in %v: %+v", tt.class, tt.private, d, got)
		}
		if bytes.Contains(got.Content.Encode(), []byte("zanzibar")) {
			t.Errorf("%s, %s: it says %s", tt.class, tt.private, got.Content.Encode())
		}
		if again := Hold(tt.private, "Lockstep", got); len(model.Differing(again.Content, got.Content)) > 0 {
			t.Errorf("%s, %s: held once more it is %s", tt.class, tt.private, again.Content.Encode())
		}
		if IsBlock(got.Content) != (tt.private == "busy") {
			t.Errorf("%s, %s: taken for a block: %v", tt.class, tt.private, IsBlock(got.Content))
		}
	}
}

func TestWhatTakesNoTimeHasNoBlock(t *testing.T) {
	for field, value := range map[string]string{"transparency": "free", "status": "cancelled"} {
		it := secretive("private")
		it.Content.PutText(field, value)
		if got := Hold("busy", "Lockstep", it); IsBlock(got.Content) || len(got.Content) != 1 {
			t.Errorf("%s: it is held as %s", value, got.Content.Encode())
		}
	}
	task := model.Item{Ref: model.Ref{Side: model.Mail, Kind: model.Task}, Content: text("title", "secret", "class", "private", "due", "2026-03-20")}
	if got := Hold("busy", "", task); len(model.Differing(got.Content, text("class", "private"))) > 0 {
		t.Errorf("a task is held as %s", got.Content.Encode())
	}
}

func TestAnItemThatCannotBeReadLeavesNoBytes(t *testing.T) {
	it := model.Item{Ref: model.Ref{Side: model.Mail, Kind: model.Event}, Raw: []byte("CLASS:PRIVATE"), Trouble: "line 1"}
	if got := Hold("skip", "", it); got.Raw != nil || got.Trouble == "" {
		t.Errorf("it is held as %+v", got)
	}
	if got := Hold("full", "", it); got.Raw == nil {
		t.Error("full does not hold its bytes")
	}
}

func TestOnePrivateOccurrenceMakesASeriesPrivate(t *testing.T) {
	for class, want := range map[string]bool{"PRIVATE": true, "X-MINE": true, "PUBLIC": false} {
		c := text("title", "weekly", "overrides", "BEGIN:VEVENT\r\nCLASS;X=1:"+class+"\r\nEND:VEVENT\r\n")
		if model.Private(c) != want {
			t.Errorf("%s: private is %v", class, !want)
		}
	}
}

// privately is a pair that once agreed and whose item turned private since.
func privately(policy string, lead bool) Input {
	was := secretive("").Content
	p := linked(model.Event, was, was, was)
	held := Hold(policy, "Lockstep", secretive("private"))
	p.Mail, p.Lead = seen(model.Mail, model.Event, held.Content), lead
	p.Mail.Reduced = true
	in := world(p)
	in.Policy.Private = policy
	return in
}

func TestAnItemThatTurnedPrivateIsWithdrawn(t *testing.T) {
	for _, policy := range []string{"skip", "busy"} {
		got := Build(privately(policy, true))
		if len(got.Writes) != 1 || len(got.Retracts) != 0 {
			t.Fatalf("%s: %+v", policy, got)
		}
		w := got.Writes[0]
		if w.Side != model.CRM || w.Op.Action != model.Delete || !w.Withdraws || w.Drops || w.Op.Expect != "v1" || w.Op.Notify != model.NotifyNone {
			t.Errorf("%s: %+v", policy, w)
		}
		var tally Tally
		tally.Add(got.Writes)
		if held := tally.Brakes(Census{
			Linked: map[model.Kind]int{model.Event: 30}, Deleted: map[model.Side]map[model.Kind]int{},
			Present: map[model.Side]map[model.Kind]int{model.Mail: {model.Event: 30}},
		}, privately(policy, true).Policy); len(held) != 0 {
			t.Errorf("%s: one withdrawal is held: %v", policy, held)
		}
	}
	// Somebody else's record stays; what this mailbox said in it goes.
	in := privately("skip", false)
	for _, c := range []model.Content{in.Pairs[0].CRM.Content, in.Pairs[0].CRMBase.Content} {
		c.PutSet("attendees", []model.Element{{Key: "ann@example.com", Text: "Ann", Attr: map[string]string{"status": "accepted"}}})
	}
	got := Build(in)
	if len(got.Writes) != 1 || got.Writes[0].Op.Action != model.Update || !got.Writes[0].Withdraws || !slices.Equal(got.Writes[0].Op.Changed, []string{"attendees"}) {
		t.Fatalf("%+v", got)
	}
	if a := got.Writes[0].Op.Content.Set("attendees"); len(a) != 1 || a[0].Attr["status"] != "" {
		t.Errorf("the answer stays: %+v", a)
	}
}

func TestABlockSharesNoIdentifierWithItsAppointment(t *testing.T) {
	held := Hold("busy", "Lockstep", secretive("private"))
	s := seen(model.Mail, model.Event, held.Content)
	s.Reduced, s.UID = true, held.UID
	in := world(Pair{Entity: "e1", Kind: model.Event, Mail: s})
	in.Policy.Private = "busy"
	got := Build(in)
	if len(got.Writes) != 1 || got.Writes[0].Op.UID != "" || len(got.Writes[0].Op.Content.Set("attendees")) != 0 {
		t.Fatalf("%+v", got)
	}
	if key := GlobalOf("mbx1", *s); strings.HasPrefix(key, "uid:") {
		t.Errorf("it is claimed as %s", key)
	}
}
