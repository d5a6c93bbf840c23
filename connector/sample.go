package connector

import "lockstep.dev/model"

// Sample is an item with which writing is tried: it concerns nobody, lies far in
// the past, invites nobody and reminds of nothing.
func Sample(k model.Kind) model.Content {
	c := model.Content{}
	switch k {
	case model.Contact:
		c.PutText("full_name", "Lockstep test")
		c.PutText("family_name", "Lockstep test")
	case model.Event:
		c.PutText("title", "Lockstep test")
		c.PutText("start", "1990-01-01T00:00:00Z")
		c.PutText("end", "1990-01-01T00:30:00Z")
	default:
		c.PutText("title", "Lockstep test")
		c.PutText("status", "completed")
		c.PutText("percent", "100")
	}
	return c
}
