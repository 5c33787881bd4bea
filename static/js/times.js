// <time datetime data-relative>: "3 minutes ago", kept fresh. The exact time on hover is the page's own, in the zone
// that the person chose.
(() => {
  "use strict";

  const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

  const ago = (then) => {
    const seconds = Math.round((then - Date.now()) / 1000);
    const unit = UNITS.find(([, size]) => Math.abs(seconds) >= size);
    return unit ? relative.format(Math.trunc(seconds / unit[1]), unit[0]) : "just now";
  };

  const draw = (time) => {
    const then = new Date(time.dateTime);
    if (Number.isNaN(then.getTime())) return;
    const text = ago(then);
    if (time.textContent !== text) time.textContent = text;
  };

  const drawAll = () => document.querySelectorAll("time[data-relative]").forEach(draw);

  document.addEventListener("DOMContentLoaded", drawAll);
  document.addEventListener("htmx:afterSettle", drawAll);
  setInterval(drawAll, 30000);
})();
