// Pages work without this script. It keeps them fresh: the parts that are marked
// data-live are fetched again while somebody looks, and put in their place unless
// a person is just using them. It also chooses all rows of a table at once.
"use strict";

const every = 4000; // milliseconds between two looks
const main = document.querySelector("main[data-live]");

function inUse(part) {
  const active = document.activeElement;
  return (active && part.contains(active) && active.matches("input, select, textarea, summary")) ||
    part.querySelector("input[type=checkbox]:checked:not([data-kept]), details[open]") !== null;
}

async function refresh() {
  const response = await fetch(location.href, {headers: {"X-Lockstep-Live": "1"}, credentials: "same-origin"});
  if (response.redirected && new URL(response.url).pathname === "/sign-in") {
    location.href = response.url; // the session ended
    return;
  }
  if (!response.ok) {
    return;
  }
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const seen = new Set();
  for (const part of fresh.querySelectorAll("[data-live][id]:not(main)")) {
    const old = document.getElementById(part.id);
    seen.add(part.id);
    if (old === null) {
      location.reload(); // something new came, such as a plan that waits
      return;
    }
    if (!inUse(old) && old.outerHTML !== part.outerHTML) {
      const focus = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      old.replaceWith(document.adoptNode(part));
      if (focus !== null) {
        document.getElementById(part.id).querySelector(`[href="${CSS.escape(focus)}"]`)?.focus();
      }
    }
  }
  for (const old of document.querySelectorAll("[data-live][id]:not(main)")) {
    if (!seen.has(old.id) && !inUse(old)) {
      old.remove();
    }
  }
}

async function look() {
  if (document.visibilityState === "visible") {
    try {
      await refresh();
      document.body.classList.remove("stale");
    } catch {
      document.body.classList.add("stale"); // the server does not answer; try again
    }
  }
  setTimeout(look, every);
}

document.addEventListener("change", (event) => {
  const all = event.target;
  if (!(all instanceof HTMLInputElement) || !all.hasAttribute("data-all")) {
    return;
  }
  for (const box of all.closest("table").querySelectorAll("tbody input[type=checkbox]")) {
    box.checked = all.checked;
  }
});

if (main !== null) {
  setTimeout(look, every);
}
