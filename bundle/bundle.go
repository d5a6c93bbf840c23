// Package bundle packs what support needs to know about an issue or a mailbox
// into one archive (requirements L-07 and R-18): codes, evidence, rounds, the
// plan, settings and versions, with the words and pictures of whoever asks for
// help. It holds no content of items, no address of a person and no secret.
//
// That does not depend on finding them: only what is listed here is written,
// codes stand with the texts of the catalogue instead of what was filled into
// them, and ids of items are replaced by marks that mean something within one
// bundle only. A last pass takes out the addresses and secrets that the store
// knows, wherever they might stand.
package bundle

import (
	"archive/zip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"time"

	"lockstep.dev/model"
	"lockstep.dev/store"
)

// Case is what a bundle is about.
type Case struct {
	Mailbox model.Mailbox
	Issue   *store.IssueRow // nil = the whole mailbox
	// Description is what the person who asks for help says, taken as it is.
	Description string
	Attachments []Attachment
	Version     string   // of Lockstep
	Migrations  []string // applied to its database
	At          time.Time
}

// How much of each list a bundle holds.
const (
	mostRounds = 50
	mostWrites = 500
	mostIssues = 200
)

// Write writes the archive, a zip file.
func Write(ctx context.Context, w io.Writer, st store.Store, c Case) error {
	g, err := newGatherer(ctx, st, c)
	if err != nil {
		return err
	}
	files, err := g.files(ctx)
	if err != nil {
		return err
	}
	z := zip.NewWriter(w)
	for _, f := range files {
		if err := add(z, f.name, c.At, f.body); err != nil {
			return err
		}
	}
	for i, a := range c.Attachments {
		if err := add(z, fmt.Sprintf("attachments/%d%s", i+1, a.extension), c.At, a.body); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	return nil
}

func add(z *zip.Writer, name string, at time.Time, body []byte) error {
	f, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: at.UTC()})
	if err == nil {
		_, err = f.Write(body)
	}
	if err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	return nil
}

// file is one file of the archive.
type file struct {
	name string
	body []byte
}

// files are all but the attachments, with what must not be told taken out.
func (g *gatherer) files(ctx context.Context) ([]file, error) {
	parts := []struct {
		name string
		make func(ctx context.Context) (any, error)
	}{
		{"versions.json", g.versions},
		{"mailbox.json", g.mailbox},
		{"settings.json", g.settings},
		{"errors.json", g.errors},
		{"issues.json", g.issues},
		{"item.json", g.item},
		{"rounds.json", g.rounds},
		{"plan.json", g.plan},
	}
	out := []file{{"README.txt", []byte(readme)}}
	if g.Description != "" {
		out = append(out, file{"description.txt", []byte(g.Description + "\n")})
	}
	for _, p := range parts {
		v, err := p.make(ctx)
		if err != nil {
			return nil, fmt.Errorf("gather %s: %w", p.name, err)
		}
		if v == nil {
			continue
		}
		text, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("gather %s: %w", p.name, err)
		}
		out = append(out, file{p.name, g.clean(append(text, '\n'))})
	}
	return out, nil
}

const readme = `What Lockstep knows about a problem, for whoever helps with it.

versions.json     the program, its database and the systems it talks to
mailbox.json      where the mailbox stands
settings.json     the connections and the policy, without secrets
errors.json       what keeps the mailbox from syncing, with what the server said
issues.json       items that cannot be synced, with what the server said
item.json         why the item is as it is (only for one issue)
rounds.json       the latest rounds
plan.json         the latest plan: what is to be written where, and why
description.txt   what the person who asks for help says
attachments/      pictures of theirs

There are no contents of items in it, no addresses of people and no secrets. Items are
named by marks such as item-3fa9c1d2e0, which mean something within this file only.
`

func (g *gatherer) versions(context.Context) (any, error) {
	return map[string]any{
		"lockstep": g.Version, "go": runtime.Version(), "system": runtime.GOOS + "/" + runtime.GOARCH,
		"migrations": g.Migrations, "at": g.At.UTC(), "crm": g.crm.Connector, "mail": g.mail.Connector,
	}, nil
}
