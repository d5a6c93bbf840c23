package storetest

import (
	"errors"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

func registryStories() map[string]func(*world) {
	return map[string]func(*world){
		"a connection is saved, renamed and found":          aConnectionIsSaved,
		"the default policy exists and is complete":         theDefaultPolicyExists,
		"a mailbox is registered and found by its address":  aMailboxIsRegistered,
		"a CRM user belongs to one mailbox":                 aCRMUserBelongsToOneMailbox,
		"a removed mailbox added again goes on":             aRemovedMailboxGoesOn,
		"an immutable identity survives a new address":      anIdentitySurvivesANewAddress,
		"registering again changes only settings":           registeringAgain,
		"another server is another mailbox":                 anotherServer,
		"a new policy looks again at what the old one left": aNewPolicyLooksAgain,
	}
}

func aConnectionIsSaved(w *world) {
	c, err := w.s.ConnectionNamed(w.ctx, "mail")
	w.ok(err)
	equal(w, "secret", c.Secret, "s3cret")
	c.Name, c.Settings, c.Secret = "post", map[string]string{"url": "https://dav"}, "other"
	_, err = w.s.SaveConnection(w.ctx, c)
	w.ok(err)
	again, err := w.s.Connection(w.ctx, c.ID)
	w.ok(err)
	same(w, "connection", again, c)
	all, err := w.s.Connections(w.ctx)
	w.ok(err)
	equal(w, "number of connections", len(all), 2)
	_, err = w.s.SaveConnection(w.ctx, model.Connection{Name: "post", Side: model.Mail})
	w.is(err, store.ErrExists)
	_, err = w.s.ConnectionNamed(w.ctx, "mail")
	w.is(err, store.ErrNotFound)
	_, err = w.s.SaveConnection(w.ctx, model.Connection{ID: "con_none", Name: "x"})
	w.is(err, store.ErrNotFound)
	one, err := w.s.Installation(w.ctx)
	w.ok(err)
	two, err := w.s.Installation(w.ctx)
	w.ok(err)
	equal(w, "installation", one, two)
}

func theDefaultPolicyExists(w *world) {
	p, err := w.s.Policy(w.ctx, "default")
	w.ok(err)
	same(w, "policy", p, model.Policy{Name: "default"}.Complete())
	w.ok(w.s.SavePolicy(w.ctx, model.Policy{Name: "all", Interval: model.Duration(time.Minute)}))
	p, err = w.s.Policy(w.ctx, "all")
	w.ok(err)
	equal(w, "interval", time.Duration(p.Interval), time.Minute)
	equal(w, "completed category", p.Category, "Lockstep")
	all, err := w.s.Policies(w.ctx)
	w.ok(err)
	equal(w, "number of policies", len(all), 2)
	if err := w.s.SavePolicy(w.ctx, model.Policy{Name: "bad", Private: "maybe"}); err == nil {
		w.Fatal("a policy that makes no sense was saved")
	}
	_, err = w.s.Policy(w.ctx, "bad")
	w.is(err, store.ErrNotFound)
}

func aMailboxIsRegistered(w *world) {
	m := w.mailbox("ann")
	equal(w, "state", m.State, model.Active)
	equal(w, "policy", m.Policy, "default")
	for _, name := range []string{"Ann@EX.org", string(m.ID)} {
		got, err := w.s.MailboxNamed(w.ctx, name)
		w.ok(err)
		same(w, "mailbox", got, m)
	}
	equal(w, "secret", w.reload(m).Secret, "pw-ann")
	_, err := w.s.MailboxNamed(w.ctx, "nobody")
	w.is(err, store.ErrNotFound)
	w.mailbox("bob")
	for filter, want := range map[store.MailboxFilter]int{
		{}: 2, {State: model.Active}: 2, {State: model.Retired}: 0, {Connection: w.crm.ID}: 2, {Connection: "other"}: 0, {Policy: "default"}: 2,
	} {
		all, err := w.s.Mailboxes(w.ctx, filter)
		w.ok(err)
		equal(w, "number of mailboxes", len(all), want)
	}
	_, err = w.s.Register(w.ctx, model.Mailbox{Address: "ANN" + address, CRM: w.crm.ID, CRMUser: "someone", Mail: w.mail.ID})
	w.is(err, store.ErrExists)
	m.Address, m.Policy = "ann.new"+address, "nope"
	if err := w.s.SaveMailbox(w.ctx, m); err == nil {
		w.Fatal("a mailbox got a policy that does not exist")
	}
	m.Policy, m.User, m.State = "default", "sign-in", model.Paused
	w.ok(w.s.SaveMailbox(w.ctx, m))
	got := w.reload(m)
	equal(w, "address", got.Address, "ann.new"+address)
	equal(w, "sign-in", got.User, "sign-in")
	equal(w, "state, which SaveMailbox leaves alone", got.State, model.Active)
}

// a CRM user that is registered for somebody else is refused with
// the text users search for, and only the settings are kept.
func aCRMUserBelongsToOneMailbox(w *world) {
	ann := w.mailbox("ann")
	w.ok(w.s.SetMailboxState(w.ctx, ann.ID, model.Retired, "removed"))
	fresh, err := w.s.Register(w.ctx, model.Mailbox{Address: "ann.married" + address, CRM: w.crm.ID, CRMUser: user("ann"), Mail: w.mail.ID, Secret: "new"})
	var conflict *store.Conflict
	if !errors.As(err, &conflict) {
		w.Fatalf("error is %v, want a conflict", err)
	}
	equal(w, "text", err.Error(), "Synchronization failed due to Crm ID conflict. <user-ann> already registered for another user.")
	equal(w, "registered mailbox", conflict.Mailbox, ann.ID)
	equal(w, "its address", conflict.Address, "ann"+address)
	equal(w, "address", w.reload(ann).Address, "ann"+address)
	got := w.reload(fresh)
	equal(w, "state of what was kept", got.State, model.Conflicted)
	equal(w, "reason", got.Reason, err.Error())
	equal(w, "secret", got.Secret, "new")
	again, err := w.s.Register(w.ctx, model.Mailbox{Address: "ann.married" + address, CRM: w.crm.ID, CRMUser: user("ann"), Mail: w.mail.ID, Secret: "newer"})
	if !errors.As(err, &conflict) {
		w.Fatalf("error is %v, want a conflict", err)
	}
	equal(w, "id", again.ID, fresh.ID)
	equal(w, "secret", w.reload(fresh).Secret, "newer")
	w.arrive("", w.shared(contact("c1", "Carl"), "ann")) // it takes part in nothing
	same(w, "pending", names(w.pairs(again)), []string{})
	alerts, err := w.s.Alerts(w.ctx, store.AlertFilter{Mailbox: fresh.ID})
	w.ok(err)
	equal(w, "alerts", len(alerts), 1)
}

// B6: removing and adding again loses nothing.
func aRemovedMailboxGoesOn(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.ok(w.s.SetMailboxState(w.ctx, ann.ID, model.Retired, "removed by hand"))
	same(w, "pending of a retired mailbox", names(w.pairs(ann)), []string{})
	w.arrive("", w.shared(contact("c1", "Ann Renamed"), "ann"))
	same(w, "pending of a retired mailbox", names(w.pairs(ann)), []string{})
	again, err := w.s.Register(w.ctx, model.Mailbox{Address: "ANN" + address, CRM: w.crm.ID, CRMUser: user("ann"), Mail: w.mail.ID, Secret: "new"})
	w.ok(err)
	equal(w, "id", again.ID, ann.ID)
	equal(w, "state", again.State, model.Active)
	equal(w, "secret", again.Secret, "new")
	same(w, "cursor", w.collection(ann.ID, people).Cursor != "", true)
	// What changed meanwhile, and what is linked, is looked at; its base is kept.
	w.arrive("", w.shared(contact("c1", "Ann Renamed"), "ann"))
	p := w.pairs(ann)
	same(w, "pending", names(p), []string{"c1=m-c1"})
	equal(w, "base", p[0].CRMBase.Content.Text("full_name"), "Ann")
	equal(w, "now", p[0].CRM.Content.Text("full_name"), "Ann Renamed")
}

func anIdentitySurvivesANewAddress(w *world) {
	m, err := w.s.Register(w.ctx, model.Mailbox{Address: "ann" + address, CRM: w.crm.ID, CRMUser: user("ann"), Mail: w.mail.ID, Identity: "immutable-7"})
	w.ok(err)
	moved, err := w.s.Register(w.ctx, model.Mailbox{Address: "ann@new.org", CRM: w.crm.ID, CRMUser: user("ann"), Mail: w.mail.ID, Identity: "immutable-7"})
	w.ok(err)
	equal(w, "id", moved.ID, m.ID)
	equal(w, "address", moved.Address, "ann@new.org")
	_, err = w.s.Register(w.ctx, model.Mailbox{Address: "other@new.org", CRM: w.crm.ID, CRMUser: "other", Mail: w.mail.ID, Identity: "immutable-7"})
	w.is(err, store.ErrExists)
}

// A configuration file is applied at each start.
func registeringAgain(w *world) {
	ann := w.mailbox("ann")
	w.linked(ann, "c1", "ann")
	w.ok(w.s.SetMailboxState(w.ctx, ann.ID, model.Paused, "holiday"))
	again, err := w.s.Register(w.ctx, model.Mailbox{Address: "ann" + address, CRM: w.crm.ID, CRMUser: user("ann"), Mail: w.mail.ID, Secret: "new", User: "sign-in"})
	w.ok(err)
	equal(w, "id", again.ID, ann.ID)
	equal(w, "state", again.State, model.Paused)
	equal(w, "sign-in", again.User, "sign-in")
	equal(w, "policy", again.Policy, "default")
	equal(w, "initialized", again.Initialized, true)
	same(w, "pending", names(w.pairs(ann)), []string{})
}

func anotherServer(w *world) {
	ann := w.mailbox("ann")
	other, err := w.s.SaveConnection(w.ctx, model.Connection{Name: "other", Side: model.Mail})
	w.ok(err)
	_, err = w.s.Register(w.ctx, model.Mailbox{Address: "ann" + address, CRM: w.crm.ID, CRMUser: user("ann"), Mail: other.ID})
	var conflict *store.Conflict
	if !errors.As(err, &conflict) || conflict.Mailbox != ann.ID {
		w.Fatalf("error is %v, want a conflict", err)
	}
}

func aNewPolicyLooksAgain(w *world) {
	m := w.mailbox("ann")
	w.arrive(m.ID, contact("m1", "Ann"))
	w.plan(m, store.PlanReady, agree) // one-sided: skipped
	same(w, "pending", names(w.pairs(m)), []string{})
	equal(w, "anything to do", w.due(m).Fresh, false)
	w.ok(w.s.SavePolicy(w.ctx, model.Policy{Name: "default", Private: "full"}))
	equal(w, "anything to do", w.due(m).Fresh, true)
	same(w, "pending", names(w.pairs(m)), []string{"=m1"})
}

func requestStories() map[string]func(*world) {
	return map[string]func(*world){"a request is kept until it is finished": aRequestIsKept}
}

func aRequestIsKept(w *world) {
	m := w.mailbox("ann")
	first, err := w.s.AddRequest(w.ctx, store.Request{Mailbox: m.ID, Verb: "pause", By: "root", At: w.tick()})
	w.ok(err)
	second, err := w.s.AddRequest(w.ctx, store.Request{Mailbox: m.ID, Verb: "resume", Argument: "x", By: "root", At: w.tick()})
	w.ok(err)
	other, err := w.s.AddRequest(w.ctx, store.Request{Verb: "check", By: "root", At: w.tick()})
	w.ok(err)
	open, err := w.s.OpenRequests(w.ctx, m.ID)
	w.ok(err)
	same(w, "open requests", open, []store.Request{first, second})
	open, err = w.s.OpenRequests(w.ctx, "")
	w.ok(err)
	same(w, "all open requests", open, []store.Request{first, second, other})
	w.ok(w.s.FinishRequest(w.ctx, first.ID, store.RequestRefused, "not now"))
	got, err := w.s.Request(w.ctx, first.ID)
	w.ok(err)
	equal(w, "outcome", got.Outcome, store.RequestRefused)
	equal(w, "message", got.Message, "not now")
	open, err = w.s.OpenRequests(w.ctx, m.ID)
	w.ok(err)
	same(w, "open requests", open, []store.Request{second})
	w.is(w.s.FinishRequest(w.ctx, "req_none", store.RequestDone, ""), store.ErrNotFound)
	_, err = w.s.Request(w.ctx, "req_none")
	w.is(err, store.ErrNotFound)
}
