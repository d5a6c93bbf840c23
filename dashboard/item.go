package dashboard

import (
	"net/http"
	"strings"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// fieldRow is one field of an item as both sides have it.
type fieldRow struct {
	Name, Means       string
	CRM, Mail         string
	CRMBase, MailBase string
	Differs           bool // the sides say different things
	CRMChanged        bool // against what that side held when both agreed
	MailChanged       bool
	Personal          bool
}

// itemView is an item as the page shows it.
type itemView struct {
	store.Explanation
	Fields    []fieldRow
	Links     map[model.Side]string
	Conflicts []conflictView
}

type itemBody struct {
	model.Mailbox
	Asked   string
	Items   []itemView
	Content bool
}

// conflictView is an edit conflict as a page shows it.
type conflictView struct {
	store.ConflictRow
	Address string
	Lost    string // the value that lost, for those who may know
}

func conflictsOf(rows []store.ConflictRow, address string, content bool) []conflictView {
	var out []conflictView
	for _, c := range rows {
		v := conflictView{ConflictRow: c, Address: address}
		if content {
			v.Lost = contentText(c.Loser)
		}
		out = append(out, v)
	}
	return out
}

// item explains an item and shows both sides beside what they last agreed on
// (requirement B8).
func (d *Dashboard) item(w http.ResponseWriter, r *http.Request, who Account) {
	m, err := d.mailboxAt(r.Context(), who, r.PathValue("mailbox"))
	if err != nil {
		d.fail(w, r, err)
		return
	}
	b := itemBody{Mailbox: m, Asked: strings.TrimSpace(r.URL.Query().Get("q")), Content: who.seesContent()}
	if b.Asked != "" {
		if b.Items, err = d.itemsOf(r, m, b.Asked, b.Content); err != nil {
			d.fail(w, r, err)
			return
		}
	}
	d.show(w, r, http.StatusOK, "item", page{Title: "Item", Live: b.Asked != "", Who: who, Body: b})
}

// mostItems is how many items of one name a page shows.
const mostItems = 10

func (d *Dashboard) itemsOf(r *http.Request, m model.Mailbox, asked string, content bool) ([]itemView, error) {
	found, err := d.Store.Explain(r.Context(), m.ID, asked)
	if err != nil {
		return nil, err
	}
	conflicts, err := d.Store.Conflicts(r.Context(), m.ID)
	if err != nil {
		return nil, err
	}
	var out []itemView
	for _, x := range found[:min(mostItems, len(found))] {
		v := itemView{Explanation: x}
		if !content {
			v.Title = ""
		}
		faces, err := d.Store.Faces(r.Context(), m.ID, x)
		if err != nil {
			return nil, err
		}
		if content && !x.Private {
			v.Fields = fieldsOf(x.Kind, faces)
		}
		refs := map[model.Side]string{}
		addRefs(refs, x)
		if v.Links, err = d.linksTo(r.Context(), m, x.Kind, refs); err != nil {
			return nil, err
		}
		for _, c := range conflicts {
			if x.Entity != "" && c.Entity == x.Entity && c.Resolution == "" {
				v.Conflicts = append(v.Conflicts, conflictsOf([]store.ConflictRow{c}, m.Address, content && !x.Private)...)
			}
		}
		out = append(out, v)
	}
	return out, nil
}

// fieldsOf lays an item out field by field; what is empty everywhere is left out.
func fieldsOf(kind model.Kind, f store.Faces) []fieldRow {
	var out []fieldRow
	for _, field := range model.Fields(kind) {
		n := field.Name
		crm, mail, crmBase, mailBase := f.CRM[n], f.Mail[n], f.CRMBase[n], f.MailBase[n]
		if crm.Empty() && mail.Empty() && crmBase.Empty() && mailBase.Empty() {
			continue
		}
		out = append(out, fieldRow{
			Name: n, Means: field.Means, Personal: field.Personal,
			CRM: valueText(crm), Mail: valueText(mail), CRMBase: valueText(crmBase), MailBase: valueText(mailBase),
			Differs:     f.CRM != nil && f.Mail != nil && !field.Personal && !crm.Equal(mail),
			CRMChanged:  f.CRM != nil && f.CRMBase != nil && !crm.Equal(crmBase),
			MailChanged: f.Mail != nil && f.MailBase != nil && !mail.Equal(mailBase),
		})
	}
	return out
}

// contentText writes contents for people: of several fields each with its name.
func contentText(c model.Content) string {
	names := c.Fields()
	if len(names) == 1 {
		return valueText(c[names[0]])
	}
	var out []string
	for _, n := range names {
		out = append(out, n+" "+valueText(c[n]))
	}
	return strings.Join(out, "; ")
}

// longestValue is how much of a value is shown.
const longestValue = 2000

func valueText(v model.Value) string {
	text := v.Text
	if strings.HasPrefix(text, "data:") {
		return "(a picture)"
	}
	if len(v.Set) > 0 {
		var list []string
		for _, e := range v.Set {
			t := e.Text
			if t == "" {
				t = e.Key
			}
			list = append(list, t)
		}
		text = strings.Join(list, "\n")
	}
	if letters := []rune(text); len(letters) > longestValue {
		text = string(letters[:longestValue]) + "…"
	}
	return text
}
