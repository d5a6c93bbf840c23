package store

import (
	"context"
	"time"

	"lockstep.dev/model"
)

// Enabling is what Test & Enable leaves in the database (requirements D-33 to
// D-37, D-40). Each change stands in the logbook.
type Enabling interface {
	// SetWorkloads turns the workloads of a mailbox on and all others off.
	SetWorkloads(ctx context.Context, id model.MailboxID, on model.Workloads) error
	// SaveProbes replaces what was found before.
	SaveProbes(ctx context.Context, id model.MailboxID, found []Probe, now time.Time) error
	// Probes lists what was found, in the order in which it was tried.
	Probes(ctx context.Context, id model.MailboxID) ([]Probe, error)
	// SetOwned notes since when our note of whose it is stands in the mailbox;
	// zero = it does not. With taken it replaced somebody else's.
	SetOwned(ctx context.Context, id model.MailboxID, at time.Time, taken string) error
	// Acknowledge notes of which other software in the mailbox a person knows.
	Acknowledge(ctx context.Context, id model.MailboxID, software string) error
}

// Probe is one step of Test & Enable.
type Probe struct {
	Workload model.Workload
	Side     model.Side
	Step     ProbeStep
	Verdict  ProbeVerdict
	Message  string // why; no content
	At       time.Time
}

// ProbeStep is what is tried.
type ProbeStep string

// The steps, in the order in which they are tried.
const (
	ProbeReach    ProbeStep = "reach"
	ProbeSignIn   ProbeStep = "sign in"
	ProbeRead     ProbeStep = "read"
	ProbeWrite    ProbeStep = "write"
	ProbeSend     ProbeStep = "send"
	ProbeDelegate ProbeStep = "delegate"
)

// ProbeVerdict is what became of a step.
type ProbeVerdict string

// The verdicts.
const (
	ProbeWorks      ProbeVerdict = "works"
	ProbeFails      ProbeVerdict = "fails"
	ProbeNotTried   ProbeVerdict = "not tried" // a step before it failed, or it cannot be tried without a trace
	ProbeNotOffered ProbeVerdict = "not offered by this connection"
)
