package e2e

import (
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"

	"lockstep.dev/store"
	"lockstep.dev/workflows"
)

// record keeps a story's histories for the replay tests, where
// LOCKSTEP_RECORD names a folder.
func (h *house) record() {
	dir := os.Getenv("LOCKSTEP_RECORD")
	if dir == "" || h.t.Failed() {
		return
	}
	name := strings.NewReplacer("/", "-", " ", "", ",", "-").Replace(strings.ToLower(strings.TrimPrefix(h.t.Name(), "Test")))
	ids := map[string]string{}
	// The story's own context has ended.
	mailboxes, err := h.store.Mailboxes(context.Background(), store.MailboxFilter{})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, m := range mailboxes {
		if m.Successor != "" {
			continue // another one goes on under its address
		}
		ids[name+"-"+strings.Split(m.Address, "@")[0]] = workflows.MailboxWorkflowID(m.ID)
		ids[name+"-crm"] = workflows.ConnectionWorkflowID(m.CRM)
		ids[name+"-mail"] = workflows.ConnectionWorkflowID(m.Mail)
	}
	for file, id := range ids {
		h.export(filepath.Join(dir, file+".json.gz"), id)
	}
}

func (h *house) export(file, id string) {
	h.t.Helper()
	var all history.History
	it := h.client.GetWorkflowHistory(context.Background(), id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for it.HasNext() {
		e, err := it.Next()
		if err != nil {
			h.t.Fatal(err)
		}
		all.Events = append(all.Events, e)
	}
	b, err := temporalproto.CustomJSONMarshalOptions{}.Marshal(&all)
	if err != nil {
		h.t.Fatal(err)
	}
	f, err := os.Create(file)
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Close()
	z := gzip.NewWriter(f)
	if _, err := z.Write(b); err != nil {
		h.t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		h.t.Fatal(err)
	}
}

// Workflow histories hold ids, counts and times, and nothing that people wrote
// (design decision 5).
func TestHistoriesHoldNoContent(t *testing.T) {
	h := build(t, backends()[0], "ann")
	h.put("ann", h.mail.AddressBook("ann")+"marker.vcf", card("uid-marker", "Zebra Xylophone", "zebra@example.com", "NOTE:xylophone secret\n"))
	h.sql(`INSERT INTO task (id, owner_id, title) VALUES ('t1', 'u-ann', 'xylophone task')`)
	h.open()
	h.synced()
	for _, id := range []string{workflows.MailboxWorkflowID(h.mailboxes()[0].ID), workflows.ConnectionWorkflowID(h.mailboxes()[0].CRM)} {
		it := h.client.GetWorkflowHistory(t.Context(), id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for it.HasNext() {
			e, err := it.Next()
			if err != nil {
				t.Fatal(err)
			}
			text := strings.ToLower(e.String())
			for _, marker := range []string{"xylophone", "zebra", h.mail.Password, "ann@harbor"} {
				if strings.Contains(text, marker) {
					t.Errorf("event %d of %s holds %q", e.EventId, id, marker)
				}
			}
		}
	}
}
