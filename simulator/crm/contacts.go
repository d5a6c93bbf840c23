package crm

import (
	"fmt"
	"strings"

	"lockstep.dev/model"
)

func given() []string {
	return strings.Fields("Ada Bram Cora Dirk Edda Finn Greta Hugo Iris Jonas Kaja Leif Mona Nils Olga Per Quirin Rosa Sven Thea")
}

func family() []string {
	return strings.Fields("Abel Brandt Cronin Dahl Emmerich Falk Grieg Holm Ibsen Jansen Krohn Lund Moran Noor Olsen Petri Quist Rask Storm Thorne")
}

// contacts gives a user twenty people in the CRM and eighteen in the mailbox;
// fourteen of them are the same, three of those with another phone number and
// two with another position, which is an edit conflict.
func (b *builder) contacts(user int) {
	u := &b.org.Users[user]
	for n := range 24 {
		g, f := given()[(n+7*user)%20], family()[(n*3+user+n/20)%20]
		c := person(g, f, companies()[(n+user)%5], n, user)
		if n < 20 {
			b.org.Contacts = append(b.org.Contacts, Record{Owner: u.ID, Content: c})
		}
		if n < 6 {
			continue
		}
		mine := c.Clone()
		switch {
		case n < 9:
			mine.PutSet("phones", []model.Element{phone(fmt.Sprintf("+49 40 555%02d%02d", user, n), "cell")})
		case n < 11:
			mine.PutText("job_title", "Buyer")
		case n > 20:
			// A mailbox's own labels never leave it.
			mine.PutSet("categories", []model.Element{{Key: "regatta", Text: "Regatta"}})
		}
		u.Contacts = append(u.Contacts, Record{UID: fmt.Sprintf("card-%d-%d@harbor.example", user, n), Content: mine})
	}
}

// person is a customer; each has a little more or less than the one before.
func person(given, family, company string, n, user int) model.Content {
	c := set(model.Content{},
		"full_name", given+" "+family, "given_name", given, "family_name", family,
		"organization", company, "job_title", []string{"Purchasing", "Owner", "Engineer", "Accounts"}[n%4])
	domain := strings.ToLower(strings.ReplaceAll(company, " ", "-")) + ".example"
	address := strings.ToLower(given+"."+family) + fmt.Sprintf("%d@%s", user, domain)
	c.PutSet("emails", []model.Element{{Key: address, Text: address, Attr: map[string]string{"type": "work"}}})
	phones := []model.Element{phone(fmt.Sprintf("+49 40 100%02d%02d", user, n), "work")}
	if n%3 == 0 {
		phones = append(phones, phone(fmt.Sprintf("+49 170 200%02d%02d", user, n), "cell"))
	}
	c.PutSet("phones", phones)
	if n%4 == 1 {
		c.PutSet("addresses", []model.Element{quay(n, user)})
	}
	if n%5 == 0 {
		c.PutText("notes", "Prefers to be called in the morning.\nSpeaks English and Danish.")
	}
	if n%6 == 2 {
		c.PutText("birthday", fmt.Sprintf("19%02d-%02d-%02d", 60+n, 1+n%12, 1+n))
	}
	if n%8 == 3 {
		site := "https://www." + domain + "/"
		c.PutSet("urls", []model.Element{{Key: site, Text: site}})
	}
	return c
}

func phone(text, kind string) model.Element {
	key := strings.ReplaceAll(text, " ", "")
	return model.Element{Key: key, Text: text, Attr: map[string]string{"type": kind}}
}

// quay is a postal address in a harbour that does not exist.
func quay(n, user int) model.Element {
	street, city, code := fmt.Sprintf("Quay %d", 10*user+n), "Exampleton", fmt.Sprintf("EX%d", 100+n)
	return model.Element{
		Key:  model.FoldText(street + " " + code + " " + city),
		Attr: map[string]string{"type": "work", "street": street, "city": city, "postal_code": code, "country": "Exampleland"},
	}
}
