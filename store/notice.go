package store

import (
	"context"
	"time"

	"lockstep.dev/model"
)

// Telling is the outbox through which people hear of alerts. That an alert is to
// be told and that it was put into notices is one transaction; a notice is
// claimed before it is sent and finished with the server's answer. So each alert
// is told at least once whoever dies when, and again only where a sender died
// between the server's answer and our note of it.
type Telling interface {
	// Delivery returns how alerts are delivered; the zero value before anybody
	// said so.
	Delivery(ctx context.Context) (model.Delivery, error)
	SaveDelivery(ctx context.Context, d model.Delivery) error
	// Untold lists what is to be told: alerts that are open and were not told,
	// and those that were told and are over; the oldest first.
	Untold(ctx context.Context, limit int) ([]Case, error)
	// Tell puts events into notices, new ones (no ID) and waiting ones that nobody
	// has tried to send yet, and marks them as told together with those that
	// nobody hears of. ErrStale: somebody told one of them meanwhile, or sends
	// one of the notices; nothing was written.
	Tell(ctx context.Context, notices []Notice, unheard []Event, now time.Time) error
	// ClaimNotice takes the notice of a channel that is due longest and that
	// nobody sends; a claim that has ended is free. ErrNotFound: there is none, or
	// perMinute attempts of the channel began within the minute before now.
	ClaimNotice(ctx context.Context, channel Channel, token string, perMinute int, now, ends time.Time) (Notice, error)
	// FinishNotice records what became of an attempt: the notice's State, Due,
	// Problem and Ended. ErrStale: the token's claim is over.
	FinishNotice(ctx context.Context, token string, n Notice) error
	// Notices lists notices with their events, newest first.
	Notices(ctx context.Context, f NoticeFilter) ([]Notice, error)
	// Cases lists alerts by id.
	Cases(ctx context.Context, ids []string) ([]Case, error)
}

// Case is an alert together with what people call its parts.
type Case struct {
	Alert
	Address string // of the mailbox; "" = the whole connection
	Policy  string
	System  string // name of the connection
	Owner   string // of the connection
}

// Event is the beginning or the end of an alert.
type Event struct {
	Alert string
	Over  bool
}

// Channel is a way to tell somebody something.
type Channel string

// The channels.
const (
	ByMail    Channel = "mail"
	ByWebhook Channel = "webhook"
)

// Notice is one message to one recipient.
type Notice struct {
	ID        string
	Channel   Channel
	Recipient string // folded e-mail address; "" = the webhook
	State     NoticeState
	Created   time.Time
	Due       time.Time // when it is to be sent, or tried again
	Attempts  int       // begun so far
	Tried     time.Time // when the last one began
	Ended     time.Time // sent or given up
	Problem   string    // why the last attempt failed, for people
	Events    []Event   // ordered
}

// NoticeState is where a notice stands.
type NoticeState string

// The states of a notice.
const (
	NoticeWaiting NoticeState = "waiting" // to be sent, or tried again
	NoticeSent    NoticeState = "sent"    // the server took it
	NoticeFailed  NoticeState = "failed"  // nobody tries again
)

// NoticeFilter narrows a list of notices; zero fields do not.
type NoticeFilter struct {
	Since  time.Time // created then or later
	State  NoticeState
	Alerts []string // that tell of one of these
	Limit  int
}
