package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"lockstep.dev/alert"
	"lockstep.dev/bundle"
	"lockstep.dev/model"
	"lockstep.dev/setup"
	"lockstep.dev/store"
)

const bundleHelp = `Packs what support needs into one file: codes, what the servers said, the latest rounds
and plan, settings and versions, and with --description and --attach your own words and
pictures. It holds no content of items, no addresses of people and no secrets; look into
it before you pass it on. Pictures are attached as they are. With --send it is mailed to
the support address that is configured for alerts.`

// helpWanted is what a bundle is to hold besides what is known.
type helpWanted struct {
	file, description string
	pictures          []string
	send              bool
}

func (w *helpWanted) flags(c *cobra.Command) *cobra.Command {
	f := c.Flags()
	f.StringVarP(&w.file, "output", "o", "", "`file` to write; default: lockstep-ID.zip in the working directory")
	f.StringVar(&w.description, "description", "", "what happened, in your own `words`")
	f.BoolVar(&w.send, "send", false, "mail it to the support address that is configured for alerts, too")
	f.StringArrayVar(&w.pictures, "attach", nil, "a `picture` to put in, such as a screenshot; may be repeated")
	return c
}

func (a *app) issueBundle() *cobra.Command {
	var w helpWanted
	return w.flags(&cobra.Command{
		Use: "bundle ID", Short: "Pack what support needs to know about an issue", Long: bundleHelp, Args: takes(1, 1),
		Example:           "  lockstep issue bundle iss_01jq3 --description \"Every second card is refused\" --attach screen.png",
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			h, err := a.home(c.Context())
			if err != nil {
				return err
			}
			i, err := oneIssue(c.Context(), h.Store, args[0])
			if err != nil {
				return err
			}
			m, err := h.Store.Mailbox(c.Context(), i.Mailbox)
			if err != nil {
				return err
			}
			return a.pack(c.Context(), w, m, &i)
		},
	})
}

func (a *app) mailboxBundle() *cobra.Command {
	var w helpWanted
	return w.flags(&cobra.Command{
		Use: "bundle MAILBOX", Short: "Pack what support needs to know about a mailbox", Long: bundleHelp, Args: takes(1, 1),
		Example:           "  lockstep mailbox bundle anna@example.com --output anna.zip",
		ValidArgsFunction: a.completeMailbox,
		RunE: func(c *cobra.Command, args []string) error {
			_, m, err := a.named(c.Context(), args[0])
			if err != nil {
				return err
			}
			return a.pack(c.Context(), w, m, nil)
		},
	})
}

// pack writes a bundle. A file that is there already is not overwritten.
func (a *app) pack(ctx context.Context, w helpWanted, m model.Mailbox, i *store.IssueRow) error {
	c := bundle.Case{Mailbox: m, Issue: i, Description: w.description, Version: a.Version, At: a.Now()}
	h, err := a.home(ctx)
	if err != nil {
		return err
	}
	if c.Attachments, err = bundle.Attach(w.pictures...); err != nil {
		return err
	}
	applied, err := h.Schema.Schema(ctx)
	if err != nil {
		return err
	}
	for _, s := range applied {
		if !s.Applied.IsZero() {
			c.Migrations = append(c.Migrations, s.Name)
		}
	}
	if w.file == "" {
		w.file = "lockstep-" + string(m.ID) + ".zip"
		if i != nil {
			w.file = "lockstep-" + i.ID + ".zip"
		}
	}
	path, err := setup.Typed(w.file)
	if err != nil {
		return err
	}
	if err := create(path, func(out io.Writer) error { return bundle.Write(ctx, out, h.Store, c) }); err != nil {
		return err
	}
	to := ""
	if w.send {
		if to, err = a.mailed(ctx, c, path); err != nil {
			return partial("the bundle was written to %s, but not sent: %s", path, err)
		}
		a.talk("Written to %s and mailed to %s.", path, to)
	} else {
		a.talk("Written to %s. Look into it, then send it to whoever helps you.", path)
	}
	if !a.json {
		return nil
	}
	return a.print(map[string]string{"file": path, "sent_to": to}, nil)
}

// mailed sends a bundle to the support address and returns that.
func (a *app) mailed(ctx context.Context, c bundle.Case, path string) (string, error) {
	d, err := a.delivery(ctx)
	if err != nil {
		return "", err
	}
	body, err := os.ReadFile(path) //nolint:gosec // we wrote it a moment ago
	if err != nil {
		return "", fmt.Errorf("read bundle: %w", err)
	}
	about := "mailbox " + string(c.Mailbox.ID)
	if c.Issue != nil {
		about = "issue " + c.Issue.ID + " (" + c.Issue.Code + ")"
	}
	id := fmt.Sprintf("bundle-%s-%d", c.Mailbox.ID, c.At.UnixMicro())
	text := c.Description
	if text == "" {
		text = "What Lockstep knows of it is in the file."
	}
	return d.Support, alert.Support(ctx, d, id, "Lockstep: help wanted with "+about, text+"\n", alert.Enclosure{Name: filepath.Base(path), Body: body}, nil)
}

// create writes a new file, or leaves none.
func create(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the person who runs the program names it
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("write %s: there is such a file already; name another with --output", path)
	}
	if err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	if err = errors.Join(write(f), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
