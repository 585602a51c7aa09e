// Draw Plotly figures in the page's colours (`dark` comes from theme.js).

function look() {
  const style = getComputedStyle(document.body);
  const grid = style.getPropertyValue("--bs-border-color");
  return {
    font: { color: style.color, family: style.fontFamily, size: 13 },
    axis: { gridcolor: grid, zerolinecolor: grid, automargin: true, fixedrange: true },
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
    copy.marker.color = Array.isArray(color) ? color.map((one) => readable(one, colours)) : readable(color, colours);
  }
  // A heat map's white is nothing: on a dark page that is the page's own colour.
  if (copy.colorscale) {
    copy.colorscale = copy.colorscale.map(([at, colour]) => [at, colour === "#ffffff" ? colours.page : colour]);
  }
  return copy;
}

function paint(box, data, layout) {
  const colours = look();
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
      xaxis: { ...axis, ...layout.xaxis },
      yaxis: { ...axis, ...layout.yaxis },
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
