package issue

import (
	"lockstep.dev/fault"
	"lockstep.dev/model"
)

// C4C is how users of SAP Cloud for Customer know the part that talks to it.
const C4C = "C4CC Connector"

// c4c declares what SAP Cloud for Customer answers.
func c4c() []Entry {
	return of(C4C, model.CRM,
		Entry{
			Code: "c4c.500", Class: fault.Transient, Scope: fault.Server, Row: "S-07", Later: true,
			Message:  "Remote server returned an error: (500) Internal server error",
			Cause:    "The CRM failed while it answered.",
			Solution: "Investigate on the CRM side: the evidence names the request and what the CRM said.",
		},
	)
}
