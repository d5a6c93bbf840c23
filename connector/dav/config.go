package dav

import (
	"net"
	"net/url"
	"slices"
	"strings"

	"lockstep.dev/connector"
	"lockstep.dev/fault"
	"lockstep.dev/issue"
	"lockstep.dev/model"
)

// config is a connection's settings, checked.
type config struct {
	addresses     []string // with {address} and {user} still in them
	bearer        bool
	user          string // template
	secret        string
	kinds         []model.Kind
	kindsChosen   bool // the administrator named them
	collections   []string
	allowInsecure bool
}

func parseConfig(s connector.Settings) (config, error) {
	cfg := config{
		addresses: strings.Fields(s.Values["url"]), user: s.Values["user"], secret: s.Secret,
		collections: splitNames(s.Values["collections"]),
	}
	if cfg.user == "" {
		cfg.user = "{address}"
	}
	if err := cfg.choose(s.Values); err != nil {
		return config{}, err
	}
	if len(cfg.addresses) == 0 {
		return config{}, badSetting("url", "is missing: give the address of the CalDAV/CardDAV server, such as https://dav.example.com/")
	}
	for _, a := range cfg.addresses {
		if err := cfg.checkAddress(a); err != nil {
			return config{}, err
		}
	}
	for name := range s.Values {
		if !slices.Contains([]string{"url", "auth", "user", "kinds", "collections", "allow_insecure", "link"}, name) {
			return config{}, badSetting(name, "is not a setting of this connector: it knows url, auth, user, kinds, collections, allow_insecure and link")
		}
	}
	return cfg, nil
}

func (cfg *config) choose(values map[string]string) error {
	switch values["auth"] {
	case "", "basic":
	case "bearer":
		cfg.bearer = true
	default:
		return badSetting("auth", "must be basic or bearer")
	}
	switch values["allow_insecure"] {
	case "", "false":
	case "true":
		cfg.allowInsecure = true
	default:
		return badSetting("allow_insecure", "must be true or false")
	}
	cfg.kinds = model.Kinds()
	if names := splitNames(values["kinds"]); len(names) > 0 {
		cfg.kinds, cfg.kindsChosen = nil, true
		for _, n := range names {
			k := model.Kind(n)
			if !slices.Contains(model.Kinds(), k) {
				return badSetting("kinds", "may name contact, event and task, separated by commas")
			}
			if !slices.Contains(cfg.kinds, k) {
				cfg.kinds = append(cfg.kinds, k)
			}
		}
	}
	return nil
}

// checkAddress refuses what cannot be an address and, before any credentials
// are saved, a channel without TLS (requirement D-20).
func (cfg *config) checkAddress(address string) error {
	u, err := url.Parse(expand(address, "address", "user"))
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return badSetting("url", "must be a complete address such as https://dav.example.com/")
	}
	if u.User != nil {
		return badSetting("url", "must not contain a user name or password: give them separately")
	}
	if !cfg.allowInsecure && !secure(u) {
		return issue.Fault("dav.insecure")
	}
	return nil
}

// secure reports whether credentials are safe on the way to u: TLS, or a
// connection that does not leave this machine (design decision 17).
func secure(u *url.URL) bool {
	if u.Scheme == "https" {
		return true
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || (ip != nil && ip.IsLoopback())
}

func badSetting(key, what string) *fault.Fault {
	return issue.Fault("dav.setting", "key", key, "problem", what)
}

// who is a mailbox's way in.
type who struct {
	starts []*url.URL
	auth   authorization
}

// identity works out where and as whom a mailbox signs in.
func (cfg *config) identity(a model.Account) (who, error) {
	local, _, _ := strings.Cut(a.Address, "@")
	user := a.User
	if user == "" {
		user = expand(cfg.user, a.Address, local)
	}
	secret := a.Secret
	if secret == "" {
		secret = cfg.secret
	}
	shared := a.Secret == "" && (cfg.bearer || a.User == "" && !strings.Contains(cfg.user, "{"))
	out := who{auth: authorization{user: user, secret: secret, bearer: cfg.bearer, shared: shared}}
	for _, address := range cfg.addresses {
		u, err := url.Parse(expand(address, url.PathEscape(a.Address), url.PathEscape(user)))
		if err != nil {
			return who{}, badSetting("url", "is not an address once {address} and {user} are filled in")
		}
		if u.Path == "" {
			u.Path = "/"
		}
		out.starts = append(out.starts, u)
	}
	if secret == "" {
		return who{}, issue.Fault("dav.no-secret")
	}
	return out, nil
}

func expand(template, address, user string) string {
	return strings.NewReplacer("{address}", address, "{user}", user).Replace(template)
}

func splitNames(s string) []string {
	var out []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}
