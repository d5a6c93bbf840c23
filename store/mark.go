package store

import (
	"context"

	"lockstep.dev/model"
)

// Marking knows which items carry the categories that show an open issue in the
// mailbox (requirement L-12).
type Marking interface {
	// Marks lists items whose mark is not as it should be, and with all also those
	// whose is.
	Marks(ctx context.Context, id model.MailboxID, all bool) ([]ItemMark, error)
	// SaveMarks notes how items are marked; one without a code is forgotten.
	SaveMarks(ctx context.Context, id model.MailboxID, marks []ItemMark) error
}

// ItemMark is how an item in a mailbox is, or is to be, marked.
type ItemMark struct {
	Ref   model.Ref // the item; without a version where it is not there any more
	Want  string    // code of its open issue, "" = it is to carry no mark
	Code  string    // code that its mark names, "" = it has none
	State MarkState
}

// MarkState is how far a mark has come.
type MarkState string

// The states of a mark.
const (
	MarkBegun      MarkState = "begun"      // it may be there or not
	MarkPlaced     MarkState = "placed"     // it is there
	MarkImpossible MarkState = "impossible" // the system does not take it
)

// Due reports whether something is to be done about it.
func (m ItemMark) Due() bool { return m.Want != m.Code || m.Want != "" && m.State == MarkBegun }
