package engine

import (
	"context"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"lockstep.dev/model"
	"lockstep.dev/store"
	"lockstep.dev/workflows"
)

// waker signals workflows and starts those that do not run.
type waker struct{ client client.Client }

// NewWaker returns what wakes workflows, for programs that run no worker.
func NewWaker(c client.Client) Waker { return &waker{client: c} }

// WakeMailboxes implements activities.Waker.
func (w *waker) WakeMailboxes(ctx context.Context, ids []model.MailboxID) error {
	for _, id := range ids {
		if err := w.mailbox(ctx, id, workflows.SignalWake, nil); err != nil {
			return err
		}
	}
	return nil
}

// WakeConnection implements activities.Waker.
func (w *waker) WakeConnection(ctx context.Context, id model.ConnectionID) error {
	_, err := w.client.SignalWithStartWorkflow(ctx, workflows.ConnectionWorkflowID(id), workflows.SignalWake, nil,
		w.options(workflows.ConnectionWorkflowID(id), "Reads a CRM for all its mailboxes; sees when a system that is down works again"),
		"Connection", workflows.ConnectionState{Connection: id})
	if err != nil {
		return fmt.Errorf("wake connection %s: %w", id, err)
	}
	return nil
}

// Request hands an accepted command to its mailbox.
func (w *waker) Request(ctx context.Context, r store.Request) error {
	return w.mailbox(ctx, r.Mailbox, workflows.SignalRequest, workflows.Request{ID: r.ID, Verb: r.Verb})
}

func (w *waker) mailbox(ctx context.Context, id model.MailboxID, signal string, payload any) error {
	_, err := w.client.SignalWithStartWorkflow(ctx, workflows.MailboxWorkflowID(id), signal, payload,
		w.options(workflows.MailboxWorkflowID(id), "Keeps one mailbox in step"),
		"Mailbox", workflows.MailboxState{Mailbox: id})
	if err != nil {
		return fmt.Errorf("signal mailbox %s: %w", id, err)
	}
	return nil
}

func (w *waker) options(id, summary string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID: id, TaskQueue: workflows.TaskQueue, StaticSummary: summary,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
	}
}

// Waker wakes workflows and hands them requests.
type Waker interface {
	WakeMailboxes(ctx context.Context, ids []model.MailboxID) error
	WakeConnection(ctx context.Context, id model.ConnectionID) error
	Request(ctx context.Context, r store.Request) error
}
