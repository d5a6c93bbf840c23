package bench

import (
	"fmt"
	"strings"
)

// person is one of many invented people.
type person struct {
	n            int
	first, last  string
	company      string
	title, city  string
	email, phone string
}

func someone(n int) person {
	firsts := []string{"Ada", "Bruno", "Chiara", "Dmitri", "Elif", "Fatou", "Grace", "Hiro", "Ines", "Jonas"}
	lasts := []string{"Sample", "Muster", "Beispiel", "Ejemplo", "Exemplo", "Esempio", "Example"}
	companies := []string{"Harbor Pilots Ltd.", "Northwind Traders", "Blue Yonder Airlines", "Contoso Pharmaceuticals"}
	titles := []string{"Sales Manager", "Head of Purchasing", "Engineer", "Managing Director", "Assistant"}
	cities := []string{"Hamburg", "Porto", "Gdansk", "Bristol", "Trieste"}
	p := person{
		n: n, first: firsts[n%len(firsts)], last: fmt.Sprintf("%s%05d", lasts[n%len(lasts)], n),
		company: companies[n%len(companies)], title: titles[n%len(titles)], city: cities[n%len(cities)],
		phone: fmt.Sprintf("+49 40 %07d", n),
	}
	p.email = fmt.Sprintf("%s.%s@example.com", strings.ToLower(p.first), strings.ToLower(p.last))
	return p
}

// card is a vCard (RFC 2426) as an address book of ours would hold it.
func (p person) card(note string) string {
	return strings.ReplaceAll(fmt.Sprintf(`BEGIN:VCARD
VERSION:3.0
PRODID:-//Example//Address Book 4//EN
UID:5f1c7f0a-0000-4000-8000-%012d
N:%s;%s;;;
FN:%s %s
ORG:%s;Department %d
TITLE:%s
EMAIL;TYPE=INTERNET,WORK:%s
TEL;TYPE=WORK,VOICE:%s
TEL;TYPE=CELL:+49 170 %07d
ADR;TYPE=WORK:;;Kai %d;%s;;%05d;
NOTE:Met at the fair in %s. %s
CATEGORIES:Customers,Newsletter
REV:2026-01-01T00:00:00Z
END:VCARD
`, p.n, p.last, p.first, p.first, p.last, p.company, p.n%7, p.title, p.email, p.phone, p.n, p.n%90, p.city, p.n%99999, p.city, note), "\n", "\r\n")
}

func cardName(n int) string { return fmt.Sprintf("card-%06d.vcf", n) }

// fillContacts is the same people as records of the reference CRM, from the
// named on, all of one user's.
const fillContacts = `INSERT INTO contact (id, owner_id, full_name, given_name, family_name, organization, department, job_title,
	email, email_type, phone, phone_type, street, city, postal_code, notes)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'work', ?, 'work', ?, ?, ?, ?)`

func (p person) contact(owner string) []any {
	return []any{
		fmt.Sprintf("c-%s-%06d", owner, p.n), owner, p.first + " " + p.last, p.first, p.last, p.company, fmt.Sprintf("Department %d", p.n%7), p.title,
		p.email, p.phone, fmt.Sprintf("Kai %d", p.n%90), p.city, fmt.Sprintf("%05d", p.n%99999), "Met at the fair in " + p.city + ".",
	}
}
