// Draw the precomputed figures in the page's colours, and again when these change (`dark` comes from theme.js).

const choices = new Map(); // figure's place -> the list to choose its curves from

function offer(place, figure) {
  const label = document.createElement("label");
  const list = document.createElement("select");
  label.className = "form-label d-flex align-items-center gap-2";
  list.className = "form-select w-auto";
  list.append(...figure.choices.map(([value, text]) => new Option(text, value)));
  list.addEventListener("change", () => draw(place, figure));
  label.append("Classifier", list);
  place.before(label);
  choices.set(place, list);
}

function look() {
  const style = getComputedStyle(document.body);
  const grid = style.getPropertyValue("--bs-border-color");
  const axis = { gridcolor: grid, zerolinecolor: grid, automargin: true, fixedrange: true };
  return { font: { color: style.color, family: style.fontFamily, size: 13 }, axis };
}

function draw(place, figure) {
  const { font, axis } = look();
  const above = { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 };
  const layout = {
    ...figure.layout,
    font,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 48, r: 8, t: 8, b: 48 },
    legend: above,
    hoverlabel: { font: { family: font.family } },
    xaxis: { ...axis, ...figure.layout.xaxis },
    yaxis: { ...axis, ...figure.layout.yaxis },
  };
  const chosen = choices.get(place)?.value;
  const data = figure.data.filter((trace) => !chosen || !trace.meta || trace.meta === chosen);
  const traces = structuredClone(data);
  for (const trace of traces) {
    // Black stands for "the text's colour": on a dark page it would not be seen.
    if (trace.line?.color?.toLowerCase() === "#000000") trace.line.color = font.color;
  }
  Plotly.newPlot(place, traces, layout, { responsive: false, displaylogo: false, displayModeBar: false });
}

async function start() {
  const figures = await (await fetch("/statistics.json")).json();
  const places = [...document.querySelectorAll("[data-figure]")];
  for (const place of places) {
    const figure = figures[Number(place.dataset.figure)];
    if (figure.choices) offer(place, figure);
  }
  const drawAll = () => places.forEach((place) => draw(place, figures[Number(place.dataset.figure)]));
  drawAll();
  dark.addEventListener("change", () => requestAnimationFrame(drawAll));
  // Drawn anew for a new width: a legend that Plotly only moves can end up over the curves.
  let width = window.innerWidth;
  let waiting;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 150);
  });
}

start();
