// Package vobject reads and edits vCard (2.1, 3.0, 4.0) and iCalendar objects
// without losing a byte.
//
// A document is a flat list of content lines with spans into the original
// bytes, and the tree of components over it. An edit replaces only the spans
// that change. Everything else keeps its bytes: order, folding, line endings,
// letter case, unknown and even malformed lines.
//
//	doc, err := vobject.Parse(data)         // *ParseError only if there is no object in it
//	if err != nil { ... }
//	for _, p := range doc.Problems() { ... } // what is odd but was kept
//
// # Reading
//
// Lookups never fail; what is missing reads as empty:
//
//	card := doc.First("VCARD")
//	name := card.First("FN").Text()             // unescaped, quoted-printable and CHARSET undone
//	n := card.First("N").Structured()           // [][]string: components of lists
//	family := card.First("N").Field(0, " ")
//	for _, tel := range card.All("TEL") {
//	    number, types := tel.Text(), tel.Types() // types in lower case, from any spelling
//	    label := ""
//	    for _, p := range card.Group(tel.Group()) {
//	        if p.Is("X-ABLabel") { label = p.Text() }
//	    }
//	}
//	cats := card.First("CATEGORIES").List()
//	born, err := vobject.ParseDate(card.First("BDAY").Raw()) // Year 0: without year
//	jpeg, mediaType, ok := card.First("PHOTO").Binary()
//
//	for _, event := range doc.First("VCALENDAR").Components("VEVENT") {
//	    start, err := event.First("DTSTART").Time() // date, floating, UTC or with TZID
//	    for _, a := range event.All("ATTENDEE") {
//	        address, status := a.Raw(), a.Param("PARTSTAT")
//	    }
//	}
//
// # Editing
//
// An Edit records changes against the parsed document and writes new bytes.
// Setting what is already there changes nothing, so mapping code may set every
// field it knows and only what differs is written.
//
//	e := doc.Edit()
//	e.SetText(card.First("FN"), "Ann O'Brien")
//	e.SetStructured(card.First("N"), [][]string{{"O'Brien"}, {"Ann"}})
//	e.SetList(card.First("CATEGORIES"), []string{"Friends", "Lockstep"})
//	e.SetParam(tel, "TYPE", "work", "voice")     // no values: removes the parameter
//	e.SetRaw(event.First("DTSTART"), "20260105T090000")
//	e.Remove(card.First("X-OLD"))
//	e.Append(card, vobject.Text("NOTE", "Line one\nLine two"),
//	    vobject.Raw("TEL", "+33 1 23").With("TYPE", "cell").In("item7"))
//	e.InsertAfter(tel, vobject.Raw("TEL", "..."))
//	e.Replace(tel, vobject.Raw("TEL", "tel:+331").With("VALUE", "uri"))
//	e.AppendComponent(event, vobject.Draft{Name: "VALARM", Lines: []vobject.Line{...}})
//	e.RemoveComponent(alarm)
//	out, err := e.Bytes()
//
// Properties and components belong to the document they came from. To read
// one's own changes, or to edit what was inserted, go on from e.Document().
//
// # Creating
//
// A new object is an empty one that is edited:
//
//	doc, err := vobject.New("VCALENDAR", vobject.Raw("PRODID", "-//Lockstep//EN"))
//	e := doc.Edit()
//	zone, err := vobject.Source(vtimezoneText)
//	e.AppendComponent(doc.First("VCALENDAR"), zone, vobject.Draft{Name: "VEVENT", Lines: []vobject.Line{
//	    vobject.Raw("UID", uid),
//	    vobject.Raw("DTSTART", "20260105T090000").With("TZID", "Europe/Paris"),
//	    vobject.Text("SUMMARY", "Lunch; then, coffee"),
//	}})
//
// vobject.New("VCARD") writes vCard 4.0; give Raw("VERSION", "3.0") for 3.0.
//
// # Cost
//
// Parsing and editing take time linear in the size of the input and memory
// proportional to it. Components nest at most MaxDepth deep and input is at
// most MaxSize long; nothing makes the package panic.
package vobject
