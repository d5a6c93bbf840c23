package dashboard

// Offered tells which commands the API offers, and whether they only read; and
// which ones stand apart, and why.
func Offered() (offered map[string]bool, apart map[string]string) {
	offered, apart = map[string]bool{}, map[string]string{}
	for _, a := range actions() {
		if a.apart != "" {
			apart[a.name] = a.apart
		} else {
			offered[a.name] = a.reads
		}
	}
	return offered, apart
}

// Route is one address.
type Route struct {
	Method, Path string
	Role         Role
	User         bool
}

// Routes is the table of addresses.
func (d *Dashboard) Routes() []Route {
	var out []Route
	for _, r := range d.routes() {
		out = append(out, Route{r.method, r.path, r.role, r.user})
	}
	return out
}
