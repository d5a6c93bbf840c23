package alert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"lockstep.dev/fault"
	"lockstep.dev/issue"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

// text is what a notice says.
type text struct{ subject, body string }

// named is how many mailboxes a notice names one by one.
const named = 20

// group is what one paragraph tells: events that say the same.
type group struct {
	over     bool
	whole    bool // of a connection
	workload model.Workload
	system   string
	code     string
	events   []told
}

// groups puts together what says the same: what began before what ended, whole
// connections before mailboxes.
func groups(events []told) []group {
	var out []group
	for _, e := range events {
		key := group{over: e.over, whole: e.Mailbox == "", workload: e.Workload, system: e.System, code: e.Code}
		if key.over {
			key.code = "" // that it is over says the same whatever it was
		}
		i := slices.IndexFunc(out, func(g group) bool {
			return g.over == key.over && g.whole == key.whole && g.workload == key.workload && g.system == key.system && g.code == key.code
		})
		if i < 0 {
			i = len(out)
			out = append(out, key)
		}
		out[i].events = append(out[i].events, e)
	}
	rank := func(g group) int {
		n := 0
		if g.over {
			n += 2
		}
		if !g.whole {
			n++
		}
		return n
	}
	slices.SortStableFunc(out, func(a, b group) int {
		return cmp.Or(rank(a)-rank(b), cmp.Compare(a.system, b.system), cmp.Compare(a.workload, b.workload), cmp.Compare(a.code, b.code))
	})
	return out
}

// write says what happened, what to do and where to do it.
func write(d model.Delivery, events []told) text {
	list := groups(events)
	var b strings.Builder
	for i, g := range list {
		if i > 0 {
			b.WriteString("\n----\n\n")
		}
		g.write(&b, d)
	}
	b.WriteString("\n-- \nLockstep keeps the CRM and mailboxes in step. You get this message as the owner of a connection,\nas an administrator, or as the user of the mailbox that it is about.\n")
	return text{subject: subject(list), body: b.String()}
}

func subject(list []group) string {
	var parts []string
	for _, over := range []bool{false, true} {
		var first *group
		n := 0
		for i, g := range list {
			if g.over == over {
				n += len(g.events)
				if first == nil {
					first = &list[i]
				}
			}
		}
		switch {
		case first == nil:
		case n == len(first.events):
			parts = append(parts, first.headline())
		default:
			parts = append(parts, fmt.Sprintf("%s and %d more", first.headline(), n-len(first.events)))
		}
	}
	return "Lockstep: " + strings.Join(parts, "; ")
}

// who names what a group is about.
func (g group) who() string {
	one := g.events[0]
	switch {
	case g.whole:
		return "the connection " + g.system
	case len(g.events) == 1:
		return one.Address
	default:
		return fmt.Sprintf("%d mailboxes of the connection %s", len(g.events), g.system)
	}
}

// headline says in one line what happened to whom.
func (g group) headline() string {
	is, does := "is", "does"
	if !g.whole && len(g.events) > 1 {
		is, does = "are", "do"
	}
	switch {
	case g.workload == store.Freshness && g.over:
		return g.who() + " " + is + " in step again"
	case g.workload == store.Freshness:
		return "nothing shows that " + g.who() + " " + is + " in step"
	case g.workload == store.Credentials && g.over:
		return "the credentials of " + g.who() + " were renewed"
	case g.workload == store.Credentials:
		return "the credentials of " + g.who() + " expire soon"
	case g.over && g.whole:
		return g.who() + " works again"
	case g.over:
		return g.who() + " " + is + " synced again"
	case g.whole:
		return g.who() + " does not work"
	default:
		return g.who() + " " + does + " not sync any more"
	}
}

func (g group) write(b *strings.Builder, d model.Delivery) {
	line := g.headline()
	if !g.whole && len(g.events) == 1 {
		line = strings.Replace(line, g.who(), "the mailbox "+g.who(), 1)
	}
	fmt.Fprintf(b, "%s%s.\n", strings.ToUpper(line[:1]), line[1:])
	if g.over {
		g.writeOver(b)
		g.list(b)
		return
	}
	first := g.events[0]
	side := ""
	if first.Side != "" {
		side = string(first.Side) + " side: "
	}
	fmt.Fprintf(b, "\nWhat happened: %s%s (%s)\n", side, first.Message, first.Code)
	if e, ok := issue.Lookup(first.Code); ok {
		fmt.Fprintf(b, "Source: %s\n", e.Source)
		if e.Cause != "" {
			fmt.Fprintf(b, "Why: %s\n", e.Cause)
		}
		if e.Solution != "" {
			fmt.Fprintf(b, "What to do: %s\n", e.Solution)
		}
		fmt.Fprintf(b, "Who: %s\n", issue.People(e.Who()))
	}
	fmt.Fprintf(b, "Where: %s\n", g.where())
	if link := g.link(d); link != "" {
		fmt.Fprintf(b, "Look at it: %s\n", link)
	}
	fmt.Fprintf(b, "Since: %s\n", g.since())
	if g.workload == model.ACT && !g.whole {
		b.WriteString("Until then nothing of it is synced; nothing is lost, and afterwards sync goes on where it stopped.\n")
	}
	g.list(b)
}

func (g group) writeOver(b *strings.Builder) {
	var last time.Time
	for _, e := range g.events {
		last = later(last, e.Over)
	}
	fmt.Fprintf(b, "\nIt began %s and was over %s. Nothing needs to be done.\n", g.since(), clock(last))
}

// since is when the first of a group began.
func (g group) since() string {
	first := g.events[0].First
	for _, e := range g.events {
		if e.First.Before(first) {
			first = e.First
		}
	}
	return clock(first)
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// list names the mailboxes of a group of several.
func (g group) list(b *strings.Builder) {
	if g.whole || len(g.events) < 2 {
		return
	}
	addresses := make([]string, 0, len(g.events))
	for _, e := range g.events {
		addresses = append(addresses, e.Address)
	}
	slices.Sort(addresses)
	b.WriteString("\n")
	for i, a := range addresses {
		if i == named {
			fmt.Fprintf(b, "  and %d more: lockstep alert list\n", len(addresses)-named)
			break
		}
		fmt.Fprintf(b, "  %s\n", a)
	}
}

// where is the command that mends it.
func (g group) where() string {
	box := "MAILBOX"
	if len(g.events) == 1 {
		box = g.events[0].Address
	}
	return command(g.events[0].Case, box)
}

// command is what to type where an alert was mended, or to mend it.
func command(c store.Case, box string) string {
	e, _ := issue.Lookup(c.Code)
	switch {
	case c.Workload == store.Freshness && c.Mailbox == "":
		return "lockstep connection test " + c.System
	case c.Workload == store.Freshness:
		return "lockstep mailbox show " + box
	case c.Mailbox != "" && c.Side != model.CRM && (e.Class == fault.Auth || c.Workload == store.Credentials):
		return "lockstep mailbox renew " + box
	case e.Class == fault.Auth || c.Workload == store.Credentials:
		return "lockstep connection renew " + c.System
	case c.Mailbox == "":
		return "lockstep connection test " + c.System
	default:
		return "lockstep mailbox activate " + box + " (once it is mended)"
	}
}

// link is the web address of what a group is about.
func (g group) link(d model.Delivery) string {
	box := g.events[0].Address
	if len(g.events) > 1 {
		box = ""
	}
	return strings.NewReplacer("{address}", box, "{connection}", g.system).Replace(d.Link)
}
