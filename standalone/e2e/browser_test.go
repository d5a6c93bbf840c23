package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"lockstep.dev/internal/peer"
)

// browser is a person at a screen.
type browser struct {
	t    *testing.T
	ctx  context.Context
	base string
}

// browse opens a browser of its own.
func browse(t *testing.T, base string) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(peer.Chromium(t)), chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.WindowSize(1280, 900), chromedp.Flag("disable-background-networking", true))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	// The browser lives as long as the context of the first action.
	if _, err := chromedp.Run(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return &browser{t, ctx, strings.TrimSuffix(base, "/")}
}

// patience is how long a page may take to show something.
const patience = 30 * time.Second

func (b *browser) run(a chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if _, err := chromedp.Run(ctx, a); err != nil {
		b.fails(err)
	}
}

func (b *browser) fails(err error) {
	b.t.Helper()
	text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.body.innerText"))
	b.t.Fatalf("%v\n%s", err, text)
}

// until waits for an expression to be true.
func (b *browser) until(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	for {
		_, err := chromedp.Run(ctx, chromedp.Poll[bool](expression))
		switch {
		case err == nil:
			return
		case ctx.Err() != nil:
			b.fails(fmt.Errorf("%s: %w", expression, err))
		case !strings.Contains(err.Error(), "-32000"): // the page gave way to another one: look there
			b.fails(err)
		}
	}
}

// asks evaluates an expression.
func asks[T any](b *browser, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.fails(err)
	}
	return v
}

func (b *browser) open(path string) {
	b.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = b.base + path
	}
	b.run(chromedp.Navigate(path))
	b.run(chromedp.WaitVisible("main"))
}

// sees waits until the page says something.
func (b *browser) sees(text string) {
	b.t.Helper()
	b.until("document.querySelector('main').innerText.toLowerCase().includes(" + quoted(strings.ToLower(text)) + ")")
}

// clicks presses the button, or follows the link, that says a text.
func (b *browser) clicks(text string) {
	b.t.Helper()
	asks[bool](b, "window.before = true")
	b.until(`(() => {
		for (const e of document.querySelectorAll("main a, main button, main summary, header a, header button")) {
			if (e.innerText.trim() === ` + quoted(text) + ` && e.checkVisibility()) { e.click(); return true; }
		}
		return false;
	})()`)
}

// arrives waits for the page to which a click leads.
func (b *browser) arrives() {
	b.t.Helper()
	b.until("window.before === undefined && document.readyState === 'complete' && document.querySelector('main') !== null")
}

func (b *browser) goes(text string) {
	b.t.Helper()
	b.clicks(text)
	b.arrives()
}

// photographs keeps a picture where LOCKSTEP_PICTURES says, for people to look
// at.
func (b *browser) photographs(name string, width, height int64) {
	b.t.Helper()
	folder := os.Getenv("LOCKSTEP_PICTURES")
	if folder == "" {
		return
	}
	b.run(chromedp.EmulateViewport(width, height))
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o600)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	b.run(chromedp.EmulateViewport(1280, 900))
}

func quoted(text string) string {
	return "\"" + strings.NewReplacer("\\", "\\\\", "\"", "\\\"", "\n", "\\n").Replace(text) + "\""
}
