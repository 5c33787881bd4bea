// The log, live: every second the newest page is asked for, and rows that are not there yet are put where they belong.
// What somebody reads stays where it is: while the page is scrolled down, or paused, new rows wait behind "3 new".
(() => {
  "use strict";

  const EVERY_MS = 1000;
  const MOST_ROWS = 500;
  let paused = false;
  let asking = false;
  let waiting = null;

  const button = () => document.querySelector("[data-tail]");
  const body = (root) => root?.querySelector(".table--logs tbody");
  const place = () => document.getElementById("log-rows");

  // Who has scrolled down or opened a request reads.
  const reads = () => window.scrollY > 160 || document.querySelector("dialog:modal") !== null;

  const fresh = (root) => [...(body(root)?.rows || [])].filter((row) => !document.getElementById(row.id));

  const label = () => {
    const control = button();
    if (!control) return;
    control.hidden = false;
    control.setAttribute("aria-pressed", String(!paused));
    control.querySelector("[data-tail-label]").textContent = paused ? "Paused" : "Live tail";
    control.title = paused ? "Go on showing new requests" : "Stop showing new requests";
    const show = document.querySelector("[data-tail-show]");
    const count = waiting ? fresh(waiting).length : 0;
    show.hidden = count === 0;
    show.textContent = count === 0 ? "" : `${count}${count < 50 ? "" : " or more"} new`;
  };

  // Newest first, so a row stands before the first one that is older than it. Rows that came late find their place too.
  const insert = (root) => {
    if (!place()) {
      location.reload();
      return;
    }
    const rows = fresh(root);
    const old = body(place());
    if (!old || !body(root)) {
      place()?.replaceWith(root);
      window.htmx?.process(root);
      return;
    }
    const time = (row) => row.querySelector("time").dateTime;
    const notice = root.querySelector(":scope > .notice");
    const shown = place().querySelector(":scope > .notice");
    if (notice && shown) shown.replaceWith(notice);
    else if (notice) place().prepend(notice);
    for (const row of rows.reverse()) {
      const before = [...old.rows].find((known) => time(known) <= time(row));
      old.insertBefore(row, before || null);
      row.classList.add("log-new");
      window.htmx?.process(row);
    }
    while (old.rows.length > MOST_ROWS) old.lastElementChild.remove();
  };

  const receive = (text, tag) => {
    const root = new DOMParser().parseFromString(text, "text/html").getElementById("log-rows");
    const control = button();
    if (!root || !control) return;
    control.dataset.tag = tag;
    if (paused || reads()) waiting = root;
    else {
      waiting = null;
      insert(root);
    }
    label();
  };

  const ask = async () => {
    const control = button();
    if (!control || asking || document.hidden) return;
    asking = true;
    const address = control.dataset.tail;
    try {
      const answer = await fetch(address, { headers: { "HX-Request": "true", "If-None-Match": control.dataset.tag }, cache: "no-store" });
      if (answer.status === 401) location.assign(answer.headers.get("HX-Redirect") || "/sign-in");
      const text = answer.status === 200 ? await answer.text() : "";
      if (text && button()?.dataset.tail === address) receive(text, answer.headers.get("ETag"));
    } catch {
      // Offline, or the server restarts: the next second may be better.
    }
    asking = false;
  };

  const showWaiting = () => {
    if (waiting) insert(waiting);
    waiting = null;
    label();
  };

  document.addEventListener("click", ({ target }) => {
    if (target.closest("[data-tail]")) {
      paused = !paused;
      if (!paused) showWaiting();
      label();
    }
    if (target.closest("[data-tail-show]")) {
      showWaiting();
      window.scrollTo({ top: 0 });
      button()?.focus({ preventScroll: true });
    }
  });

  window.addEventListener("scroll", () => {
    if (waiting && !paused && !reads()) showWaiting();
  }, { passive: true });

  for (const moment of ["DOMContentLoaded", "htmx:afterSettle"]) {
    document.addEventListener(moment, ({ target }) => {
      if (target.id === "logs") waiting = null;
      label();
    });
  }
  setInterval(ask, EVERY_MS);
})();
