package fault

// Who must act on a trouble.
type Who string

// The people who may have to act.
const (
	Nobody Who = "nobody"
	User   Who = "user"
	Admin  Who = "admin"
	Us     Who = "us" // the makers of Lockstep
)

// Again says when what failed is tried again.
type Again string

// The answers to when.
const (
	Never   Again = "never"   // not before somebody has acted
	Attempt Again = "attempt" // the same step is repeated after a delay
	Round   Again = "round"   // in a later round
	Changed Again = "changed" // when the item changes, or somebody asks for it
)

// Raises says what a trouble becomes for people (requirement S-01). The two are
// never confused: an alert is a mailbox or a system that cannot sync at all, an
// issue is an item (or a folder) that cannot, while everything else goes on.
type Raises string

// What a trouble may become.
const (
	Nothing Raises = "nothing" // ordinary life
	Issue   Raises = "issue"
	Alert   Raises = "alert"
)

// Rule is one cell of the table: what a class of trouble in a scope leads to.
type Rule struct {
	Again Again
	// Counted: each failure counts towards the policy's limit; there the fault
	// becomes permanent (requirement D-32).
	Counted bool
	// Stops: the mailbox stops as soon as this is seen (requirement D-31). In
	// scope Server that concerns every mailbox of the connection.
	Stops bool
	// Benign: ordinary life, no error in logs and metrics.
	Benign bool
	Raises Raises
	Acts   Who // who acts where it does not go away by itself
}

// Wide reports whether a fault of this scope concerns everything a mailbox does.
func (s Scope) Wide() bool { return s == Server || s == Mailbox }

// RuleOf is the table. It is total: an unknown class is a bug of ours, and an
// unknown scope is the mailbox's.
func RuleOf(c Class, s Scope) Rule {
	if s == Item || s == Collection {
		return narrow(c, s)
	}
	return wide(c, s)
}

// wide: the mailbox, or every mailbox of a system, cannot sync at all.
func wide(c Class, s Scope) Rule {
	person := User
	if s == Server {
		person = Admin
	}
	switch c {
	case Transient:
		return Rule{Again: Attempt, Counted: true, Raises: Alert, Acts: Admin}
	case Throttled:
		return Rule{Again: Attempt, Benign: true, Raises: Nothing, Acts: Nobody}
	case Auth:
		return Rule{Again: Never, Stops: true, Raises: Alert, Acts: person}
	case Denied, Invalid, NotFound, Conflict:
		return Rule{Again: Never, Stops: true, Raises: Alert, Acts: Admin}
	case TooLarge: // a full mailbox: room may be made at any moment
		return Rule{Again: Attempt, Counted: true, Raises: Alert, Acts: person}
	case Unsupported: // a maintenance page or a proxy's sign-in page looks like this, too
		return Rule{Again: Attempt, Counted: true, Raises: Alert, Acts: Admin}
	case CursorExpired:
		return Rule{Again: Round, Benign: true, Raises: Nothing, Acts: Nobody}
	default:
		return Rule{Again: Attempt, Counted: true, Raises: Alert, Acts: Us}
	}
}

// narrow: one item or collection is set aside and the rest goes on.
func narrow(c Class, s Scope) Rule {
	again := Changed
	if s == Collection {
		again = Round
	}
	switch c {
	case Transient: // a lock, for instance: becomes an issue where it lasts
		return Rule{Again: Round, Counted: true, Raises: Issue, Acts: User}
	case Throttled:
		return Rule{Again: Attempt, Benign: true, Raises: Nothing, Acts: Nobody}
	case NotFound, Conflict, CursorExpired: // both sides are read again
		return Rule{Again: Round, Benign: true, Raises: Nothing, Acts: Nobody}
	case Invalid, TooLarge:
		return Rule{Again: again, Raises: Issue, Acts: User}
	case Auth, Denied, Unsupported:
		return Rule{Again: again, Raises: Issue, Acts: Admin}
	default:
		return Rule{Again: again, Raises: Issue, Acts: Us}
	}
}

// Classes lists every class, for tests and documentation.
func Classes() []Class {
	return []Class{
		Transient, Throttled, Auth, Denied, NotFound, Conflict,
		Invalid, TooLarge, CursorExpired, Unsupported, Bug,
	}
}

// Scopes lists every scope, the widest first.
func Scopes() []Scope { return []Scope{Server, Mailbox, Collection, Item} }
