package dav

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

// resource is one resource with what its properties need.
type resource struct {
	target     target
	user       *userRow
	collection *collectionRow // of collections and objects
	object     *objectRow     // of objects
	dead       map[xml.Name]string
	behaviour  Behaviour
}

// property computes a live property as XML; false: the resource has none.
type property struct {
	value func(*resource) (string, bool)
	// quiet properties are given only to clients that name them, not by
	// allprop (RFC 4918 9.1, RFC 4791 5.2).
	quiet bool
}

// liveProperties are the properties the server computes.
func liveProperties() map[xml.Name]property {
	all := map[xml.Name]property{
		dav("resourcetype"):                 {value: resourceType},
		dav("displayname"):                  {value: displayName},
		dav("getetag"):                      {value: ofObject(func(o *objectRow) string { return escape(o.ETag) })},
		dav("getcontenttype"):               {value: ofObject((*objectRow).mediaType)},
		dav("getcontentlength"):             {value: contentLength, quiet: true},
		dav("getlastmodified"):              {value: ofObject(lastModified)},
		dav("sync-token"):                   {value: syncTokenProperty, quiet: true},
		dav("current-user-principal"):       {value: currentPrincipal, quiet: true},
		dav("owner"):                        {value: currentPrincipal, quiet: true},
		dav("principal-URL"):                {value: ofPrincipal(principalURL), quiet: true},
		dav("principal-collection-set"):     {value: func(*resource) (string, bool) { return href(target{principals: true}.href()), true }, quiet: true},
		dav("current-user-privilege-set"):   {value: privileges, quiet: true},
		dav("supported-report-set"):         {value: supportedReports, quiet: true},
		{Space: nsServer, Local: "getctag"}: {value: ofCollection("", func(r *resource) string { return escape(r.ctag()) }), quiet: true},
	}
	for name, p := range calendarProperties() {
		all[name] = p
	}
	for name, p := range cardProperties() {
		all[name] = p
	}
	return all
}

func calendarProperties() map[xml.Name]property {
	return map[xml.Name]property{
		caldav("calendar-home-set"): {quiet: true, value: ofPrincipal(func(r *resource) string {
			return href(homeOf(Calendar, r.user.Name).href())
		})},
		caldav("calendar-user-address-set"): {quiet: true, value: ofPrincipal(userAddresses)},
		caldav("calendar-user-type"):        {quiet: true, value: ofPrincipal(func(*resource) string { return "INDIVIDUAL" })},
		caldav("supported-calendar-component-set"): {quiet: true, value: ofCollection(Calendar, func(r *resource) string {
			var set strings.Builder
			for _, name := range r.collection.components() {
				set.WriteString(`<C:comp name="` + escape(name) + `"/>`)
			}
			return set.String()
		})},
		caldav("supported-calendar-data"): {quiet: true, value: ofCollection(Calendar, func(*resource) string {
			return `<C:calendar-data content-type="text/calendar" version="2.0"/>`
		})},
		caldav("max-resource-size"): {quiet: true, value: ofCollection(Calendar, maxSize)},
		caldav("calendar-data"):     {quiet: true, value: content(Calendar)},
	}
}

func cardProperties() map[xml.Name]property {
	return map[xml.Name]property{
		carddav("addressbook-home-set"): {quiet: true, value: ofPrincipal(func(r *resource) string {
			return href(homeOf(AddressBook, r.user.Name).href())
		})},
		carddav("supported-address-data"): {quiet: true, value: ofCollection(AddressBook, func(*resource) string {
			return `<A:address-data-type content-type="text/vcard" version="3.0"/>` +
				`<A:address-data-type content-type="text/vcard" version="4.0"/>`
		})},
		carddav("max-resource-size"): {quiet: true, value: ofCollection(AddressBook, maxSize)},
		carddav("address-data"):      {quiet: true, value: content(AddressBook)},
	}
}

func ofObject(value func(*objectRow) string) func(*resource) (string, bool) {
	return func(r *resource) (string, bool) {
		if r.object == nil {
			return "", false
		}
		return value(r.object), true
	}
}

// ofCollection makes a property of collections of one kind, or of any if the
// kind is empty.
func ofCollection(kind Kind, value func(*resource) string) func(*resource) (string, bool) {
	return func(r *resource) (string, bool) {
		if r.target.place() != atCollection || (kind != "" && r.collection.Kind != kind) {
			return "", false
		}
		return value(r), true
	}
}

func ofPrincipal(value func(*resource) string) func(*resource) (string, bool) {
	return func(r *resource) (string, bool) {
		if r.target.place() != atPrincipal {
			return "", false
		}
		return value(r), true
	}
}

func content(kind Kind) func(*resource) (string, bool) {
	return func(r *resource) (string, bool) {
		if r.object == nil || r.collection.Kind != kind {
			return "", false
		}
		return escape(string(r.object.Content)), true
	}
}

func resourceType(r *resource) (string, bool) {
	switch r.target.place() {
	case atObject:
		return "", true
	case atPrincipal:
		return "<D:collection/><D:principal/>", true
	case atCollection:
		if r.collection.Kind == AddressBook {
			return "<D:collection/><A:addressbook/>", true
		}
		return "<D:collection/><C:calendar/>", true
	default:
		return "<D:collection/>", true
	}
}

func displayName(r *resource) (string, bool) {
	switch r.target.place() {
	case atPrincipal:
		return escape(r.user.DisplayName), true
	case atCollection:
		return escape(r.collection.DisplayName), true
	default:
		return "", false
	}
}

func contentLength(r *resource) (string, bool) {
	if r.object == nil || r.object.Content == nil {
		return "", false
	}
	return strconv.Itoa(len(r.object.Content)), true
}

func lastModified(o *objectRow) string {
	return time.UnixMicro(o.Modified).UTC().Format(http.TimeFormat)
}

func currentPrincipal(r *resource) (string, bool) { return principalURL(r), true }

func principalURL(r *resource) string { return href(principalOf(r.user.Name).href()) }

func userAddresses(r *resource) string {
	var set strings.Builder
	for _, a := range r.user.addresses() {
		set.WriteString(href("mailto:" + a))
	}
	return set.String() + principalURL(r)
}

func maxSize(r *resource) string { return strconv.Itoa(r.behaviour.maxObjectSize()) }

// privileges of the current user (RFC 3744 5.4).
func privileges(r *resource) (string, bool) {
	granted := []string{"read", "read-current-user-privilege-set"}
	if r.collection == nil || !r.collection.ReadOnly {
		granted = append(granted, "write", "write-content", "write-properties", "bind", "unbind")
	}
	var set strings.Builder
	for _, name := range granted {
		set.WriteString("<D:privilege><D:" + name + "/></D:privilege>")
	}
	return set.String(), true
}

// supportedReports (RFC 3253 3.1.5).
func supportedReports(r *resource) (string, bool) {
	if r.target.place() != atCollection {
		return "", false
	}
	reports := []xml.Name{caldav("calendar-multiget"), caldav("calendar-query")}
	if r.collection.Kind == AddressBook {
		reports = []xml.Name{carddav("addressbook-multiget"), carddav("addressbook-query")}
	}
	if !r.behaviour.NoSyncCollection {
		reports = append(reports, dav("sync-collection"))
	}
	var set strings.Builder
	for _, name := range reports {
		set.WriteString("<D:supported-report><D:report>" + element(name, "") + "</D:report></D:supported-report>")
	}
	return set.String(), true
}

// ctag changes whenever something in the collection does (calendarserver-ctag).
func (res *resource) ctag() string {
	return fmt.Sprintf(`"%d-%d-%d"`, res.collection.ID, res.collection.Generation, res.collection.Revision)
}

func syncTokenProperty(r *resource) (string, bool) {
	if r.target.place() != atCollection || r.behaviour.NoSyncCollection {
		return "", false
	}
	return escape(syncToken(r.collection, r.collection.Revision, r.behaviour)), true
}

// deadProperties are what clients stored with PROPPATCH, for example a colour.
func (st *store) deadProperties(ctx context.Context, collection int64) (map[xml.Name]string, error) {
	type row struct {
		Space string `db:"space"`
		Name  string `db:"name"`
		Value string `db:"value"`
	}
	rows, err := many[row](ctx, st.reader, `SELECT space, name, value FROM property WHERE collection = ?`, collection)
	if err != nil {
		return nil, err
	}
	dead := make(map[xml.Name]string, len(rows))
	for _, r := range rows {
		dead[xml.Name{Space: r.Space, Local: r.Name}] = r.Value
	}
	return dead, nil
}

func setDeadProperty(ctx context.Context, tx *sqlx.Tx, collection int64, name xml.Name, value string) error {
	_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO property (collection, space, name, value) VALUES (?, ?, ?, ?)`,
		collection, name.Space, name.Local, value)
	if err != nil {
		return fmt.Errorf("save property: %w", err)
	}
	return nil
}

func removeDeadProperty(ctx context.Context, tx *sqlx.Tx, collection int64, name xml.Name) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM property WHERE collection = ? AND space = ? AND name = ?`,
		collection, name.Space, name.Local)
	if err != nil {
		return fmt.Errorf("remove property: %w", err)
	}
	return nil
}
