package e2e

import (
	"context"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// likes sets what the person prefers.
func (b *browser) likes(dark bool) {
	b.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	b.run(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return chromedp.Void{}, err
	})
}

func (b *browser) wide(width int64) {
	b.t.Helper()
	b.run(chromedp.EmulateViewport(width, 900))
}

// accessibility lists what is wrong with a page, after WCAG 2.2: names (4.1.2),
// labels (3.3.2), headings (1.3.1), contrast (1.4.3), reflow (1.4.10), language
// (3.1.1).
const accessibility = `(() => {
	const wrong = [];
	const shown = e => e.checkVisibility({visibilityProperty: true}) && e.getClientRects().length > 0;
	const say = (e, text) => wrong.push(text + ": " + e.outerHTML.slice(0, 120));
	if (!document.documentElement.lang) wrong.push("the language is not said");
	if (!document.title) wrong.push("there is no title");
	const headings = [...document.querySelectorAll("h1,h2,h3,h4,h5,h6")].filter(shown);
	if (headings.filter(h => h.tagName === "H1").length !== 1) wrong.push("there is not one h1");
	let level = 0;
	for (const h of headings) {
		const n = Number(h.tagName[1]);
		if (n > level + 1) say(h, "a level of heading is left out");
		level = n;
	}
	const ids = new Set();
	for (const e of document.querySelectorAll("[id]")) {
		if (ids.has(e.id)) say(e, "an id is there twice");
		ids.add(e.id);
	}
	const name = e => (e.getAttribute("aria-label") || e.innerText || e.textContent || e.title || "").trim();
	for (const e of document.querySelectorAll("a[href], button, summary")) {
		if (shown(e) && !name(e)) say(e, "has no name");
	}
	for (const e of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
		if (!e.getAttribute("aria-label") && !(e.labels && [...e.labels].some(l => l.textContent.trim()))) say(e, "has no label");
	}
	for (const e of document.querySelectorAll("img:not([alt]), table th:not([scope])")) say(e, "has no alt or scope");
	for (const e of document.querySelectorAll("[tabindex]")) if (e.tabIndex > 0) say(e, "changes the order of the keyboard");
	if (document.documentElement.scrollWidth > innerWidth + 1) wrong.push("the page is wider than the window by " + (document.documentElement.scrollWidth - innerWidth));

	const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
	const colour = text => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1); const d = canvas.getImageData(0, 0, 1, 1).data; return [d[0], d[1], d[2], d[3] / 255]; };
	const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
	const ground = e => {
		const layers = [];
		for (let n = e; n; n = n.parentElement) layers.push(colour(getComputedStyle(n).backgroundColor));
		return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
	};
	const light = c => { const f = c.slice(0, 3).map(v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * f[0] + 0.7152 * f[1] + 0.0722 * f[2]; };
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	const told = new Set();
	while (texts.nextNode()) {
		const e = texts.currentNode.parentElement;
		if (!texts.currentNode.data.trim() || !shown(e) || e.closest("svg, option, script, .unseen, .skip")) continue;
		const style = getComputedStyle(e);
		const behind = ground(e);
		const a = light(over(colour(style.color), behind)), z = light(behind);
		const ratio = (Math.max(a, z) + 0.05) / (Math.min(a, z) + 0.05);
		const size = parseFloat(style.fontSize), large = size >= 24 || size >= 18.66 && Number(style.fontWeight) >= 700;
		const key = e.className + e.tagName + ratio.toFixed(2);
		if (ratio < (large ? 3 : 4.5) && !told.has(key)) { told.add(key); say(e, "contrast is only " + ratio.toFixed(2)); }
	}
	return wrong;
})()`
