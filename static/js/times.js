// <time datetime data-relative>: "3 minutes ago", kept fresh; the exact time, in the viewer's zone, on hover.
// <time datetime data-local>: the exact time itself, in the viewer's zone.
(() => {
  "use strict";

  const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "long" });
  const short = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

  const ago = (then) => {
    const seconds = Math.round((then - Date.now()) / 1000);
    const unit = UNITS.find(([, size]) => Math.abs(seconds) >= size);
    return unit ? relative.format(Math.trunc(seconds / unit[1]), unit[0]) : "just now";
  };

  const draw = (time) => {
    const then = new Date(time.dateTime);
    if (Number.isNaN(then.getTime())) return;
    time.title = exact.format(then);
    const text = time.hasAttribute("data-relative") ? ago(then) : short.format(then);
    if (time.textContent !== text) time.textContent = text;
  };

  const drawAll = () => document.querySelectorAll("time[data-relative], time[data-local]").forEach(draw);

  document.addEventListener("DOMContentLoaded", drawAll);
  document.addEventListener("htmx:afterSettle", drawAll);
  setInterval(drawAll, 30000);
})();
