package cli

import (
	"time"

	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/plan"
	"lockstep.dev/store"
)

// The shapes of --json. Lists are arrays, single things are objects; times are
// RFC 3339 in UTC, null = never; ids are ours unless the name says otherwise.

// mailboxView is `mailbox list` (an array of them) and part of `mailbox show`.
type mailboxView struct {
	ID          model.MailboxID    `json:"id"`
	Address     string             `json:"address"`
	CRM         string             `json:"crm"` // name of the connection
	CRMUser     string             `json:"crm_user"`
	Mail        string             `json:"mail"` // name of the connection
	User        string             `json:"user,omitempty"`
	Policy      string             `json:"policy"`
	State       model.MailboxState `json:"state"`
	Reason      string             `json:"reason,omitempty"`
	WaitsFor    string             `json:"waits_for,omitempty"` // name of a connection that is down
	Initialized bool               `json:"initialized"`         // the first sync is done
	Round       int64              `json:"round"`
	Created     optional           `json:"created"`
	LastSuccess optional           `json:"last_success"`
	NextAt      optional           `json:"next_at"`
	Failures    int                `json:"failures"` // consecutive transient ones
}

// mailboxDetail is `mailbox show`.
type mailboxDetail struct {
	mailboxView
	SyncErrors []alertView    `json:"sync_errors"`
	Progress   []progressView `json:"progress"`
	Plan       *planHead      `json:"plan"` // newest; null = none yet
	Requests   []requestView  `json:"open_requests"`
}

// progressView counts one kind of a mailbox.
type progressView struct {
	Kind          model.Kind `json:"kind"`
	CRMItems      int        `json:"crm_items"`
	MailItems     int        `json:"mail_items"`
	Linked        int        `json:"linked"`
	Skipped       int        `json:"skipped"`
	Pending       int        `json:"pending"`
	CreatedCRM    int        `json:"created_crm"`
	CreatedMail   int        `json:"created_mail"`
	OpenIssues    int        `json:"open_issues"`
	EditConflicts int        `json:"edit_conflicts"`
	Waiting       int        `json:"waiting"` // operations planned and not done
}

// connectionView is `connection list` (an array of them) and `connection show`.
type connectionView struct {
	ID        model.ConnectionID `json:"id"`
	Name      string             `json:"name"`
	Side      model.Side         `json:"side"`
	Connector string             `json:"connector"`
	Settings  map[string]string  `json:"settings"` // passwords in addresses masked
	Secret    bool               `json:"secret"`   // whether one is stored
	Owner     string             `json:"owner,omitempty"`
	Every     string             `json:"every,omitempty"`
	Mailboxes int                `json:"mailboxes"`
	outageView
}

// testView is `connection test` and `mailbox test` (an array of them).
type testView struct {
	Connection string `json:"connection"`
	Mailbox    string `json:"mailbox,omitempty"`
	Works      bool   `json:"works"`
	Problem    string `json:"problem,omitempty"`
	SignIn     bool   `json:"sign_in,omitempty"` // somebody must sign in again
}

// planHead is a plan without its operations.
type planHead struct {
	ID     string          `json:"id"`
	State  store.PlanState `json:"state"`
	Hash   string          `json:"hash"`
	Why    string          `json:"why,omitempty"` // why it waits
	Round  int64           `json:"round"`
	At     optional        `json:"at"`
	Counts countsView      `json:"counts"`
	Writes []writesView    `json:"writes"`
}

type countsView struct {
	Items     int `json:"items"`
	Matched   int `json:"matched"`
	Skipped   int `json:"skipped"`
	Conflicts int `json:"edit_conflicts"`
	Issues    int `json:"issues"`
	Held      int `json:"held"`
}

// writesView counts the writes of one kind to one side.
type writesView struct {
	Side   model.Side `json:"side"`
	Kind   model.Kind `json:"kind"`
	Create int        `json:"create"`
	Update int        `json:"update"`
	Delete int        `json:"delete"`
}

// planView is `plan show`.
type planView struct {
	Mailbox string `json:"mailbox"`
	planHead
	Operations []operationView `json:"operations"` // the first of them, see --limit
}

// operationView is one planned write.
type operationView struct {
	Number int            `json:"number"`
	Action model.Action   `json:"action"`
	Side   model.Side     `json:"side"`
	Kind   model.Kind     `json:"kind"`
	Item   string         `json:"item,omitempty"` // the provider's id; a create has none
	Entity model.EntityID `json:"entity"`
	Why    string         `json:"why"`
	Held   string         `json:"held,omitempty"`
	Notify string         `json:"notify,omitempty"` // "attendees" if they may hear of it
	Title  string         `json:"title,omitempty"`  // with --content only
}

// requestView is `request show`, and what commands on mailboxes print.
type requestView struct {
	ID       string   `json:"id"`
	Mailbox  string   `json:"mailbox"` // address
	Verb     string   `json:"verb"`
	Argument string   `json:"argument,omitempty"`
	By       string   `json:"by"`
	At       optional `json:"at"`
	Outcome  string   `json:"outcome"` // open, done or refused
	Message  string   `json:"message,omitempty"`
}

// explainView is `explain` (an array of them).
type explainView struct {
	Mailbox  string         `json:"mailbox"`
	Entity   model.EntityID `json:"entity"`
	Kind     model.Kind     `json:"kind"`
	Why      store.Why      `json:"why"`   // the one reason
	State    plan.State     `json:"state"` // "" = known on one side only
	Reason   string         `json:"reason,omitempty"`
	Title    string         `json:"title,omitempty"` // with --content only
	CRM      *model.Ref     `json:"crm"`
	Mail     *model.Ref     `json:"mail"`
	Pending  bool           `json:"pending"`
	Held     string         `json:"held,omitempty"` // why a write of it waits for a person
	LastSync optional       `json:"last_sync"`
	Fields   []string       `json:"differing_fields"`
	Writes   []writtenView  `json:"writes"` // what made it what it is, newest first
	Issues   []issueView    `json:"issues"`
}

// writtenView is one write of an item.
type writtenView struct {
	Round  int64        `json:"round"`
	At     optional     `json:"at"`
	Side   model.Side   `json:"side"` // where it was written; the values came from the other one
	Action model.Action `json:"action"`
	Fields []string     `json:"fields,omitempty"` // none: all of them
	Why    string       `json:"why,omitempty"`
}

// issueView is `issue list` (an array of them).
type issueView struct {
	ID      string         `json:"id"`
	Mailbox string         `json:"mailbox"`
	Entity  model.EntityID `json:"entity,omitempty"`
	Kind    model.Kind     `json:"kind"`
	Side    model.Side     `json:"side"`
	Item    string         `json:"item,omitempty"`
	Code    string         `json:"code"`
	Source  string         `json:"source,omitempty"`
	Message string         `json:"message"`
	// Solution and Acts are the catalogue's: what to do, and who does it.
	Solution string           `json:"solution,omitempty"`
	Acts     string           `json:"acts,omitempty"`
	Cause    string           `json:"cause,omitempty"`
	State    store.IssueState `json:"state"`
	Evidence string           `json:"evidence,omitempty"`
	// Links open the item, where a connection has the setting link; `issue show`.
	Links map[model.Side]string `json:"links,omitempty"`
	First optional              `json:"first"`
	Last  optional              `json:"last"`
	Count int                   `json:"count"`
	Open  bool                  `json:"open"`
}

// conflictView is `conflict list` (an array of them).
type conflictView struct {
	Mailbox    string         `json:"mailbox"`
	ID         string         `json:"id"`
	At         optional       `json:"at"`
	Kind       model.Kind     `json:"kind"`
	Field      string         `json:"field"`
	Winner     model.Side     `json:"winner"` // "" = nobody yet: a person is asked
	Entity     model.EntityID `json:"entity"`
	Chosen     string         `json:"chosen,omitempty"`
	Resolution string         `json:"resolution,omitempty"`
	Loser      model.Content  `json:"loser,omitempty"` // with --content only
}

// roundView is `round list` (an array of them).
type roundView struct {
	Number  int64        `json:"number"`
	Started optional     `json:"started"`
	Ended   optional     `json:"ended"`
	Done    int          `json:"done"`
	Refused int          `json:"refused"`
	Note    string       `json:"note,omitempty"`
	Counts  countsView   `json:"counts"`
	Writes  []writesView `json:"writes"`
}

// migrationView is `schema status` (an array of them).
type migrationView struct {
	Name    string   `json:"name"`
	Applied optional `json:"applied"`
}

// DatabaseReport is `schema status CONNECTION`: what a CRM's own database has.
type DatabaseReport struct {
	Place     string               `json:"place"`     // without credentials
	Installed bool                 `json:"installed"` // what `schema install` creates is there
	Mapped    bool                 `json:"mapped"`    // a mapping file describes the tables
	Held      int64                `json:"held_seconds"`
	Kinds     []DatabaseKindReport `json:"kinds"`
}

// DatabaseKindReport is one kind of a DatabaseReport.
type DatabaseKindReport struct {
	Kind      model.Kind `json:"kind"`
	Table     string     `json:"table"`
	Items     int64      `json:"items"`
	Delta     bool       `json:"delta"`     // changes are read as such; otherwise by full listings
	Creatable bool       `json:"creatable"` // a repeated create cannot make a duplicate
}

func countsOf(c plan.Counts) countsView {
	return countsView{c.Items, c.Matched, c.Skipped, c.Conflicts, c.Issues, c.Held}
}

// writesOf lists the counts in a fixed order; what is nothing is left out.
func writesOf(c plan.Counts) []writesView {
	out := []writesView{}
	for _, side := range []model.Side{model.CRM, model.Mail} {
		for _, kind := range model.Kinds() {
			n := c.Sides[side][kind]
			if n[model.Create]+n[model.Update]+n[model.Delete] > 0 {
				out = append(out, writesView{side, kind, n[model.Create], n[model.Update], n[model.Delete]})
			}
		}
	}
	return out
}

func issueOf(mailbox string, i store.IssueRow) issueView {
	v := issueView{
		Mailbox: mailbox, Entity: i.Entity, Kind: i.Kind, Side: i.Side, Item: i.Item, Code: i.Code,
		ID: i.ID, State: i.State, Evidence: i.Evidence, Message: i.Message, First: optional(i.First), Last: optional(i.Last), Count: i.Count, Open: i.Open,
	}
	if e, ok := issue.Lookup(i.Code); ok {
		v.Source, v.Cause, v.Solution, v.Acts = e.Source, e.Cause, e.Solution, issue.People(e.Who())
	}
	return v
}

func at(o optional) time.Time { return time.Time(o) }

// driftView is `drift show` (an array: the CRM's, then the mailbox's).
type driftView struct {
	ID        string      `json:"id"`
	Side      model.Side  `json:"side"`
	Of        string      `json:"of"` // name of the CRM connection, or the mailbox's address
	Begun     optional    `json:"begun"`
	Ended     optional    `json:"ended"`
	Compared  int         `json:"compared"`
	Different int         `json:"different"`
	Unlike    int         `json:"unlike"` // both sides rest and say different things
	Items     []driftItem `json:"items"`
	Seal      string      `json:"seal"`    // HMAC of the report under a key of this installation
	Genuine   bool        `json:"genuine"` // the report is what was sealed
}

// driftItem is one item that was not as it should be.
type driftItem struct {
	Side       model.Side `json:"side"`
	Kind       model.Kind `json:"kind"`
	Item       string     `json:"item"`
	Collection string     `json:"collection"`
	What       string     `json:"what"`             // missing here, missing there, other version, overlooked, unlike
	Held       string     `json:"held,omitempty"`   // the version that was known
	Found      string     `json:"found,omitempty"`  // the version that was listed
	Fields     []string   `json:"fields,omitempty"` // unlike: names of the fields
}

// logView is `log list` and `mailbox history` (an array of them).
type logView struct {
	ID      string   `json:"id"`
	At      optional `json:"at"`
	By      string   `json:"by"`
	What    string   `json:"what"`
	Subject string   `json:"subject"` // policy, mailbox or connection
	Name    string   `json:"name"`    // a name or address; a mailbox's id once it is forgotten
	Before  string   `json:"before"`
	After   string   `json:"after"`
	Why     string   `json:"why"`
}

// stockView is `policy state` (an array of them).
type stockView struct {
	ID       model.MailboxID    `json:"id"`
	Mailbox  string             `json:"mailbox"`
	CRMUser  string             `json:"crm_user"`
	State    model.MailboxState `json:"state"`
	Linked   int                `json:"linked"`
	Others   int                `json:"others"` // links in any other state
	Cursors  int                `json:"cursors"`
	Created  int                `json:"journal"`
	Unproven int                `json:"not_proven"` // journal rows whose outcome is not known
}

// stateView is `policy state --user`.
type stateView struct {
	ID      model.MailboxID `json:"id"`
	Mailbox string          `json:"mailbox"`
	Links   []linkView      `json:"links"`
	Cursors []cursorView    `json:"cursors"`
	Journal []journalView   `json:"journal"`
}

type linkView struct {
	Entity model.EntityID `json:"entity"`
	Kind   model.Kind     `json:"kind"`
	CRM    string         `json:"crm_item"`
	Mail   string         `json:"mail_item"`
	State  string         `json:"state"`
	Reason string         `json:"reason,omitempty"`
	Synced optional       `json:"synced"`
}

type cursorView struct {
	Kind       model.Kind `json:"kind"`
	Collection string     `json:"collection"`
	Name       string     `json:"name"`
	State      string     `json:"state"`
	Cursor     string     `json:"cursor"`
	Seen       optional   `json:"discovered"`
}

type journalView struct {
	Key     model.Key      `json:"key"`
	Entity  model.EntityID `json:"entity"`
	Side    model.Side     `json:"side"`
	Kind    model.Kind     `json:"kind"`
	Outcome string         `json:"outcome"`
	Begun   optional       `json:"begun"`
}

// probeView is `mailbox test-and-enable` (an array of them).
type probeView struct {
	Mailbox  string         `json:"mailbox"`
	Workload model.Workload `json:"workload"`
	Side     model.Side     `json:"side"`
	Step     string         `json:"step"`
	Verdict  string         `json:"verdict"`
	Message  string         `json:"message,omitempty"`
}
