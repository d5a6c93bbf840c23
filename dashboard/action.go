package dashboard

import (
	"slices"

	"lockstep.dev/starter/cli"
)

// action is a command of the command line as pages and the HTTP API offer it:
// who may give it, and what a page says before it is carried out. What the
// command takes and does is the command line's own; there is no second
// implementation (requirement B25).
type action struct {
	name string // as typed: "mailbox pause"
	// reads: it changes nothing, so the API offers it as GET.
	reads bool
	role  Role // the least that may
	// user: somebody may do it in their own mailbox; by says how the command
	// names the mailbox.
	user bool
	by   subject
	// button and says are a page's: what the button says, and what will happen.
	button, says string
	danger       bool     // it cannot simply be taken back
	asks         bool     // a terminal asks first; here a person has confirmed
	needs        []string // inputs that must be given here, though the terminal would ask
	// apart says why pages and the API do not offer it.
	apart string
}

// subject is how a command names the mailbox that it is about.
type subject string

const (
	byMailbox  subject = "mailbox"
	byIssue    subject = "issue"
	byConflict subject = "conflict"
	byRequest  subject = "request"
)

// actions is every command there is. A test compares it with the command line.
func actions() []action {
	return slices.Concat(mailboxActions(), itemActions(), systemActions(), []action{
		{name: "schema migrate", apart: "the dashboard runs on a schema that is up to date"},
		{name: "schema install", apart: "changes another system's database; done once, with that system's administrator"},
		{name: "schema status", role: Admin, reads: true},
		{name: "dashboard password", apart: "a password is typed where nobody listens"},
		{name: "alert list", reads: true, role: Viewer},
		{name: "alert show", reads: true, role: Viewer},
		{name: "alert test", apart: "mails whom it is told to; given where the mail server's settings are"},
		{name: "alert set", apart: "reads a configuration file where the command is typed"},
		{name: "history export", apart: "megabytes for developers; the Temporal Web UI shows and downloads it"},
	})
}

func mailboxActions() []action {
	return []action{
		{name: "mailbox list", reads: true, role: Viewer},
		{name: "mailbox show", reads: true, role: Viewer, user: true, by: byMailbox},
		{
			name: "mailbox add", role: Admin, button: "Add a mailbox",
			says: "The mailbox is opened and the CRM is asked; only if both work it is registered. The first sync stops at its plan, unless you approve it now.",
		},
		{
			name: "mailbox test", role: Operator, user: true, by: byMailbox, button: "Test",
			says: "Both reading and writing are tried. Nothing is changed.",
		},
		{
			name: "mailbox pause", role: Operator, user: true, by: byMailbox, button: "Pause",
			says: "Nothing is synced until it is resumed. Nothing is forgotten: what changes meanwhile is synced afterwards.",
		},
		{
			name: "mailbox resume", role: Operator, user: true, by: byMailbox, button: "Resume",
			says: "It is synced again, beginning with what changed meanwhile. Of one that was disabled, what disabled it should have been mended.",
		},
		{
			name: "mailbox sync", role: Operator, user: true, by: byMailbox, button: "Sync now",
			says: "A round begins now instead of at its time.",
		},
		{
			name: "mailbox renew", role: Operator, user: true, by: byMailbox, button: "Renew the access", needs: []string{"secret"},
			says: "The new password or token is tried first. If it works it replaces the old one, and the mailbox goes on where it stopped; otherwise nothing changes.",
		},
		{
			name: "mailbox revoke", role: Operator, user: true, by: byMailbox, button: "Revoke the access", asks: true, danger: true,
			says: "Lockstep forgets the password or token and stops syncing the mailbox until the access is renewed. Nothing else is forgotten.",
		},
		{
			name: "mailbox activate", role: Operator, user: true, by: byMailbox, button: "Activate",
			says: "Both sides are tried. If both work the mailbox is synced again, beginning with what changed meanwhile.",
		},
		{
			name: "mailbox approve", role: Admin, by: byMailbox, button: "Approve", needs: []string{"address"},
			says: "The mailbox may be synced. Nothing is read or written before it has been tested and enabled.",
		},
		{
			name: "mailbox test-and-enable", role: Operator, by: byMailbox, button: "Test and enable", needs: []string{"address"},
			says: "Reaching, signing in, reading and writing are tried on both sides; what is written for that is taken away again and nobody is mailed. What works is enabled.",
		},
		{
			name: "mailbox turn-off", role: Operator, by: byMailbox, button: "Turn off",
			says: "The workload is not synced until it is tested and enabled again. Nothing is deleted or forgotten.",
		},
		{
			name: "mailbox rename", role: Operator, button: "Rename", asks: true,
			says: "The mailbox goes on under its new address where it stopped. Nothing is written to either system, and nothing is synced twice. Many at once: give a csv file's text instead.",
		},
		{
			name: "re-initialize", role: Operator, by: byMailbox, button: "Re-initialize", needs: []string{"type"},
			says: "Everything in the mailbox is looked at again. Links survive, nothing is deleted, nobody is mailed, and what one side changed is not overwritten. Unless you say yes here, its plan waits for your approval.",
		},
		{
			name: "snapshot inbound", role: Operator, by: byMailbox, button: "Inbound snapshot",
			says: "The mailbox is read in full and brought into the CRM. Nothing is deleted. Unless you say yes here, its plan waits for your approval.",
		},
		{
			name: "snapshot outbound", role: Operator, by: byMailbox, button: "Outbound snapshot",
			says: "The CRM is read in full and brought into the mailbox. Nothing is deleted. Unless you say yes here, its plan waits for your approval.",
		},
		{
			name: "snapshot full", role: Operator, by: byMailbox, button: "Full snapshot",
			says: "Both sides are read in full and brought to each other. Nothing is deleted. Unless you say yes here, its plan waits for your approval.",
		},
		{name: "snapshot show", reads: true, role: Viewer, user: true, by: byMailbox},
		{
			name: "mailbox clear-conflict", role: Operator, by: byMailbox, button: "Clear the CRM-ID conflict", asks: true, danger: true,
			says: "The mailbox that the CRM user was registered for goes on under the new address, with its links and cursors. Do this only if it is the same person.",
		},
		{
			name: "mailbox bundle", role: Operator, user: true, by: byMailbox, button: "Pack for support",
			says: "You get a file with what support needs: codes, what the servers said, the latest rounds and plan, settings and versions. It holds no content of items, no addresses and no secrets.",
		},
		{
			name: "mailbox remove", role: Admin, by: byMailbox, asks: true, button: "Remove", danger: true,
			says: "It is not synced any more. No item is deleted on either side; our marks are taken out of the mailbox. What is linked with what is kept, so that adding it again duplicates nothing, unless it is forgotten as well.",
		},
		{name: "mailbox history", reads: true, role: Viewer, user: true, by: byMailbox},
		{name: "plan show", role: Operator, user: true, by: byMailbox, button: "Dry run", says: "Both sides are read, and what the next round would write is shown. Nothing is written."},
		{
			name: "plan approve", role: Operator, user: true, by: byMailbox, asks: true, button: "Approve", needs: []string{"hash"},
			says: "Exactly these writes are carried out. If something changed since you looked, nothing of it is written and the plan waits again.",
		},
		{
			name: "plan reject", role: Operator, user: true, by: byMailbox, asks: true, button: "Reject", needs: []string{"hash"}, danger: true,
			says: "These writes are settled without being carried out: a deletion does not travel, a new item stays on its side, of a change each side keeps what it has.",
		},
		{name: "round list", reads: true, role: Viewer, user: true, by: byMailbox},
		{
			name: "undo", role: Operator, by: byMailbox, asks: true, button: "Undo this round", danger: true,
			says: "What the round wrote is taken back, on the side where it was written. What was edited since is left alone.",
		},
		{name: "invitation list", reads: true, role: Viewer, user: true, by: byMailbox},
		{
			name: "audit", role: Operator, user: true, by: byMailbox, button: "Audit",
			says: "Both sides are listed in full and compared with what is known. What was overlooked is synced.",
		},
		{name: "drift show", reads: true, role: Viewer, user: true, by: byMailbox},
		{name: "request list", reads: true, role: Viewer, user: true, by: byMailbox},
		{name: "request show", reads: true, role: Viewer, user: true, by: byRequest},
	}
}

func itemActions() []action {
	return []action{
		{name: "explain", reads: true, role: Viewer, user: true, by: byMailbox},
		{name: "issue list", reads: true, role: Viewer, user: true, by: byMailbox},
		{name: "issue show", reads: true, role: Viewer, user: true, by: byIssue},
		{
			name: "issue retry", role: Operator, user: true, by: byIssue, button: "Try again",
			says: "The items are looked at again in the next round.",
		},
		{
			name: "issue ignore", role: Operator, user: true, by: byIssue, button: "Ignore",
			says: "The items stay as they are on both sides. The same trouble with them is not shown again until somebody has them tried again.",
		},
		{
			name: "issue bundle", role: Operator, user: true, by: byIssue, button: "Help me resolve this issue",
			says: "You get a file with what support needs to know about this issue, and your own words. It holds no content of items, no addresses and no secrets. Send it to whoever helps you, with a picture of what you see.",
		},
		{name: "conflict list", reads: true, role: Viewer, user: true, by: byMailbox},
		{
			name: "conflict resolve", role: Operator, user: true, by: byConflict, button: "Take it", needs: []string{"take"},
			says: "The chosen value is written to both sides, unless the field was edited again since. What is overwritten is kept as well.",
		},
		{name: "review kept", reads: true, role: Viewer, user: true, by: byMailbox},
		{
			name: "review rejoin", role: Operator, user: true, by: byMailbox, button: "Sync again",
			says: "What rests on one side on purpose is synced again, as if it were new.",
		},
		{name: "review list", reads: true, role: Viewer, user: true, by: byMailbox},
		{
			name: "review resolve", role: Operator, user: true, by: byMailbox, button: "Decide",
			says: "The two items you chose are linked as one thing; or all of them stay different things, and what was not created is created.",
		},
		{name: "review kept", reads: true, role: Viewer, user: true, by: byMailbox},
		{
			name: "review rejoin", role: Operator, user: true, by: byMailbox, button: "Sync again", needs: []string{"entity"},
			says: "What rests is synced again as if it were new: matched with what is there, or created on the side where it is missing.",
		},
	}
}

func systemActions() []action {
	return []action{
		{name: "connection list", reads: true, role: Viewer},
		{name: "connection add", role: Admin, button: "Save", says: "The system is tried first; only if it works anything is saved.", needs: []string{"name"}},
		{name: "connection test", role: Operator, button: "Test", says: "The system is reached and signed in to; reading and writing are tried. Nothing is changed."},
		{name: "connection held", reads: true, role: Viewer},
		{name: "connection show", reads: true, role: Viewer},
		{
			name: "connection renew", role: Admin, button: "Renew the access", needs: []string{"name", "secret"},
			says: "The new password or token is tried first. If it works it replaces the old one, and every mailbox of the connection goes on; otherwise nothing changes.",
		},
		{
			name: "connection revoke", role: Admin, button: "Revoke the access", asks: true, needs: []string{"name"}, danger: true,
			says: "Lockstep forgets the password or token. Every mailbox of the connection stops until the access is renewed. Nothing else is forgotten.",
		},
		{
			name: "connection approve", role: Operator, button: "Let them go", asks: true, needs: []string{"name", "hash"}, danger: true,
			says: "What is gone in this system is deleted on the other side too, in every mailbox.",
		},
		{
			name: "connection reject", role: Operator, button: "Keep them", asks: true, needs: []string{"name", "hash"},
			says: "What is gone in this system is kept on the other side, in every mailbox.",
		},
		{name: "log list", reads: true, role: Viewer},
		{name: "policy list", reads: true, role: Viewer},
		{name: "policy diff", role: Viewer, button: "Compare", says: "Nothing is changed."},
		{name: "policy state", reads: true, role: Viewer},
		{
			name: "policy assign", role: Admin, by: byMailbox, button: "Assign a policy", asks: true, needs: []string{"policy"},
			says: "The mailboxes are synced by this policy from their next round on. What the policy before skipped is looked at again.",
		},
		{name: "policy show", reads: true, role: Viewer},
		{name: "policy apply", role: Admin, button: "Save", asks: true, says: "The policy counts from the next round of each of its mailboxes on.", needs: []string{"text"}},
		{name: "errors", reads: true, role: Viewer, user: true},
		{name: "version", reads: true, role: Viewer, user: true},
		{
			name: "store restored", role: Admin, button: "Our database was restored", danger: true,
			says: "Every mailbox and every CRM is read in full before anything is written, and what changed on both sides meanwhile is merged.",
		},
	}
}

// offered is an action with the command that it is.
type offered struct {
	action
	cli.Command
}

// path is where the API offers the action.
func (o offered) path() string {
	p := "/api/v1/" + o.Noun
	if o.Verb != "" {
		p += "/" + o.Verb
	}
	return p
}

// offers joins the actions with the commands of the command line.
func offers() map[string]offered {
	commands := map[string]cli.Command{}
	for _, c := range cli.Commands() {
		commands[c.Name()] = c
	}
	out := map[string]offered{}
	for _, a := range actions() {
		if c, ok := commands[a.name]; ok && a.apart == "" {
			out[a.name] = offered{a, c}
		}
	}
	return out
}

// open reports whether somebody may give the command at all.
func (a action) open(who Account) bool { return who.Role.reaches(a.role) || who.Role == User && a.user }
