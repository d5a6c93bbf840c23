package model

// Delivery says how alerts reach people and programs. Without a mail server and
// a webhook nobody is told of them; they are still listed.
type Delivery struct {
	// Admin is the e-mail address of whoever hears of what nobody else can be
	// told.
	Admin string `json:"admin" yaml:"admin"`
	// Support is the e-mail address to which bundles are mailed on request
	// (requirement R-18); "" = nowhere.
	Support string `json:"support" yaml:"support"`
	// Fold is the least time between two notices to one recipient: what comes in
	// between is told together. 0 = 10 minutes.
	Fold Duration `json:"fold" yaml:"fold"`
	// Link is a web address that notices show, with {address} for the mailbox and
	// {connection} for the connection's name; "" = none.
	Link    string     `json:"link" yaml:"link"`
	Mail    MailServer `json:"smtp" yaml:"smtp"`
	Webhook Webhook    `json:"webhook" yaml:"webhook"`
}

// MailServer is the SMTP server through which alerts go; without a URL none do.
type MailServer struct {
	// URL is smtp://host:port, where the connection becomes TLS by STARTTLS (RFC
	// 3207; default port 587), or smtps://host:port, TLS from the first byte (RFC
	// 8314 section 3.3; default port 465).
	URL    string `json:"url" yaml:"url"`
	From   string `json:"from" yaml:"from"` // sender: address, or Name <address>
	User   string `json:"user" yaml:"user"` // "" = the server wants no sign-in
	Secret string `json:"secret" yaml:"secret"`
	// PerMinute is how many mails go out in a minute at most (requirement D-44);
	// 0 = 30, what Exchange Online allows a client (Microsoft Learn, "Exchange
	// Online limits", sending limits).
	PerMinute int `json:"per_minute" yaml:"per_minute"`
	// AllowInsecure lets mails, and the password, travel without TLS where the
	// server offers none (requirement D-20). Loopback needs no permission.
	AllowInsecure bool `json:"allow_insecure" yaml:"allow_insecure"`
}

// Webhook is where alerts are posted to as JSON; without a URL they are not.
type Webhook struct {
	URL string `json:"url" yaml:"url"`
	// Secret signs what is posted; whsec_ and base64 as Standard Webhooks has it,
	// else the bytes of the text.
	Secret        string `json:"secret" yaml:"secret"`
	AllowInsecure bool   `json:"allow_insecure" yaml:"allow_insecure"`
}

// Told reports whether alerts are delivered at all.
func (d Delivery) Told() bool { return d.Mail.URL != "" || d.Webhook.URL != "" }
