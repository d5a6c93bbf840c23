package dav

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"lockstep.dev/fault"
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
	cal := doc.First("VCALENDAR")
	if !cal.Exists() {
		it.Trouble = unreadableText(1, "it holds no iCalendar object")
		return it, true
	}
	main := mainOf(cal, componentName(it.Ref.Kind))
	if !main.Exists() {
		if len(cal.Components("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY", "VPOLL")) > 0 {
			return model.Item{}, false
		}
		it.Trouble = unreadableText(1, "there is neither an event nor a task in it")
		return it, true
	}
	if !main.Terminated() || !cal.Terminated() {
		it.Trouble = unreadableText(lastLine(cal), "it ends without an END line")
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
	w := &calendarEdit{converter: c, env: env, cal: doc.First("VCALENDAR"), edit: edit, want: op.Content}
	w.main = mainOf(w.cal, componentName(op.Ref.Kind))
	w.apply(op.Ref.Kind, op.Content.Fields())
	return finish(edit)
}

// change writes the named fields into an object's own bytes.
func (c *converter) change(op model.Operation, raw []byte, env environment) ([]byte, *failure) {
	doc, fail := open(raw)
	if fail != nil {
		return nil, fail
	}
	edit := doc.Edit()
	if op.Ref.Kind == model.Contact {
		card := doc.First("VCARD")
		if !card.Exists() {
			return nil, unwritable(nil)
		}
		editContact(card, edit, op.Content, op.Changed)
		return finish(edit)
	}
	w := &calendarEdit{converter: c, env: env, cal: doc.First("VCALENDAR"), edit: edit, want: op.Content}
	if w.main = mainOf(w.cal, componentName(op.Ref.Kind)); !w.main.Exists() {
		return nil, unwritable(nil)
	}
	w.apply(op.Ref.Kind, op.Changed)
	return finish(edit)
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
	f := refused(fault.Invalid, "unwritable", "The item in the mailbox is damaged and cannot be changed without losing part of it. Open it in a calendar or address book program and save it again, or delete it.")
	f.fault.Err = err
	return f
}

// stamped is the component that carries our key.
func stamped(doc *vobject.Document, kind model.Kind) vobject.Component {
	if kind == model.Contact {
		return doc.First("VCARD")
	}
	return mainOf(doc.First("VCALENDAR"), componentName(kind))
}

// stampObject writes our key into an object; an empty key takes it out.
func stampObject(raw []byte, kind model.Kind, key model.Key) ([]byte, *failure) {
	if key == "" && !bytes.Contains(bytes.ToUpper(raw), []byte(stampProperty)) {
		return raw, nil
	}
	doc, fail := open(raw)
	if fail != nil {
		return nil, fail
	}
	c := stamped(doc, kind)
	if !c.Exists() {
		return nil, unwritable(nil)
	}
	edit := doc.Edit()
	for i, p := range c.All(stampProperty) {
		if i > 0 || key == "" {
			edit.Remove(p)
		}
	}
	if key != "" {
		setText(c, edit, stampProperty, string(key))
	}
	return finish(edit)
}

// markObject adds and removes categories.
func markObject(raw []byte, kind model.Kind, add, remove []string) ([]byte, *failure) {
	doc, fail := open(raw)
	if fail != nil {
		return nil, fail
	}
	c := stamped(doc, kind)
	if !c.Exists() {
		return nil, unwritable(nil)
	}
	var want []model.Element
	for _, e := range readCategories(c) {
		if !slices.ContainsFunc(remove, func(r string) bool { return model.FoldText(r) == e.Key }) {
			want = append(want, e)
		}
	}
	for _, text := range add {
		want = append(want, model.Element{Key: model.FoldText(text), Text: text})
	}
	edit := doc.Edit()
	editCategories(c, edit, model.NormalSet(want))
	return finish(edit)
}

func stampTime(t time.Time) string { return t.UTC().Format("20060102T150405Z") }
