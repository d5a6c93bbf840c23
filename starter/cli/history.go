package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/store"
	"lockstep.dev/workflows"
)

const historyHelp = `Writes the Temporal history of a mailbox's workflow, or with --connection of a CRM
connection's, as JSON that the SDK's replayer reads. It holds ids, counts and times; no
item content and no secret.`

// wanted is which history is asked for.
type wanted struct {
	mailbox, connection, run, file string
}

func (a *app) history() *cobra.Command {
	var in wanted
	export := &cobra.Command{
		Use: "export [MAILBOX]", Short: "Write a workflow's history as JSON, for replay", Long: historyHelp, Args: takes(0, 1),
		Example:           "  lockstep history export anna@example.com --output anna.json\n  lockstep history export --connection sales",
		ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				in.mailbox = args[0]
			}
			return a.exportHistory(c.Context(), in)
		},
	}
	f := export.Flags()
	f.StringVar(&in.connection, "connection", "", "`name` of a CRM connection, instead of a mailbox")
	f.StringVar(&in.run, "run", "", "`id` of the run; default: the newest")
	f.StringVarP(&in.file, "output", "o", "", "`file` to write; default: standard output")
	a.completeConnections(export, map[string]model.Side{"connection": model.CRM})
	return group("history", "Histories of workflows", export)
}

func (a *app) exportHistory(ctx context.Context, in wanted) error {
	workflow, err := a.workflowOf(ctx, in)
	if err != nil {
		return err
	}
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	e, err := h.Dial(ctx)
	if err != nil {
		return err
	}
	events, err := e.History(ctx, workflow, in.run)
	if err != nil {
		return fmt.Errorf("read history of %s: %w", workflow, err)
	}
	text, err := HistoryJSON(events)
	if err != nil {
		return err
	}
	if in.file == "" {
		_, err := a.Out.Write(text)
		return err
	}
	path, err := setup.Typed(in.file)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	a.talk("%s: %s written to %s", workflow, plural(len(events.GetEvents()), "event"), path)
	return nil
}

func (a *app) workflowOf(ctx context.Context, in wanted) (string, error) {
	switch {
	case (in.mailbox == "") == (in.connection == ""):
		return "", usage("name a mailbox, or a CRM connection with --connection")
	case in.mailbox != "":
		_, m, err := a.named(ctx, in.mailbox)
		return workflows.MailboxWorkflowID(m.ID), err
	}
	h, err := a.home(ctx)
	if err != nil {
		return "", err
	}
	c, err := h.Store.ConnectionNamed(ctx, in.connection)
	if errors.Is(err, store.ErrNotFound) {
		return "", fmt.Errorf("there is no connection %s; lockstep connection list shows them all", in.connection)
	}
	return workflows.ConnectionWorkflowID(c.ID), err
}

// HistoryJSON writes a history in the form that the SDK's replayer reads.
func HistoryJSON(h *history.History) ([]byte, error) {
	text, err := protojson.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("write history: %w", err)
	}
	// protojson varies its blanks on purpose; recorded histories must not.
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		return nil, fmt.Errorf("write history: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}
