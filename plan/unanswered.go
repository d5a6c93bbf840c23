package plan

import (
	"fmt"
	"slices"
	"time"

	"lockstep.dev/model"
)

// What becomes of a create whose answer was lost (algorithm 1.6) depends on the
// system. One that knows our key is asked again: the same payload under the same
// key creates once. One that does not would create a second item, so it is read
// until reads would have shown the first: as often as a deletion has to age, by
// reads that began when its lag was over. Where the item carries our stamp, or
// nothing new turned up at all, that proves that there is none. Else a person
// must say whether one of the new items is it.

// Intent is a create that was begun and whose outcome is unknown.
type Intent struct {
	Key        model.Key
	Collection string
	UID        string
	Content    model.Content // the frozen payload
	ContentKey string
	// Looked counts complete reads of the target since the latest attempt that
	// would have shown its item, but did not.
	Looked int
	// Used: the key names something that was deleted or moved since; a moved
	// item shows by its stamp, else another key is needed.
	Used bool
	// Blind: the system would create a second item if it was asked again.
	Blind bool
	// Others counts new items that could be what it made.
	Others int
}

// Suspicion says what a new item has to do with creates whose answer was lost.
type Suspicion int

// A new item may be what a create made: it waits until that is known, or until
// a person was asked.
const (
	Unsuspected Suspicion = iota
	Awaited
	Asked
)

// QuestionOf names the question which of the new items on a side is what a
// create there has made.
func QuestionOf(s model.Side, k model.Kind) string { return "made-" + string(s) + "-" + string(k) }

// suspected answers a pair that may be what a create of another one made.
func (b *builder) suspected(p Pair) bool {
	side := model.CRM
	if p.CRM == nil {
		side = model.Mail
	}
	switch p.Suspicion {
	case Awaited:
		b.change(p, Change{State: p.State, Reason: ReasonUnanswered, Pending: true})
	case Asked:
		b.change(p, Change{State: Review, Reason: ReasonMade, Question: QuestionOf(side, p.Kind)})
	default:
		return false
	}
	return true
}

// used answers a pair whose create met a key that was used before, as long as a
// moved item may still show by its stamp; after that the create is forgotten,
// and the next one has a new key.
func (b *builder) used(p *Pair) bool {
	if b.resting(*p) {
		return false
	}
	for _, i := range []**Intent{&p.CRMIntent, &p.MailIntent} {
		switch {
		case *i == nil || !(*i).Used:
		case (*i).Looked < b.in.Policy.SettleRounds:
			b.change(*p, Change{State: p.State, Reason: p.Reason, Pending: true})
			return true
		default:
			*i = nil
		}
	}
	return false
}

// unanswered answers a pair of which a create was begun.
func (b *builder) unanswered(p Pair) bool {
	if p.CRMIntent == nil && p.MailIntent == nil {
		return false
	}
	for n, i := range []*Intent{p.CRMIntent, p.MailIntent} {
		if i == nil {
			continue
		}
		side := []model.Side{model.CRM, model.Mail}[n]
		switch settled := i.Looked >= b.in.Policy.SettleRounds; {
		case i.Blind && !settled:
			b.change(p, Change{State: p.State, Reason: ReasonUnanswered, Pending: true})
			return true
		case i.Blind && i.Others > 0:
			reason := fmt.Sprintf("%s: %d new items could be it", ReasonLostAnswer, i.Others)
			b.change(p, Change{State: Review, Reason: reason, Question: QuestionOf(side, p.Kind)})
			return true
		}
	}
	b.resend(p)
	return true
}

// Made finds what creates without an answer have made among new items: by our
// stamp, and with guess by UID, by content and by what a person would call the
// same thing, as long as one create fits as many items. It returns items by key.
func Made(creates []Created, strangers []Stranger, guess bool) map[model.Key]Stranger {
	out := map[model.Key]Stranger{}
	taken := map[string]bool{}
	steps := []func(c Created, s Stranger) bool{func(c Created, s Stranger) bool { return s.Stamp == c.Key }}
	if guess {
		steps = append(steps,
			func(c Created, s Stranger) bool { return c.UID != "" && s.UID == c.UID },
			func(c Created, s Stranger) bool { return s.Content == c.ContentKey },
			func(c Created, s Stranger) bool { return c.Natural != "" && s.Natural == c.Natural })
	}
	for _, fits := range steps {
		pairs := map[int][]int{} // strangers that fit each create
		wanted := map[int]int{}  // creates that each stranger fits
		for c := range creates {
			for s := range strangers {
				if _, found := out[creates[c].Key]; found || taken[strangers[s].Row] || !creates[c].May(strangers[s]) || !fits(creates[c], strangers[s]) {
					continue
				}
				pairs[c] = append(pairs[c], s)
				wanted[s]++
			}
		}
		for c := range creates {
			free := slices.DeleteFunc(slices.Clone(pairs[c]), func(s int) bool { return taken[strangers[s].Row] })
			if len(free) > 0 && len(pairs[c]) == wanted[pairs[c][0]] {
				s := strangers[free[0]]
				out[creates[c].Key], taken[s.Row] = s, true
			}
		}
	}
	return out
}

// Created is a create whose answer was lost, as far as its item can be
// recognised by it.
type Created struct {
	Intent
	Side    model.Side
	Kind    model.Kind
	Natural string    // key of its natural key
	Begun   time.Time // what was read before then is not its item
}

// May reports whether an item can be what a create made: it is new since.
func (c Created) May(s Stranger) bool {
	return s.Side == c.Side && s.Kind == c.Kind && !s.Gone && (s.Stamp == c.Key || !s.Since.Before(c.Begun))
}
