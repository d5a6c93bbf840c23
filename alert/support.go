package alert

import (
	"context"
	"crypto/tls"

	"lockstep.dev/issue"
	"lockstep.dev/model"
)

// Enclosure is a file that goes along with a mail.
type Enclosure struct {
	Name string
	Body []byte
}

// Support mails a file to the configured support address (requirements L-07 and
// No error means that the mail server has taken it. The id names the mail
// and must be new.
func Support(ctx context.Context, d model.Delivery, id, subject, body string, file Enclosure, t *tls.Config) error {
	switch {
	case d.Mail.URL == "":
		return issue.Fault("alert.setting", "key", "smtp.url", "problem", "is missing, so nothing can be mailed")
	case !isAddress(d.Support):
		return issue.Fault("alert.setting", "key", "support", "problem", "is missing or no e-mail address: it says who helps you")
	}
	if err := Check(d); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sendFor)
	defer cancel()
	return mailer{server: d.Mail, tls: t}.send(ctx, letter{to: d.Support, id: id, text: text{subject: subject, body: body}, file: file})
}
