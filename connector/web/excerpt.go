package web

import (
	"slices"
	"strings"
	"unicode"
)

// mostWords bounds an excerpt.
const mostWords = 80

// Excerpt reduces a body to what may be shown: the names of its elements, words
// of the small vocabulary in which programs complain, and names of error codes.
// What it leaves out stands as "…". A word that our own request held is left
// out, too, because the server may only be repeating it; of items (reads)
// nothing is shown but elements.
func Excerpt(says, sent []byte, reads bool) string {
	echoed := map[string]bool{}
	for _, t := range tokens(string(sent)) {
		echoed[strings.ToLower(t.text)] = true
	}
	var out []string
	last := ""
	for _, t := range tokens(string(says)) {
		shown := "…"
		switch {
		case t.tag && isName(t.text):
			shown = "<" + t.text + ">"
		case t.tag || reads:
		case isNumber(t.text) && slices.Contains(numbered(), strings.ToLower(last)):
			shown = t.text
		case !echoed[strings.ToLower(t.text)] && harmless(t.text):
			shown = t.text
		}
		last = t.text
		if shown == "…" && len(out) > 0 && out[len(out)-1] == "…" {
			continue
		}
		if out = append(out, shown); len(out) == mostWords {
			break
		}
	}
	if !slices.ContainsFunc(out, func(w string) bool { return w != "…" }) {
		return ""
	}
	return strings.Join(out, " ")
}

// token is a word of a body, or the name of an element of it.
type token struct {
	text string
	tag  bool
}

// tokens splits a body into words and names of elements. Attributes, comments
// and end tags are no part of it.
func tokens(body string) []token {
	var out []token
	for body != "" {
		text, rest, tagged := strings.Cut(body, "<")
		for _, w := range strings.FieldsFunc(text, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '@' && r != '-' && r != '.' && r != '+'
		}) {
			out = append(out, token{text: strings.Trim(w, ".-")})
		}
		if !tagged {
			break
		}
		tag, after, closed := strings.Cut(rest, ">")
		if name := tagName(tag); closed && name != "" {
			out = append(out, token{text: name, tag: true})
		}
		body = after
		if !closed {
			break
		}
	}
	return slices.DeleteFunc(out, func(t token) bool { return t.text == "" })
}

func tagName(tag string) string {
	if tag == "" || strings.ContainsRune("/!?", rune(tag[0])) {
		return ""
	}
	name, _, _ := strings.Cut(strings.TrimSuffix(tag, "/"), " ")
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	return name
}

// isName reports whether an element's name is one that formats and pages have;
// what stands between < and > in a text may be anything.
func isName(name string) bool {
	for part := range strings.SplitSeq(name, "-") {
		if !harmless(part) && !slices.Contains(elements(), strings.ToLower(part)) {
			return false
		}
	}
	return true
}

// elements are names of elements that are no words.
func elements() []string {
	return strings.Fields(`b body br center cdata ctag displayname div em env envelope etag faultcode faultstring getcontenttype getctag getetag h1 h2 h3 h4
head hr href html i img innererror li link meta multistatus p pre prop propfind propstat resourcetype responsecode responsedescription
responseheader s set soap span strong style sync table tbody td th title tr ul`)
}

func isNumber(word string) bool {
	return len(word) <= 5 && !strings.ContainsFunc(word, func(r rune) bool { return r < '0' || r > '9' })
}

// numbered are the words whose number is the program's own.
func numbered() []string {
	return []string{"line", "column", "code", "status", "error", "position", "http", "exception"}
}

// harmless reports whether a word says nothing about an item or a person.
func harmless(word string) bool {
	return isCode(word) || slices.Contains(vocabulary(), strings.ToLower(word))
}

// isCode recognises names such as ErrorInvalidPropertyRequest, which no person
// has: at least three capitals that each begin a part, all parts but one in the
// vocabulary.
func isCode(word string) bool {
	var parts []string
	start := 0
	for i, r := range word {
		if !unicode.IsLetter(r) || r > 'z' {
			return false
		}
		if i > 0 && unicode.IsUpper(r) {
			parts = append(parts, word[start:i])
			start = i
		}
	}
	parts = append(parts, word[start:])
	unknown := 0
	for _, p := range parts {
		if !slices.Contains(vocabulary(), strings.ToLower(p)) {
			unknown++
		}
	}
	return len(parts) >= 2 && unknown == 0
}

// vocabulary is what programs complain with. No name, and nothing that alone
// says what an item is about.
func vocabulary() []string {
	return strings.Fields(`a an and are as at be been by can cannot can't could did didn't do does doesn't for from had has have if in into is it its
no none nor not of on only or our out so such than that the their them then there these this to too was were while will with without you your
able access account accept accepted accepting access-control action active address adjusted administrator again algorithm allocate allow allowed already
apache application argument attribute authenticate authenticated authentication authorization authorized available bad because before begin body bound
buffer busy bytes cache calendar call canceled cannot carddav caldav card catalog certificate changed character charset check class client cloudflare
code collection column command component condition configuration configured conflict connect connection constraint contact contain contains content context
corrupt could create created credentials cursor damaged data database date dav deadlock declared default delete denied dependency depth deserialize
destination directory disabled disk document domain down duplicate early element empty enabled encoding end ended ending entity entry error errors event
exceed exceeded exceeds exception exchange exist existing exists expected expired fail failed failure fatal fault field file filter find folder forbidden
form format found full function gateway get gone group handler header headers host hosted html http https icalendar ics id identifier identity illegal
implemented import incorrect index infinite input insufficient integrity internal invalid item java jcr kerio key large later length level limit line
list locate lock locked login loop mailbox maintenance malformed many marked match maximum memory message method microsoft minimum mismatch missing
moment mode moved multiple must name namespace near network new nginx nextcloud null number object office offline old open operation option organization
organizer out overflow overloaded owncloud page parameter parse parser parsing password path pattern payload pending permission permissions permitted php
please policy position postgresql precondition prefix principal privilege privileges process processing prohibited property protocol provided proxy python query
queue quota radicale range rate read readable reason recipient recurrence redirect refused rejected release remote removal removed replace report request
requested required requires reset resource response restore restricted result retry right rights root row rule running runtime sabre schema scheduled scope
script section secure see send sent server service session set sign size smtp soap space specified sql sqlite stack start state statement status stopped
storage store stored stream string support supported sync synchronization syntax system table tag task temporarily temporary tenant terminated thread throttled
throttling time timed timeout timezone tls token transaction transport try type unable unauthorized unavailable under undefined unexpected unexpectedly
unhandled unique unknown unlock unprocessable unrecognized unsupported update upload upstream uri url use used user username valid validate validation value
values vcalendar vcard version violation wait warning web webdav while write wrong xml zone zope`)
}
