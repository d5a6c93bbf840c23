package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lockstep.dev/activities"
	"lockstep.dev/model"
	"lockstep.dev/store"
)

const reviewHelp = `Lists what Lockstep cannot decide, and does not sync until a person has:

  same-...   items on both sides that could be the same thing, but not one to one
  made-...   items that were to be created, and the answer was lost; the system knows no
             mark of ours, and something new turned up there that could be it

"review resolve" answers a question: either two of its items are the same thing, or all
of them are different things. What was not created is then created.`

func (a *app) review() *cobra.Command {
	var content bool
	list := &cobra.Command{
		Use: "list [MAILBOX]", Short: "List what only a person can decide", Long: reviewHelp, Args: takes(0, 1),
		Example: "  lockstep review list\n  lockstep review list anna@example.com --content", ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error {
			return a.listReview(c.Context(), strings.Join(args, ""), content)
		},
	}
	list.Flags().BoolVar(&content, "content", false, "show titles and names too")
	var same string
	var apart bool
	var w patience
	resolve := &cobra.Command{
		Use: "resolve MAILBOX QUESTION", Short: "Say which items are the same thing, or that none are", Long: reviewHelp, Args: takes(2, 2),
		Example: "  lockstep review resolve anna@example.com same-k3v9qd2mzx7a --same 1=3\n" +
			"  lockstep review resolve anna@example.com made-mail-contact --apart",
		ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error {
			if apart == (same != "") {
				return usage("say --same N=M or --apart")
			}
			return a.resolveReview(c.Context(), args[0], args[1], same, w)
		},
	}
	resolve.Flags().StringVar(&same, "same", "", "the `numbers` (N=M) of an item in the CRM and one in the mailbox that are the same")
	resolve.Flags().BoolVar(&apart, "apart", false, "all of them are different things")
	w.flags(resolve, 2*time.Minute)
	return group("review", "What only a person can decide", list, resolve, a.reviewKept(), a.reviewRejoin())
}

// reviewView is an item in question.
type reviewView struct {
	Mailbox  string     `json:"mailbox"`
	Question string     `json:"question"`
	Number   int        `json:"number"`
	Kind     model.Kind `json:"kind"`
	Side     model.Side `json:"side"`
	Item     string     `json:"item"`
	Title    string     `json:"title,omitempty"`
	Reason   string     `json:"reason"`
}

func (a *app) listReview(ctx context.Context, mailbox string, content bool) error {
	st, mailboxes, err := a.these(ctx, mailbox)
	if err != nil {
		return err
	}
	views := []reviewView{}
	t := table{head: []string{"MAILBOX", "QUESTION", "NO", "KIND", "SIDE", "ITEM", "WHY"}, none: "There is nothing to decide."}
	if content {
		t.head = append(t.head, "TITLE")
	}
	for _, m := range mailboxes {
		questions, err := st.Questions(ctx, m.ID)
		if err != nil {
			return err
		}
		for _, q := range questions {
			for n, it := range q.Items {
				v := reviewView{Mailbox: m.Address, Question: q.ID, Number: n + 1, Kind: q.Kind, Side: it.Side, Item: it.Item, Reason: it.Reason}
				row := []string{v.Mailbox, v.Question, strconv.Itoa(v.Number), string(v.Kind), string(v.Side), v.Item, v.Reason}
				if content {
					v.Title = it.Title
					row = append(row, it.Title)
				}
				views, t.rows = append(views, v), append(t.rows, row)
			}
		}
	}
	return a.list(views, t)
}

func (a *app) resolveReview(ctx context.Context, name, question, same string, w patience) error {
	st, m, err := a.named(ctx, name)
	if err != nil {
		return err
	}
	questions, err := st.Questions(ctx, m.ID)
	if err != nil {
		return err
	}
	v := store.Resolution{Question: question}
	for _, q := range questions {
		if q.ID == question && same != "" {
			if v.CRM, v.Mail, err = twoOf(q, same); err != nil {
				return err
			}
		}
	}
	if same != "" && v.CRM == "" {
		return fmt.Errorf("there is no question %s any more; see: lockstep review list %s", question, m.Address)
	}
	argument, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	r, err := a.ask(ctx, m, activities.VerbReview, string(argument), w)
	if err == nil && r.Outcome == store.RequestDone {
		a.talk("%s: %s", m.Address, r.Message)
	}
	return err
}

// twoOf reads "N=M": an item on each side of a question.
func twoOf(q store.Question, same string) (crm, mail string, err error) {
	for _, part := range strings.Split(same, "=") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || n < 1 || n > len(q.Items) {
			return "", "", usage("--same %s: %q is none of the numbers 1 to %d", same, part, len(q.Items))
		}
		switch it := q.Items[n-1]; it.Side {
		case model.CRM:
			crm = it.Item
		default:
			mail = it.Item
		}
	}
	if crm == "" || mail == "" {
		return "", "", usage("--same %s: name one item in the CRM and one in the mailbox", same)
	}
	return crm, mail, nil
}
