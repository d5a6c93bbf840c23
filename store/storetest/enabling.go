package storetest

import (
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

func enablingStories() map[string]func(*world) {
	return map[string]func(*world){
		"workloads are turned on and off, each for itself": workloadsAreTurned,
		"what Test & Enable found is replaced as a whole":  probesAreReplaced,
		"whose a mailbox is, and who knows what, is noted": ownershipIsNoted,
		"who is in a list is noted, and who waits":         aListIsNoted,
		"a mailbox begins in the state it is given":        aMailboxBegins,
	}
}

// D-35: each workload has a state of its own.
func workloadsAreTurned(w *world) {
	m := w.mailbox("ann")
	equal(w, "workloads", w.reload(m).Workloads, model.Workloads(model.ACT))
	on := w.reload(m).Workloads.With(model.Incoming)
	w.ok(w.s.SetWorkloads(w.ctx, m.ID, on))
	w.ok(w.s.SetWorkloads(w.ctx, m.ID, on))
	got := w.reload(m).Workloads
	equal(w, "has both", got.Has(model.ACT) && got.Has(model.Incoming) && !got.Has(model.Outgoing), true)
	w.ok(w.s.SetWorkloads(w.ctx, m.ID, got.Without(model.ACT).Without(model.Incoming)))
	equal(w, "none", w.reload(m).Workloads, "")
	entries := w.entries(store.LogMailbox, string(m.ID))
	equal(w, "number of entries", len(entries), 3)
	w.logged(entries[1], "lockstep", store.LogWorkload, "", string(model.ACT), string(on))
	w.is(w.s.SetWorkloads(w.ctx, "mbx_none", ""), store.ErrNotFound)
}

func probesAreReplaced(w *world) {
	m := w.mailbox("ann")
	step := func(s store.ProbeStep, v store.ProbeVerdict) store.Probe {
		return store.Probe{Workload: model.ACT, Side: model.Mail, Step: s, Verdict: v, Message: "m", At: w.now}
	}
	w.ok(w.s.SaveProbes(w.ctx, m.ID, []store.Probe{step(store.ProbeReach, store.ProbeFails)}, w.now))
	want := []store.Probe{step(store.ProbeReach, store.ProbeWorks), step(store.ProbeSignIn, store.ProbeFails)}
	w.ok(w.s.SaveProbes(w.ctx, m.ID, want, w.now))
	got, err := w.s.Probes(w.ctx, m.ID)
	w.ok(err)
	same(w, "probes", got, want)
	w.is(w.s.SaveProbes(w.ctx, "mbx_none", want, w.now), store.ErrNotFound)
}

func ownershipIsNoted(w *world) {
	m := w.mailbox("ann")
	w.ok(w.s.SetOwned(w.ctx, m.ID, w.now, ""))
	equal(w, "owned", w.reload(m).Owned.Equal(w.now), true)
	w.ok(w.s.SetOwned(w.ctx, m.ID, w.now, "other 1"))
	w.ok(w.s.Acknowledge(w.ctx, m.ID, "Outlook"))
	equal(w, "acknowledged", w.reload(m).Acknowledged, "Outlook")
	entries := w.entries(store.LogMailbox, string(m.ID))
	equal(w, "number of entries", len(entries), 3)
	w.logged(entries[1], "lockstep", store.LogTaken, "", "other 1", "")
	w.logged(entries[2], "lockstep", store.LogAcked, "", "", "Outlook")
	w.ok(w.s.SetOwned(w.ctx, m.ID, time.Time{}, ""))
	equal(w, "owned no more", w.reload(m).Owned.IsZero(), true)
}

// D-13: one that has to be approved does not begin to sync, also when it comes
// back after it was removed.
func aMailboxBegins(w *world) {
	in := model.Mailbox{Address: "ann" + address, CRM: w.crm.ID, CRMUser: user("ann"), Mail: w.mail.ID, State: model.Registered, Reason: "waits"}
	m, err := w.s.Register(w.ctx, in)
	w.ok(err)
	equal(w, "state", m.State, model.Registered)
	w.ok(w.s.SetMailboxState(w.ctx, m.ID, model.Active, ""))
	m, err = w.s.Register(w.ctx, in)
	w.ok(err)
	equal(w, "state of one that is live", m.State, model.Active)
	w.ok(w.s.SetMailboxState(w.ctx, m.ID, model.Retired, "removed"))
	m, err = w.s.Register(w.ctx, in)
	w.ok(err)
	equal(w, "state", m.State, model.Registered)
	equal(w, "reason", m.Reason, "waits")
}

// Who has a policy because of a list, and the word of a person on those who wait.
func aListIsNoted(w *world) {
	ann, bob := w.mailbox("ann"), w.mailbox("bob")
	const source = "crm/sales/North"
	roll := store.Roll{Policy: "default", Source: source, Resolved: w.now, Tried: w.now, People: 2}
	w.ok(w.s.Enrol(w.ctx, roll, []model.MailboxID{ann.ID, bob.ID}, nil))
	w.ok(w.s.Enrol(w.ctx, roll, []model.MailboxID{ann.ID}, []model.MailboxID{bob.ID}))
	got, err := w.s.Members(w.ctx, "default", source)
	w.ok(err)
	same(w, "members", got, []model.MailboxID{ann.ID})
	w.is(w.s.LetGo(w.ctx, "default"), store.ErrNotFound)
	held := roll
	held.Held, held.Trouble = 3, "3 left at once"
	for range 2 {
		w.ok(w.s.Enrol(w.ctx, held, nil, nil))
	}
	w.ok(w.s.LetGo(store.WithAuthor(w.ctx, store.Author{By: "eve"}), "default"))
	w.ok(w.s.Enrol(w.ctx, held, nil, nil)) // the list could not be obeyed: the word stands
	rolls, err := w.s.Rolls(w.ctx, "default")
	w.ok(err)
	held.Word = "eve"
	same(w, "rolls", rolls, []store.Roll{held})
	w.ok(w.s.Enrol(w.ctx, roll, nil, nil))
	rolls, err = w.s.Rolls(w.ctx, "")
	w.ok(err)
	same(w, "rolls", rolls, []store.Roll{roll})
	log := w.entries(store.LogPolicy, "default")
	equal(w, "number of entries", len(log), 3) // saved, held, let go
	w.logged(log[1], "lockstep", store.LogHeld, "3 left at once", "", "")
	w.logged(log[2], "eve", store.LogLetGo, "", "", "")
}
