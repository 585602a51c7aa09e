// Draw Plotly figures in the page's colours (`dark` comes from theme.js).

function look() {
  const style = getComputedStyle(document.body);
  const grid = style.getPropertyValue("--bs-border-color");
  return {
    font: { color: style.color, family: style.fontFamily, size: 13 },
    axis: { gridcolor: grid, zerolinecolor: grid, automargin: true, fixedrange: true, ticklabeloverflow: "allow" },
    page: style.backgroundColor,
    text: style.color,
  };
}

// On a dark page, black takes the text's colour and the others are mixed with white.
function readable(colour, { text }) {
  if (!dark.matches || !/^#[0-9a-f]{6}$/i.test(colour)) return colour;
  if (colour === "#000000") return text;
  const parts = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const light = (parts[0] * 299 + parts[1] * 587 + parts[2] * 114) / 255000;
  const share = Math.max(0, 0.62 - light);
  return `rgb(${parts.map((part) => Math.round(part + (255 - part) * share)).join(", ")})`;
}

function dressed(trace, colours) {
  const copy = structuredClone(trace);
  if (copy.line?.color) copy.line.color = readable(copy.line.color, colours);
  if (copy.marker?.color) {
    const { color } = copy.marker;
    copy.marker.color = Array.isArray(color) ? color.map((each) => readable(each, colours)) : readable(color, colours);
  }
  // A heat map's white is nothing: on a dark page that is the page's own colour.
  if (copy.colorscale) {
    copy.colorscale = copy.colorscale.map(([at, colour]) => [at, colour === "#ffffff" ? colours.page : colour]);
  }
  return copy;
}

const NARROW = 480; // pixels, below which names beside an axis leave no room for what is drawn
const LETTER = 8.5; // pixels of a letter of a title, on average
const MAX_NAME = 16; // letters of a name in a narrow figure
const MARGIN = 80; // pixels beside an axis, for what its title must not reach into

const isNarrow = (box) => box.clientWidth < NARROW;

// The title of an axis in lines that fit its length.
function wrapped(title, length) {
  if (!title) return title;
  const lines = [""];
  for (const word of title.text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (lines.at(-1) && longer.length * LETTER > length) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return { standoff: 8, ...title, text: lines.join("<br>") };
}

// Names of bars that lie, short enough for a narrow figure; an escaped sign is one letter.
function shortNames(box, data) {
  const names = data.find(({ orientation }) => orientation === "h")?.y;
  if (!names || !isNarrow(box)) return {};
  const letters = names.map((name) => name.match(/&\w+;|./gu) ?? []);
  const short = letters.map((all) => (all.length > MAX_NAME ? [...all.slice(0, MAX_NAME - 1), "…"] : all).join(""));
  return { tickvals: names, ticktext: short };
}

function paint(box, data, layout) {
  const colours = look();
  const names = shortNames(box, data);
  const width = box.clientWidth - (names.ticktext ? MARGIN + MAX_NAME * 4 : MARGIN);
  const titles = {
    xaxis: { title: wrapped(layout.xaxis?.title, width) },
    yaxis: { title: wrapped(layout.yaxis?.title, box.clientHeight - MARGIN) },
  };
  const { font, axis } = colours;
  Plotly.newPlot(
    box,
    data.map((trace) => dressed(trace, colours)),
    {
      ...layout,
      font,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: 48, r: 8, t: 8, b: 48 },
      legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
      hoverlabel: { font: { family: font.family } },
      xaxis: { ...axis, ...layout.xaxis, ...titles.xaxis },
      yaxis: { ...axis, ...names, ...layout.yaxis, ...titles.yaxis },
    },
    { responsive: false, displaylogo: false, displayModeBar: false },
  );
}

// Draw anew when the colours change and for a new width: a legend that Plotly only moves can end up over the curves.
function whenPageChanges(draw) {
  dark.addEventListener("change", () => requestAnimationFrame(draw));
  let width = window.innerWidth;
  let waiting;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(draw, 150);
  });
}
