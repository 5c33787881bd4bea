// <figure data-chart>: its table becomes a chart that can be pointed at, by mouse, finger or arrow keys. The picture that
// came with the page stays until somebody does so: only then the library is fetched, and nobody else pays for it.
(() => {
  "use strict";

  const here = document.currentScript;
  let library = null;

  const load = () => {
    library ||= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = here.dataset.library;
      script.onload = () => resolve(window.uPlot);
      script.onerror = reject;
      document.head.append(script);
    });
    return library;
  };

  // The numbers are those of the table: one truth for everybody.
  const read = (figure) => {
    const table = figure.querySelector("[data-numbers]");
    const rows = [...table.tBodies[0].rows];
    const marks = new Map([...figure.querySelectorAll("[data-lines]")].map((mark) => [mark.dataset.series, mark]));
    const heads = [...table.tHead.rows[0].cells].slice(1);
    return {
      times: rows.map((row) => row.querySelector("time")),
      series: heads.map((head, at) => ({
        label: head.textContent,
        mark: marks.get(head.dataset.series),
        counts: rows.map((row) => Number(row.cells[at + 1].dataset.n)),
        said: rows.map((row) => row.cells[at + 1].textContent),
      })),
    };
  };

  // Colour and lines of the legend, as canvas paints them.
  const paint = (mark) => {
    const ratio = window.devicePixelRatio || 1;
    const colour = getComputedStyle(mark.querySelector(".series")).fill;
    if (!mark.dataset.lines) return colour;
    const tile = document.createElement("canvas");
    tile.width = tile.height = Math.round(6 * ratio);
    const pen = tile.getContext("2d");
    pen.scale(tile.width / 6, tile.height / 6);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 6, 6);
    pen.strokeStyle = getComputedStyle(mark.querySelector(".series__lines")).stroke;
    pen.lineWidth = 1.25;
    pen.stroke(new Path2D(mark.dataset.lines));
    return pen.createPattern(tile, "repeat");
  };

  const draw = (uPlot, figure) => {
    const { times, series } = read(figure);
    const picture = figure.querySelector("[data-picture]");
    if (!picture || !times.length) return;
    // Each stands on those before it; the highest is painted first.
    const stacked = series.map((one, at) =>
      one.counts.map((_, piece) => series.slice(0, at + 1).reduce((sum, below) => sum + below.counts[piece], 0)));
    const data = [times.map((_, piece) => piece), ...stacked.reverse()];
    const drawn = [...series].reverse();
    const height = picture.offsetHeight;
    const isFocused = document.activeElement === picture;
    const ink = getComputedStyle(figure.querySelector(".legend")).color;
    const line = getComputedStyle(picture.querySelector(".chart__plot")).borderBlockEndColor;

    const canvas = document.createElement("div");
    canvas.className = "chart__canvas";
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", picture.getAttribute("aria-label"));
    const tip = document.createElement("div");
    tip.className = "chart__tip";
    tip.hidden = true;
    const announcer = document.getElementById("announcer");

    const tell = (piece) => [
      times[piece].title,
      ...series.filter((one) => one.counts[piece]).map((one) => `${one.said[piece]} ${one.label}`),
      ...(series.some((one) => one.counts[piece]) ? [] : ["No requests"]),
    ];

    const point = (plot) => {
      const piece = plot.cursor.idx;
      tip.hidden = piece === null || piece === undefined || plot.cursor.left < 0;
      if (tip.hidden) return;
      tip.replaceChildren(...tell(piece).map((words, at) => {
        const row = document.createElement("div");
        row.textContent = words;
        if (!at) row.className = "soft";
        return row;
      }));
      const left = plot.valToPos(piece, "x") + plot.over.offsetLeft;
      const room = picture.clientWidth - tip.offsetWidth;
      tip.style.transform = `translate(${Math.max(0, Math.min(left + 12, room))}px, 0)`;
    };

    ["tabindex", "role", "aria-label"].forEach((name) => picture.removeAttribute(name));
    picture.replaceChildren(canvas, tip);
    const bars = uPlot.paths.bars({ size: [0.76, 60] });
    const plot = new uPlot({
      width: picture.clientWidth,
      height,
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: {
        x: { time: false, range: () => [-0.5, times.length - 0.5] },
        y: { range: (_, __, most) => [0, Math.max(most, 1)] },
      },
      axes: [
        {
          stroke: ink,
          grid: { show: false },
          ticks: { show: false },
          font: "12px system-ui, sans-serif",
          size: 24,
          space: 64,
          incrs: [1, 2, 3, 5, 6, 10, 15, 20, 30],
          values: (_, splits) => splits.map((piece) => times[piece]?.textContent ?? ""),
        },
        {
          stroke: ink,
          grid: { stroke: line, width: 0.5 },
          ticks: { show: false },
          font: "12px system-ui, sans-serif",
          size: 56,
          space: 32,
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7, 1e8, 1e9],
          values: (_, splits) => splits.map((count) => count.toLocaleString("en").replaceAll(",", "\u202f")),
        },
      ],
      series: [{}, ...drawn.map((one) => ({ label: one.label, paths: bars, fill: () => paint(one.mark), width: 0, points: { show: false } }))],
      hooks: { setCursor: [point] },
    }, data, canvas);

    const walk = (piece) => {
      const at = Math.max(0, Math.min(times.length - 1, piece));
      plot.setCursor({ left: plot.valToPos(at, "x"), top: 0 });
      if (announcer) announcer.textContent = tell(at).join(", ");
    };
    canvas.addEventListener("keydown", (event) => {
      const now = plot.cursor.left < 0 ? null : plot.cursor.idx;
      const to = {
        ArrowLeft: (now ?? times.length) - 1,
        ArrowRight: (now ?? -1) + 1,
        Home: 0,
        End: times.length - 1,
      }[event.key];
      if (event.key === "Escape") plot.setCursor({ left: -10, top: -10 });
      if (to === undefined) return;
      event.preventDefault();
      walk(to);
    });
    if (isFocused) canvas.focus();
    canvas.addEventListener("blur", () => plot.setCursor({ left: -10, top: -10 }));

    new ResizeObserver(() => {
      if (picture.clientWidth && picture.clientWidth !== plot.width) plot.setSize({ width: picture.clientWidth, height });
    }).observe(picture);
    const redraw = () => plot.redraw(false);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  };

  const wake = (figure) => load().then((uPlot) => figure.isConnected && draw(uPlot, figure)).catch(() => {});

  const findAll = () => document.querySelectorAll("figure[data-chart]:not([data-found])").forEach((figure) => {
    figure.setAttribute("data-found", "");
    const picture = figure.querySelector("[data-picture]");
    picture.tabIndex = 0;
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", `${figure.querySelector("caption").textContent}. The arrow keys walk through it.`);
    if (library) {
      wake(figure);
      return;
    }
    let isAwake = false;
    for (const sign of ["pointerenter", "touchstart", "focus"]) {
      picture.addEventListener(sign, () => {
        if (!isAwake) wake(figure);
        isAwake = true;
      }, { passive: true });
    }
  });

  document.addEventListener("DOMContentLoaded", findAll);
  document.addEventListener("htmx:afterSettle", findAll);
})();
