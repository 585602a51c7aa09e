// Send a file, show how far it got, and draw the answer. What the file holds stays in this page.
const MAX_BYTES = 256 * 2 ** 20;
const form = document.getElementById("upload");
const input = document.getElementById("file");
const drop = document.getElementById("drop");
const work = document.getElementById("work");
const bar = document.getElementById("progress");
const send = document.getElementById("send");
const cancel = document.getElementById("cancel");
const problem = document.getElementById("problem");
const outcome = document.getElementById("outcome");

const whole = new Intl.NumberFormat("en-GB");
const { row: oneRow, rows: allRows, positive, positives, command, unit } = form.dataset; // the study's words and command
const money = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const at = (id) => document.getElementById(id);

function size(bytes) {
  return bytes < 1e6 ? `${whole.format(Math.ceil(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

// As `app.views.formatting.percent` writes it on the other pages.
function percent(probability) {
  if (probability < 1e-5) return "< 0.001 %";
  if (probability > 0.999) return "> 99.9 %";
  const digits = probability < 0.9 ? 2 : 3;
  const rounded = Number((100 * probability).toPrecision(digits));
  return `${rounded.toFixed(Math.max(0, digits - 1 - Math.floor(Math.log10(rounded))))} %`;
}

const edge = (probability) => `${Number((100 * probability).toPrecision(3))} %`;

function say(text) {
  at("step").textContent = text;
  at("status").textContent = text;
}

function fail(sentence) {
  problem.textContent = sentence;
  problem.hidden = false;
}

function chosen() {
  const [file] = input.files;
  at("file-facts").textContent = file ? `${file.name}, ${size(file.size)}` : "No file is chosen yet.";
  problem.hidden = true;
}

input.addEventListener("change", chosen);

for (const kind of ["dragenter", "dragover"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.add("drop-ready");
  });
}
for (const kind of ["dragleave", "drop"]) {
  drop.addEventListener(kind, () => drop.classList.remove("drop-ready"));
}
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  if (!event.dataTransfer.files.length) return;
  input.files = event.dataTransfer.files;
  chosen();
});

function busy(on) {
  work.hidden = !on;
  cancel.hidden = !on;
  send.disabled = on;
  form.setAttribute("aria-busy", String(on));
}

// XMLHttpRequest and not fetch: only the former tells how much of a body was sent.
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const [file] = input.files;
  problem.hidden = true;
  outcome.hidden = true;
  if (file.size > MAX_BYTES) {
    fail(`${file.name} has ${size(file.size)}; send at most 256 MiB at a time.`);
    return;
  }
  const sending = new XMLHttpRequest();
  const body = new FormData();
  body.append("file", file);
  sending.responseType = "json";
  sending.open("POST", `${form.action}?model=${encodeURIComponent(at("model").value)}`);
  sending.upload.addEventListener("progress", ({ loaded, total }) => {
    bar.value = (100 * loaded) / total;
    at("step").textContent = `Sending: ${size(loaded)} of ${size(total)}`;
  });
  sending.upload.addEventListener("load", () => {
    bar.removeAttribute("value");
    say("Scoring");
  });
  const asked = { file: file.name, model: at("model").selectedOptions[0].label }; // which may be chosen anew meanwhile
  sending.addEventListener("load", () => finish(sending, asked));
  sending.addEventListener("error", async () => fail(await whyNothingWasSent(file)));
  sending.addEventListener("abort", () => say("Cancelled"));
  sending.addEventListener("loadend", () => busy(false));
  cancel.onclick = () => sending.abort();
  bar.value = 0;
  say("Sending");
  busy(true);
  sending.send(body);
});

// A browser does not send a file that is no longer as it was chosen, and reports this as it reports a lost connection.
async function whyNothingWasSent(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    return `${file.name} was changed, moved or deleted after it was chosen, so nothing was scored; choose it again.`;
  }
  return `The server cannot be reached; start it again with \`${command}\`, then press the button again.`;
}

function finish(sending, asked) {
  if (sending.status === 200 && sending.response) {
    report(sending.response, asked);
    return;
  }
  fail(sending.response?.error ?? `The server answered ${sending.status} without saying why; look into its log.`);
}

let drawAll = () => {};
whenPageChanges(() => drawAll());

function report(answer, asked) {
  const { scored } = answer;
  at("outcome-title").textContent = scored ? `Result for ${asked.file}` : `Nothing in ${asked.file} could be scored`;
  const amount = answer.amount_at_risk;
  const facts = [
    [allRows[0].toUpperCase() + allRows.slice(1), whole.format(answer.rows)],
    ...(scored ? [["Alerts", whole.format(answer.alerts)]] : []),
    ...(amount === null ? [] : [["Amount at risk", `${money.format(amount)} ${unit}`.trim()]]),
    ["Not readable", whole.format(answer.errors.count)],
    ["Threshold", answer.threshold > 1 ? "none, as no alert pays" : percent(answer.threshold)],
    ["Model", asked.model],
  ];
  at("notes").replaceChildren(...answer.notes.map(note));
  for (const section of document.querySelectorAll("[data-needs-scores]")) section.hidden = !scored;
  at("facts").replaceChildren(...facts.map(fact));
  at("download").href = answer.download;
  fillTable(at("unreadable"), answer.errors.first.map(({ row, line, error }) => [number(row), number(line), text(error)]));
  at("unreadable").hidden = answer.errors.count === 0;
  at("unreadable-title").textContent = title("row", answer.errors, "could not be read");
  showTop(answer.top);
  at("judged").hidden = !answer.labelled;
  if (answer.labelled) judged(answer.labelled);
  outcome.hidden = false;
  drawAll = () => {
    if (scored) histogram(answer);
    if (answer.labelled) curve(answer.labelled);
  };
  drawAll();
  const alerts = scored ? `; ${whole.format(answer.alerts)} alerts` : "";
  say(`Scored ${whole.format(scored)} of ${whole.format(answer.rows)} ${allRows}${alerts}.`);
  outcome.focus({ preventScroll: true });
  outcome.scrollIntoView({ block: "start" });
}

function title(noun, { count, first }, rest) {
  const many = `${whole.format(count)} ${noun}${count === 1 ? "" : "s"} ${rest}`;
  return count > first.length ? `${many}; the first ${whole.format(first.length)}` : many;
}

function fact([name, value]) {
  const pair = document.createElement("div");
  const term = document.createElement("dt");
  const description = document.createElement("dd");
  term.textContent = name;
  description.textContent = value;
  pair.append(term, description);
  return pair;
}

function note(sentence) {
  const item = document.createElement("li");
  item.textContent = sentence;
  return item;
}

function text(value) {
  const cell = document.createElement("td");
  cell.textContent = value;
  return cell;
}

function number(value, format = whole.format) {
  const cell = text(value === null || value === undefined ? "–" : format(value));
  cell.className = "number";
  cell.dataset.value = value ?? "";
  return cell;
}

function fillTable(section, rows) {
  const elements = rows.map((cells) => {
    const row = document.createElement("tr");
    row.append(...cells);
    return row;
  });
  section.querySelector("tbody").replaceChildren(...elements);
}

const table = at("top");
makeSortable(table);

function showTop(scoredRows) {
  at("top-title").textContent =
    scoredRows.length === 1
      ? `The ${oneRow}`
      : `The ${whole.format(scoredRows.length)} ${allRows} with the highest probabilities`;
  for (const heading of table.tHead.rows[0].cells) heading.removeAttribute("aria-sort");
  table.tHead.rows[0].cells[1].setAttribute("aria-sort", "descending");
  fillTable(
    table,
    scoredRows.map(({ row, probability, decision, amount, time }) => {
      const decided = text(decision === "alert" ? "alert" : "no alert");
      if (decision === "alert") decided.className = "fw-semibold";
      const cells = { amount: number(amount, money.format), time: typeof time === "string" ? text(time) : number(time) };
      const shown = [...table.tHead.rows[0].cells].flatMap(({ dataset }) => cells[dataset.shows] ?? []);
      return [number(row), number(probability, percent), decided, ...shown];
    }),
  );
}

function histogram({ histogram: { edges, counts }, threshold }) {
  const middles = counts.map((_, i) => (edges[i] + edges[i + 1]) / 2);
  const bars = {
    type: "bar",
    x: middles,
    y: counts,
    width: counts.map((_, i) => edges[i + 1] - edges[i]),
    customdata: counts.map((_, i) => `${i ? `${edge(edges[i])} to ` : "up to "}${edge(edges[i + 1])}`), // with all below
    marker: { color: middles.map((middle) => (middle >= threshold ? "#d55e00" : "#0072b2")) },
    hovertemplate: "%{customdata}: %{y:,}<extra></extra>",
  };
  const line = { dash: "dot", width: 1.5, color: look().text };
  const limit = { type: "line", x0: threshold, x1: threshold, yref: "paper", y0: 0, y1: 1, line };
  paint(at("histogram"), [bars], {
    shapes: [limit],
    xaxis: {
      title: { text: `probability of ${positive} (dotted: threshold)` },
      type: "log",
      range: [Math.log10(edges[0]), 0],
      ...ticks(isNarrow(at("histogram")) ? 2 : 1),
    },
    // A bar of one row would have no height at the foot of a logarithmic axis.
    yaxis: { title: { text: allRows }, type: "log", dtick: 1, range: [-0.3, Math.log10(Math.max(...counts, 1)) + 0.2] },
  });
}

// Of the axis of probabilities, each so many powers of ten from the one before.
function ticks(step) {
  const exponents = [-6, -5, -4, -3, -2, -1, 0].filter((exponent) => exponent % step === 0);
  return { tickvals: exponents.map((n) => 10 ** n), ticktext: exponents.map((n) => `${Number(`1e${n + 2}`)} %`) };
}

function share(part, all) {
  if (!all) return "none";
  if (part && 100 * part < all) return "less than 1 %";
  if (part < all && 100 * part > 99 * all) return "more than 99 %";
  return `${((100 * part) / all).toFixed(0)} %`;
}

function ties({ average_precision: lowest, tie_neutral_average_precision: score }) {
  if (lowest.toFixed(3) === score.toFixed(3)) return "";
  return (
    `This is the mean over random orders of ${allRows} with the same probability; ` +
    `with the ${positives} last among them, as the curve draws them, it is ${lowest.toFixed(3)}. `
  );
}

function judged(labelled) {
  const { tie_neutral_average_precision: score, prevalence, confusion } = labelled;
  at("judged-text").textContent =
    `Average precision ${score.toFixed(3)}; a ranking by chance would have about ` +
    `${Number(prevalence.toPrecision(2))}, the share of ${positives}. ${ties(labelled)}` +
    "Rows that the model was trained on make it look better than it is.";
  for (const [id, count] of Object.entries(confusion)) at(id).textContent = whole.format(count);
  const { tp, fp, fn } = confusion;
  at("confusion-text").textContent =
    `Of the alerts, ${share(tp, tp + fp)} are ${positives}; of the ${positives}, ${share(tp, tp + fn)} are alerts.`;
}

function curve({ recall, precision, prevalence }) {
  // Steps and no slopes, as the average precision counts them: up to a recall, its own precision.
  const line = {
    type: "scatter",
    mode: "lines",
    name: "this file",
    x: [0, ...recall],
    y: [precision[0], ...precision],
    line: { color: "#d55e00", shape: "vh" },
  };
  const chance = {
    type: "scatter",
    mode: "lines",
    name: "chance",
    x: [0, 1],
    y: [prevalence, prevalence],
    line: { color: "#595959", dash: "dot" },
  };
  paint(at("curve"), [line, chance], {
    xaxis: { title: { text: "recall" }, range: [0, 1] },
    yaxis: { title: { text: "precision" }, range: [0, 1.02] },
  });
}
