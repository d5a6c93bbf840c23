package crm

import (
	"fmt"

	"lockstep.dev/model"
)

// tasks gives a user six tasks, of which both sides hold three; of those one is
// further along in the mailbox, which is an edit conflict.
func (b *builder) tasks(user int) {
	u := &b.org.Users[user]
	for n, title := range []string{"Send the offer", "Check the invoice", "Order samples", "Renew the insurance", "Paint the buoys", "Book the crane"} {
		c := set(model.Content{}, "title", title, "due", b.date(4+n), "priority", fmt.Sprint(1+n))
		switch n {
		case 0:
			set(c, "description", "Prices of last year plus three per cent.\nAsk before sending.")
		case 1:
			set(c, "due", b.date(-3), "status", "completed", "completed", b.at(-4, 11, 0), "percent", "100")
		case 3:
			set(c, "status", "in-process", "percent", "25", "start", b.date(1))
		}
		if n < 5 {
			b.org.Tasks = append(b.org.Tasks, Record{Owner: u.ID, Content: c})
		}
		if n < 2 {
			continue
		}
		mine := c.Clone()
		if n == 3 {
			set(mine, "percent", "50")
		}
		u.Tasks = append(u.Tasks, Record{UID: fmt.Sprintf("task-%d-%d@harbor.example", user, n), Content: mine})
	}
}
