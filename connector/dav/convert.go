package dav

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/timezone"
	"lockstep.dev/vobject"
)

// The wire's objects to the model's items and back. Nothing here talks to
// anybody; what is written is always an edit of an object's own bytes, and a
// new object is an edit of an empty one.

const (
	stampProperty = "X-LOCKSTEP-KEY"
	productID     = "-//Lockstep//Lockstep//EN"
)

// converter reads and writes objects; it remembers time zones, nothing else.
type converter struct {
	zones *timezone.Resolver

	mu          sync.Mutex
	definitions map[zoneYear]vobject.Draft
}

type zoneYear struct {
	name string
	year int
}

// definitionLimit bounds what a converter remembers.
const definitionLimit = 1000

func newConverter() *converter {
	return &converter{zones: timezone.NewResolver(), definitions: map[zoneYear]vobject.Draft{}}
}

// define returns the VTIMEZONE of an IANA zone for a new object. Working one
// out takes milliseconds, so it is remembered.
func (c *converter) define(name string, year int) (vobject.Draft, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := zoneYear{name, year}
	if draft, known := c.definitions[key]; known {
		return draft, true
	}
	text, err := timezone.Define(name, year)
	if err != nil {
		return vobject.Draft{}, false
	}
	draft, err := vobject.Source(text)
	if err != nil {
		return vobject.Draft{}, false
	}
	if len(c.definitions) >= definitionLimit {
		clear(c.definitions)
	}
	c.definitions[key] = draft
	return draft, true
}

// item converts an object. It returns false where the object is of another
// kind, such as a task in a calendar that takes both, or a group of contacts.
// An object that cannot be read becomes an item with its Trouble.
func (c *converter) item(ref model.Ref, raw []byte) (it model.Item, ours bool) {
	it = model.Item{Ref: ref, Raw: raw}
	doc, err := vobject.Parse(raw)
	if err != nil {
		it.Trouble = trouble(err)
		return it, true
	}
	if ref.Kind == model.Contact {
		return c.contactItem(it, doc)
	}
	return c.calendarItem(it, doc)
}

func trouble(err error) string {
	var parse *vobject.ParseError
	if errors.As(err, &parse) {
		return unreadableText(parse.Line, parse.Text)
	}
	return unreadableText(1, err.Error())
}

func unreadableText(line int, what string) string {
	return fmt.Sprintf("The item cannot be read: line %d: %s. It is left untouched; open it in a calendar or address book program and save it again, or delete it.", line, what)
}

func (c *converter) contactItem(it model.Item, doc *vobject.Document) (model.Item, bool) {
	card := doc.First("VCARD")
	switch {
	case !card.Exists():
		it.Trouble = unreadableText(1, "it holds no vCard")
		return it, true
	case isGroup(card):
		return model.Item{}, false
	case !card.Terminated():
		it.Trouble = unreadableText(lastLine(card), "the vCard has no END line")
		return it, true
	}
	it.UID, it.Stamp = card.First("UID").Text(), model.Key(card.First(stampProperty).Text())
	it.Modified = instantOf(card.First("REV"))
	it.Content = readContact(card)
	return it, true
}

// isGroup finds lists of contacts: KIND (RFC 6350 section 6.1.4) and Apple's
// older X-ADDRESSBOOKSERVER-KIND.
func isGroup(card vobject.Component) bool {
	return strings.EqualFold(card.First("KIND").Text(), "group") ||
		strings.EqualFold(card.First("X-ADDRESSBOOKSERVER-KIND").Text(), "group")
}

func (c *converter) calendarItem(it model.Item, doc *vobject.Document) (model.Item, bool) {
	cal := calendarOf(doc.First("VCALENDAR"))
	if !cal.Exists() {
		it.Trouble = unreadableText(1, "it holds no iCalendar object")
		return it, true
	}
	main := mainOf(cal.Component, componentName(it.Ref.Kind))
	if !main.Exists() {
		if len(cal.Components("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY", "VPOLL")) > 0 {
			return model.Item{}, false
		}
		it.Trouble = unreadableText(1, "there is neither an event nor a task in it")
		return it, true
	}
	if !main.Terminated() || !cal.Terminated() {
		it.Trouble = unreadableText(lastLine(cal.Component), "it ends without an END line")
		return it, true
	}
	it.UID, it.Stamp = main.First("UID").Text(), model.Key(main.First(stampProperty).Text())
	if it.Modified = instantOf(main.First("LAST-MODIFIED")); it.Modified.IsZero() {
		it.Modified = instantOf(main.First("DTSTAMP"))
	}
	read := c.readEvent
	if it.Ref.Kind == model.Task {
		read = c.readTask
	}
	content, err := read(cal, main)
	if err != nil {
		it.Trouble = err.Error()
		return it, true
	}
	it.Content = content
	return it, true
}

// mainOf is the component that describes the whole: the one without a
// RECURRENCE-ID, or the first of several occurrences that somebody was invited
// to without the series.
func mainOf(cal vobject.Component, component string) vobject.Component {
	all := cal.Components(component)
	for _, c := range all {
		if !c.First("RECURRENCE-ID").Exists() {
			return c
		}
	}
	if len(all) > 0 {
		return all[0]
	}
	return vobject.Component{}
}

// lastLine is the number of the last line of a component, for messages.
func lastLine(c vobject.Component) int {
	n := 1
	if props := c.Properties(); len(props) > 0 {
		n = props[len(props)-1].LineNumber()
	}
	return n
}

// instantOf reads a UTC property; zero where it is missing or wrong.
func instantOf(p vobject.Property) time.Time {
	if !p.Exists() {
		return time.Time{}
	}
	t, err := p.Time()
	if err != nil || t.Clock == vobject.AllDay {
		return time.Time{}
	}
	return t.In(time.UTC).UTC()
}

// create writes a new object.
func (c *converter) create(op model.Operation, env environment) ([]byte, *failure) {
	if op.Ref.Kind == model.Contact {
		return c.createContact(op, env)
	}
	return c.createCalendar(op, env)
}

func (c *converter) createContact(op model.Operation, env environment) ([]byte, *failure) {
	// vCard 3.0 is what every CardDAV server takes (RFC 6352 section 5.1).
	doc, err := vobject.New("VCARD", vobject.Raw("VERSION", "3.0"), vobject.Raw("PRODID", productID),
		vobject.Text("UID", op.UID), vobject.Text(stampProperty, string(op.Key)))
	if err != nil {
		return nil, unwritable(err)
	}
	edit := doc.Edit()
	fields := op.Content.Fields()
	if !slices.Contains(fields, "full_name") {
		fields = append(fields, "full_name")
	}
	editContact(doc.First("VCARD"), edit, op.Content, fields)
	if !hasName(op.Content) {
		edit.Append(doc.First("VCARD"), vobject.Structured("N")) // mandatory (RFC 2426 section 3.1.2)
	}
	edit.Append(doc.First("VCARD"), vobject.Raw("REV", stampTime(env.now)))
	return finish(edit)
}

func (c *converter) createCalendar(op model.Operation, env environment) ([]byte, *failure) {
	doc, err := vobject.New("VCALENDAR", vobject.Raw("PRODID", productID))
	if err != nil {
		return nil, unwritable(err)
	}
	edit := doc.Edit()
	now := stampTime(env.now)
	edit.AppendComponent(doc.First("VCALENDAR"), vobject.Draft{Name: componentName(op.Ref.Kind), Lines: []vobject.Line{
		vobject.Text("UID", op.UID), vobject.Raw("DTSTAMP", now), vobject.Raw("CREATED", now),
		vobject.Raw("LAST-MODIFIED", now), vobject.Text(stampProperty, string(op.Key)),
	}})
	if doc, err = edit.Document(); err != nil {
		return nil, unwritable(err)
	}
	edit = doc.Edit()
	env.isNew = true
	w := &calendarEdit{converter: c, env: env, cal: calendarOf(doc.First("VCALENDAR")), edit: edit, want: op.Content}
	w.main = mainOf(w.cal.Component, componentName(op.Ref.Kind))
	w.apply(op.Ref.Kind, op.Content.Fields())
	return finish(edit)
}

// change writes the named fields into an object's own bytes. A field that says
// already what is wanted is not written, however oddly it is written there.
func (c *converter) change(op model.Operation, raw []byte, env environment) ([]byte, *failure) {
	doc, fail := open(raw)
	if fail != nil {
		return nil, fail
	}
	ref := op.Ref
	have, ours := c.item(ref, raw)
	if !ours || have.Trouble != "" {
		return nil, unwritable(nil)
	}
	changed := slices.DeleteFunc(slices.Clone(op.Changed), func(f string) bool {
		return have.Content[f].Equal(op.Content[f])
	})
	edit := doc.Edit()
	if ref.Kind == model.Contact {
		editContact(doc.First("VCARD"), edit, op.Content, changed)
	} else {
		w := &calendarEdit{converter: c, env: env, cal: calendarOf(doc.First("VCALENDAR")), edit: edit, have: have.Content, want: op.Content}
		w.main = mainOf(w.cal.Component, componentName(ref.Kind))
		w.apply(ref.Kind, changed)
	}
	out, fail := finish(edit)
	if fail == nil && !c.keeps(have, out, changed) {
		return nil, unwritable(nil)
	}
	return out, fail
}

// keeps checks, before anything is sent, that an edit did to no other field what
// was not asked for. Damaged objects can do that: a value that says it goes on
// in the next line swallows the property written behind it.
func (c *converter) keeps(have model.Item, edited []byte, changed []string) bool {
	now, ours := c.item(have.Ref, edited)
	if !ours || now.Trouble != "" || now.UID != have.UID || now.Stamp != have.Stamp {
		return false
	}
	for _, f := range model.Differing(have.Content, now.Content) {
		switch {
		case slices.Contains(changed, f):
		case f == "end" || f == "due" || f == "time_zone": // these follow from the start
		default:
			return false
		}
	}
	return true
}

func open(raw []byte) (*vobject.Document, *failure) {
	doc, err := vobject.Parse(raw)
	if err != nil {
		return nil, unwritable(err)
	}
	return doc, nil
}

func finish(edit *vobject.Edit) ([]byte, *failure) {
	out, err := edit.Bytes()
	if err != nil {
		return nil, unwritable(err)
	}
	return out, nil
}

func unwritable(err error) *failure {
	f := failed("dav.unwritable")
	f.fault.Err = err
	return f
}

// stamp writes our key into an object; an empty key takes it out.
func (c *converter) stamp(raw []byte, kind model.Kind, key model.Key) ([]byte, *failure) {
	if key == "" && !bytes.Contains(bytes.ToUpper(raw), []byte(stampProperty)) {
		return raw, nil
	}
	return c.mark(raw, kind, "", key, func(carrier vobject.Component, edit *vobject.Edit) {
		for i, p := range carrier.All(stampProperty) {
			if i > 0 || key == "" {
				edit.Remove(p)
			}
		}
		if key != "" {
			setText(carrier, edit, stampProperty, string(key))
		}
	})
}

// label adds and removes categories.
func (c *converter) label(raw []byte, kind model.Kind, add, remove []string) ([]byte, *failure) {
	it, _ := c.item(model.Ref{Kind: kind}, raw)
	return c.mark(raw, kind, "categories", it.Stamp, func(carrier vobject.Component, edit *vobject.Edit) {
		var want []model.Element
		for _, e := range readCategories(carrier) {
			if !slices.ContainsFunc(remove, func(r string) bool { return model.FoldText(r) == e.Key }) {
				want = append(want, e)
			}
		}
		for _, text := range add {
			want = append(want, model.Element{Key: model.FoldText(text), Text: text})
		}
		editCategories(carrier, edit, model.NormalSet(want))
	})
}

// mark edits the component that carries an object's marks; field is the one
// that may change by it, key the stamp afterwards.
func (c *converter) mark(raw []byte, kind model.Kind, field string, key model.Key, do func(vobject.Component, *vobject.Edit)) ([]byte, *failure) {
	doc, fail := open(raw)
	if fail != nil {
		return nil, fail
	}
	have, ours := c.item(model.Ref{Kind: kind}, raw)
	if !ours || have.Trouble != "" {
		return nil, unwritable(nil)
	}
	carrier := doc.First("VCARD")
	if kind != model.Contact {
		carrier = mainOf(doc.First("VCALENDAR"), componentName(kind))
	}
	edit := doc.Edit()
	do(carrier, edit)
	out, fail := finish(edit)
	have.Stamp = key
	if fail == nil && !c.keeps(have, out, []string{field}) {
		return nil, unwritable(nil)
	}
	return out, fail
}

// plainText is a property's text without the control characters that no system
// can hold; some programs write them.
func plainText(p vobject.Property) string { return withoutControls(p.Text()) }

func withoutControls(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7F {
			return -1
		}
		return r
	}, text)
}

func stampTime(t time.Time) string { return t.UTC().Format("20060102T150405Z") }
