package fault

// Who must act on a trouble.
type Who string

// The people who may have to act.
const (
	Nobody Who = "nobody"
	User   Who = "user"
	Admin  Who = "admin"
	Us     Who = "us"
)

// Rule is one row of the table: what a class of trouble leads to.
type Rule struct {
	Retry   bool // the activity is attempted again
	Counted bool // the attempt counts towards the policy's limit (D-32)
	Stops   bool // the mailbox stops until somebody acts (D-31)
	Benign  bool // ordinary life: not an error in logs and metrics
	Acts    Who
}

// RuleOf returns the row for a class. The table is total: an unknown class is
// treated as a bug of ours.
func RuleOf(c Class) Rule {
	switch c {
	case Transient:
		return Rule{Retry: true, Counted: true, Acts: Nobody}
	case Throttled:
		return Rule{Retry: true, Benign: true, Acts: Nobody}
	case Auth:
		return Rule{Stops: true, Acts: User}
	case Denied:
		return Rule{Stops: true, Acts: Admin}
	case NotFound, Conflict, CursorExpired:
		return Rule{Benign: true, Acts: Nobody}
	case Invalid, TooLarge:
		return Rule{Acts: User}
	case Unsupported:
		return Rule{Acts: Admin}
	default:
		return Rule{Acts: Us}
	}
}

// Classes lists every class, for tests and documentation.
func Classes() []Class {
	return []Class{
		Transient, Throttled, Auth, Denied, NotFound, Conflict,
		Invalid, TooLarge, CursorExpired, Unsupported, Bug,
	}
}
