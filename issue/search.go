package issue

import "strings"

// Search finds entries by code, by a requirement's number, or by any piece of
// their text; a message as it was shown is found, too, with its placeholders
// filled. Case, the kind of apostrophe or dash, and line breaks do not matter
// (requirement D-18). An exact code finds only its own entry.
func Search(query string) []Entry {
	q := fold(query)
	var holding, spelled []Entry
	for _, e := range All() {
		switch {
		case fold(e.Code) == q:
			return []Entry{e}
		case q == fold(e.Row), strings.HasPrefix(fold(e.Code), q), e.says(q):
			holding = append(holding, e)
		case spells(q, fold(e.Message)):
			spelled = append(spelled, e)
		}
	}
	if len(holding) > 0 {
		return holding
	}
	return spelled
}

// says reports whether folded text is part of the entry.
func (e Entry) says(q string) bool {
	for _, text := range []string{e.Message, e.Cause, e.Solution, e.Source} {
		if strings.Contains(fold(text), q) {
			return true
		}
	}
	return false
}

// spells reports whether text holds the literal parts of a template in their
// order. A template of few letters says too little to be recognised by.
func spells(text, template string) bool {
	const enough = 20
	letters := 0
	for _, part := range literals(template) {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		letters += len(part)
		text = text[i+len(part):]
	}
	return letters >= enough
}

// literals are what stands between a template's placeholders.
func literals(template string) []string {
	var out []string
	for template != "" {
		before, rest, found := strings.Cut(template, "<")
		out = append(out, before)
		if !found {
			break
		}
		_, template, _ = strings.Cut(rest, ">")
	}
	return out
}

// fold brings text into the form in which it is compared.
func fold(s string) string {
	s = strings.NewReplacer("’", "'", "‘", "'", "“", `"`, "”", `"`, "–", "-", "—", "-", "\u00a0", " ").Replace(s)
	return strings.Join(strings.Fields(strings.ToLower(s)), " ")
}
