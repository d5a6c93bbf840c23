package plan

import (
	"crypto/sha256"
	"encoding/base32"
	"strconv"
	"strings"
	"time"

	"lockstep.dev/model"
)

// MatchBy is one step of matching strangers, in the order of algorithm 1.9(f).
type MatchBy string

// The steps of matching.
const (
	ByKey     MatchBy = "key"     // the entity that our key, or its own id, names
	ByUID     MatchBy = "uid"     // the identifier shared by all copies
	ByContent MatchBy = "content" // exactly the same canonical content
	ByNatural MatchBy = "natural" // what a person would call the same thing
)

// Stranger is an item without a link in the mailbox that looks at it: enough to
// recognise it, not its content.
type Stranger struct {
	Row        string // place in the store's order
	Side       model.Side
	Kind       model.Kind
	Item       string
	Collection string
	UID        string
	Content    string // key of its content
	Natural    string // key of its natural key, "" = it has none
	// Entity is known where the item's id was seen before, carries our stamp,
	// or (CRM side) stands for an entity already.
	Entity model.EntityID
	// Self is the entity that it would be first known by.
	Self model.EntityID
	// Occupied: another present item of this side stands for Entity here.
	Occupied bool
	// Partner: a link of Entity exists in this mailbox whose item on this side
	// is gone or was never set, so this one takes its place.
	Partner bool
	Gone    bool
	Since   time.Time // when it was first read
	// Copied: it carries the key of an item that stands here already, under an id
	// and a UID of its own: a user copied that item.
	Copied bool
	// CameBack: it had been deleted on both sides and came back with a backup.
	CameBack bool
	Stamp    model.Key // our own key, where it carries one
}

// Join says that items are one entity. Either item may be empty.
type Join struct {
	Entity    model.EntityID
	Kind      model.Kind
	CRM, Mail string
	State     State
	Reason    string
	Question  string // Review: what a person must decide; its items have it in common
}

// Census is what the brakes look at, per side and kind.
type Census struct {
	Linked  map[model.Kind]int
	Present map[model.Side]map[model.Kind]int // items there now
	Deleted map[model.Side]map[model.Kind]int // our deletions in the sliding window, less those that a person let go
}

// Counts sums up a plan for people.
type Counts struct {
	Items     int `json:"items"` // pairs looked at
	Matched   int `json:"matched"`
	Skipped   int `json:"skipped"`
	Conflicts int `json:"conflicts"`
	Issues    int `json:"issues"`
	Held      int `json:"held"`
	// Sides counts writes per side, kind and action.
	Sides map[model.Side]map[model.Kind]map[model.Action]int `json:"sides"`
}

var keyAlphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewEntity derives an entity's id from what it was first known by. The same
// origin gives the same id, so a step that is repeated after a crash finds what
// it made before.
func NewEntity(parts ...string) model.EntityID {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return model.EntityID("e" + keyAlphabet.EncodeToString(sum[:15]))
}

// CRMKey is the key under which an entity is created in the CRM: it derives
// from the claim, never from the mailbox (design decision 4).
func CRMKey(e model.EntityID, incarnation int) model.Key {
	return model.Key(string(e) + "-" + strconv.Itoa(incarnation))
}

// MailKey is the key under which an entity is created in one mailbox.
func MailKey(e model.EntityID, m model.MailboxID, incarnation int) model.Key {
	sum := sha256.Sum256([]byte(m))
	return model.Key(string(e) + "-" + keyAlphabet.EncodeToString(sum[:5]) + "-" + strconv.Itoa(incarnation))
}

// CopyKey is the key with which a user's copy is marked as an entity of its own.
// It is none that GivenTo knows: no journal says that it was given, because
// marking twice is harmless.
func CopyKey(e model.EntityID) model.Key { return CRMKey(e, 0) }

// GivenTo reports whether a key is one that only this installation gives, to
// what it creates in one mailbox: mailbox ids are random.
func GivenTo(k model.Key, m model.MailboxID) bool {
	parts := strings.Split(string(k), "-")
	return KeyEntity(k) != "" && len(parts) == 3 && k == MailKey(KeyEntity(k), m, atoi(parts[2]))
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

// KeyEntity returns the entity that a stamp names, "" if it is not ours.
func KeyEntity(k model.Key) model.EntityID {
	e, _, ok := strings.Cut(string(k), "-")
	if !ok || len(e) != 25 || e[0] != 'e' {
		return ""
	}
	return model.EntityID(e)
}

// NaturalKey is what a person would call the same thing (algorithm 1.9f), "" if
// the content does not say enough.
func NaturalKey(k model.Kind, c model.Content) string {
	switch k {
	case model.Contact:
		return contactKey(c)
	case model.Event:
		if c.Text("start") == "" || c.Text("title") == "" {
			return ""
		}
		return join(c.Text("start"), model.FoldAddress(c.Text("organizer")), model.FoldText(c.Text("title")))
	case model.Task:
		if c.Text("title") == "" {
			return ""
		}
		return join(model.FoldText(c.Text("title")), c.Text("due"))
	default:
		return ""
	}
}

func contactKey(c model.Content) string {
	family := c.Text("family_name")
	if family == "" {
		family = c.Text("full_name")
	}
	address := primaryAddress(c)
	if address == "" || family == "" {
		return ""
	}
	return join(address, model.FoldText(family))
}

// primaryAddress is the preferred e-mail address, else the first by key.
func primaryAddress(c model.Content) string {
	set := c.Set("emails")
	for _, e := range set {
		if e.Attr["preferred"] != "" {
			return e.Key
		}
	}
	if len(set) > 0 {
		return set[0].Key
	}
	return ""
}

func join(parts ...string) string { return strings.Join(parts, "\x1f") }
