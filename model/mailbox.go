package model

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Connection is one system as we reach it. Pages title a mail connection
// "Email server profile".
type Connection struct {
	ID        ConnectionID
	Name      string // what people call it; unique
	Side      Side
	Connector string            // "dav", "sqlcrm"
	Settings  map[string]string // as the connector documents them; no secrets
	Secret    string            // never stored, logged or shown in clear
	Owner     string            // e-mail address of the person to notify
	Every     time.Duration     // CRM side: gap between feed passes
	Pass      int64             // CRM side: finished feed passes; the store counts them
	Behind    bool              // CRM side: our own database was restored; it has to be read in full
	AuditAt   time.Time         // CRM side: when its next audit is due; the store sets it
	PassBegun time.Time         // CRM side: when the latest finished feed pass began; zero = never
	Outage    string            // what an outage of the system does: OutageWait (default) or OutageDisable
	Circuit   Circuit           // whether it is used at the moment; the store keeps it
}

// What becomes of the mailboxes of a system that does not answer.
const (
	// OutageWait: they wait for as long as it takes and go on where they stopped
	// (requirements N-03, N-05).
	OutageWait = "wait"
	// OutageDisable: after ten attempts five minutes apart they are disabled
	// until somebody has tested the connection (requirement D-32).
	OutageDisable = "disable"
)

// MailboxState is where a mailbox stands in its life.
type MailboxState string

// The states of a mailbox.
const (
	Registered MailboxState = "registered" // waits for approval
	Approved   MailboxState = "approved"   // waits for Test & Enable
	Active     MailboxState = "active"
	Paused     MailboxState = "paused"   // by a person
	Disabled   MailboxState = "disabled" // by an error; Reason says which
	Retired    MailboxState = "retired"  // removed; links kept
	// Conflicted: its CRM user is registered for another mailbox. Only its
	// settings are kept, and it takes part in nothing.
	Conflicted MailboxState = "crm-id-conflict"
)

// TakesPart reports whether a mailbox in this state is one of those between
// which items are routed: it syncs, or will once it is resumed.
func (s MailboxState) TakesPart() bool { return s != Retired && s != Conflicted }

// MailboxStates lists the states in the order of a mailbox's life.
func MailboxStates() []MailboxState {
	return []MailboxState{Registered, Approved, Active, Paused, Disabled, Conflicted, Retired}
}

// Workloads are the workloads of a mailbox that are on, each enabled for itself
// (requirement D-35): their names, sorted, with commas between.
type Workloads string

// Has reports whether a workload is on.
func (w Workloads) Has(one Workload) bool { return slices.Contains(w.list(), string(one)) }

// With is the same with one more workload on.
func (w Workloads) With(one Workload) Workloads {
	if w.Has(one) {
		return w
	}
	list := append(w.list(), string(one))
	slices.Sort(list)
	return Workloads(strings.Join(list, ","))
}

// Without is the same with one workload off.
func (w Workloads) Without(one Workload) Workloads {
	return Workloads(strings.Join(slices.DeleteFunc(w.list(), func(s string) bool { return s == string(one) }), ","))
}

func (w Workloads) list() []string {
	if w == "" {
		return nil
	}
	return strings.Split(string(w), ",")
}

// Mailbox is one person's mailbox paired with one CRM user.
type Mailbox struct {
	ID       MailboxID
	Address  string // attribute, may change
	CRM      ConnectionID
	CRMUser  string
	Mail     ConnectionID
	Identity string // the mailbox's immutable id, "" = unknown
	User     string // sign-in name at the mail server; empty = the connection's
	Secret   string // never stored, logged or shown in clear
	Policy   string
	State    MailboxState
	Reason   string // why it is paused or disabled, for people

	Generation  int64 // how often our database was advanced (design decision 9)
	Round       int64 // completed fetches; ageing counts in these
	Initialized bool  // the first sync has been applied
	Created     time.Time
	LastSuccess time.Time // end of the last round that worked; zero = never
	FetchBegun  time.Time // when the latest finished fetch began; zero = never
	NextAt      time.Time // when the next round is due
	Failures    int       // consecutive transient failures
	Behind      bool      // our own database was restored; it has to be read in full
	AuditAt     time.Time // when its next audit is due; zero = not before the first sync
	Undoing     string    // the request whose undo is under way, "" = none
	// Snapshot is the request whose full pass is under way, "" = none.
	Snapshot string
	// Hold is why its next plan waits for approval as a whole, "" = it does not.
	Hold string
	// Successor is the mailbox that goes on under this one's settings since a
	// CRM-ID conflict was cleared, "" = none.
	Successor MailboxID
	Workloads Workloads // that are on
	Owned     time.Time // since when our note of whose it is stands in it; zero = it does not
	// Acknowledged is the other software that syncs it, as a person acknowledged.
	Acknowledged string
}

// Policy says what a group of mailboxes syncs. The zero value of every field
// means its default; Complete fills them in.
type Policy struct {
	Name         string              `json:"name" yaml:"name"`
	Kinds        map[Kind]KindPolicy `json:"kinds" yaml:"kinds"`
	Category     string              `json:"category" yaml:"category"`               // the category that tracks an item; default "Lockstep"
	PastDays     int                 `json:"past_days" yaml:"past_days"`             // events: days back; default 45
	AheadDays    int                 `json:"ahead_days" yaml:"ahead_days"`           // events: days ahead; default 400
	Private      string              `json:"private" yaml:"private"`                 // private items: skip (default), busy or full
	Invite       string              `json:"invite" yaml:"invite"`                   // never (default) or organizer-changes
	Interval     Duration            `json:"interval" yaml:"interval"`               // gap between rounds; default 5m
	Approval     string              `json:"approval" yaml:"approval"`               // first-sync (default) or never
	SettleRounds int                 `json:"settle_rounds" yaml:"settle_rounds"`     // rounds a deletion must age; default 2
	SettleGap    Duration            `json:"settle_gap" yaml:"settle_gap"`           // gap between rounds while something ages; default 10s
	Limit        *Most               `json:"limit,omitempty" yaml:"limit,omitempty"` // items that one mailbox may sync, 0 = any number; default 10000 (S-05)
	Retries      int                 `json:"retries" yaml:"retries"`                 // D-32; default 10
	RetryGap     Duration            `json:"retry_gap" yaml:"retry_gap"`             // D-32; default 5m
	Schedule     Schedule            `json:"schedule" yaml:"schedule"`               // when it is synced how often; default always
	Alert        string              `json:"alert" yaml:"alert"`                     // who hears that a mailbox does not sync (L-09): user (default) or admin
	Admin        string              `json:"admin" yaml:"admin"`                     // e-mail address of their administrator; "" = the one under alerts
	StaleAfter   int                 `json:"stale_after" yaml:"stale_after"`         // intervals without a proven success that are an alarm (B11); default 6
	Admission    string              `json:"admission" yaml:"admission"`             // new mailboxes: at-once (default) or approval
	Approvers    []string            `json:"approvers" yaml:"approvers"`             // who may approve them; none = everybody who may give commands
	AlsoSynced   []string            `json:"also_synced_by" yaml:"also_synced_by"`   // other software that is declared to move data between the same systems
}

// Most is the largest number of something that is allowed; 0 = any number.
type Most int

// String writes the number, as where the pointer to it is printed.
func (m *Most) String() string {
	if m == nil {
		return ""
	}
	return strconv.Itoa(int(*m))
}

// KindPolicy is a policy for one kind.
type KindPolicy struct {
	Direction  string `json:"direction" yaml:"direction"`     // both (default), crm_to_mail or mail_to_crm
	FromMail   string `json:"from_mail" yaml:"from_mail"`     // new items mail to CRM: all, category, matching or none
	FromCRM    string `json:"from_crm" yaml:"from_crm"`       // new items CRM to mail: all or none
	Wins       string `json:"wins" yaml:"wins"`               // both changed a field: crm (default), mail, newest, ask or merge
	MailDelete string `json:"mail_delete" yaml:"mail_delete"` // a deletion in the mailbox: unlink or delete
	CRMDelete  string `json:"crm_delete" yaml:"crm_delete"`   // a deletion in the CRM: delete or unlink
	BrakeCount int    `json:"brake_count" yaml:"brake_count"` // deletions that stop for approval
	BrakeShare int    `json:"brake_share" yaml:"brake_share"` // the same in percent of linked items
	// Fields says who wins for single fields, where that is not Wins.
	Fields map[string]string `json:"fields,omitempty" yaml:"fields,omitempty"`
	// Directions says in which direction single fields go, where that is not
	// Direction.
	Directions map[string]string `json:"directions,omitempty" yaml:"directions,omitempty"`
	// Filters are what a new item has to pass to be synced.
	Filters []Filter `json:"filters,omitempty" yaml:"filters,omitempty"`
}

// What happens where both sides changed a field (requirement B13). The value
// that loses is kept in any case.
const (
	WinsCRM  = "crm"
	WinsMail = "mail"
	// WinsNewest is who changed the item last, where both clocks are known;
	// else as the kind has it.
	WinsNewest = "newest"
	// WinsAsk leaves both sides as they are until a person decides.
	WinsAsk = "ask"
	// WinsMerge joins free text line by line; where both changed the same
	// lines, and for other fields, as the kind has it.
	WinsMerge = "merge"
)

// Rule is what happens to a field of this kind that both sides changed, and
// what if that cannot be done: crm or mail.
func (k KindPolicy) Rule(field string) (rule, fallback string) {
	rule, fallback = or(k.Fields[field], k.Wins), k.Wins
	if fallback != WinsMail {
		fallback = WinsCRM
	}
	return rule, fallback
}

// Who hears of what keeps a mailbox from syncing, besides the owner of the
// connection (requirement L-09).
const (
	AlertUser  = "user"
	AlertAdmin = "admin"
)

// Duration is a time span that reads and writes as "5m" in YAML and JSON.
type Duration time.Duration

// MarshalText writes the span as Go spells it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads a span such as "5m" or "90s".
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = Duration(v)
	return err
}
