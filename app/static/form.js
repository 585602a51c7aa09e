// Score without leaving the page, so that a screen reader announces the answer and the form stays where it is.
// Without this script the form works as well: the server sends the whole page with the answer.
const form = document.getElementById("transaction");
const result = document.getElementById("result");
const model = document.getElementById("model");
const busy = document.getElementById("busy");
const outdated = document.getElementById("outdated");
const token = form.elements.csrf_token;

// What the answer depends on, as text to compare.
function typed() {
  const fields = new FormData(form);
  fields.delete("csrf_token");
  return JSON.stringify([...fields]);
}

let answered = typed(); // what the answer on the page is about
let latest = 0; // an answer that a later question has overtaken is not shown

// An answer to other values than those in the form says so.
function compare() {
  const old = Boolean(document.getElementById("probability")) && typed() !== answered;
  outdated.hidden = !old;
  result.classList.toggle("outdated", old);
}

const boxes = (page) => [...page.querySelectorAll(".fields input, .fields select")];

function show(page) {
  const answers = new Map(boxes(page).map((field) => [field.name, field]));
  const fields = boxes(form);
  if (answers.size !== fields.length || !fields.every(({ name }) => answers.has(name)))
    throw new Error("The model was replaced by one with other columns. Reload the page for its form.");
  result.replaceChildren(...page.getElementById("result").childNodes);
  document.title = page.title;
  for (const field of fields) {
    const other = answers.get(field.name);
    const invalid = other.getAttribute("aria-invalid") === "true";
    field.classList.toggle("is-invalid", invalid);
    field.toggleAttribute("aria-invalid", invalid);
    if (invalid) field.setAttribute("aria-invalid", "true");
    const [hint, own] = [field, other].map((box) => box.getAttribute("aria-describedby"));
    document.getElementById(hint).textContent = page.getElementById(own).textContent; // the chosen model's own range
  }
  result.scrollIntoView({ block: "nearest" });
}

function fail(sentence) {
  const box = document.createElement("p");
  box.className = "alert alert-danger";
  box.textContent = sentence;
  result.replaceChildren(box);
}

function wait(on) {
  busy.hidden = !on;
  result.setAttribute("aria-busy", String(on));
}

// The status and the text of the answer. Nothing is reloaded if there is none, so what was typed stays.
async function post() {
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    return [answer.status, await answer.text()];
  } catch {
    throw new Error(
      `The server cannot be reached. Start it again with \`${form.dataset.command}\`, then press the button again; ` +
        "the form stays as it is.",
    );
  }
}

async function ask() {
  const [status, text] = await post();
  const page = new DOMParser().parseFromString(text, "text/html");
  if (page.getElementById("result")) return page;
  throw new Error(page.querySelector("main p")?.textContent.trim() ?? `The server answered ${status}.`);
}

async function score() {
  const own = ++latest;
  const asked = typed();
  wait(true);
  try {
    let page = await ask();
    if (page.getElementById("expired")) {
      token.value = page.getElementsByName("csrf_token")[0].value; // the server was started anew
      page = await ask();
    }
    if (own !== latest) return;
    show(page);
  } catch (error) {
    if (own === latest) fail(error.message);
  } finally {
    if (own === latest) {
      answered = asked;
      wait(false);
      compare();
    }
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  score();
});
form.addEventListener("input", compare);

// A row of a spreadsheet that is pasted into any box fills the form. Its cells are those of the study's file, or those
// of the form's columns, in their order; a first line of names says which is which.
const columns = JSON.parse(form.dataset.columns);

// What browsers' fields for dates take. Other text is sent as it is, for the server reads dates in any spelling.
const DATES = {
  date: ["date", /^\d{4}-\d\d-\d\d$/],
  time: ["datetime-local", /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?$/],
};

function putDate(field, [type, pattern], text) {
  field.type = text === "" || pattern.test(text) ? type : "text";
  field.value = text;
  if (field.value !== "" || text === "") return;
  field.type = "text"; // a day that does not exist
  field.value = text;
}

function put(column, cell) {
  const field = document.getElementById(column.id);
  const text = cell.trim();
  if (column.kind in DATES) putDate(field, DATES[column.kind], text);
  else field.value = text;
  if (field.value !== text && column.kind === "select" && text) {
    const same = [...field.options].find(({ value }) => value !== "" && Number(value) === Number(text));
    if (!same) field.add(new Option(text)); // a category that was not seen in training
    field.value = same ? same.value : text;
  }
}

function cellsByColumn(names, cells) {
  const known = columns.filter(({ name }) => names.includes(name));
  if (known.length > columns.length / 2) return known.map((column) => [column, cells[names.indexOf(column.name)]]);
  const last = Math.max(...columns.map(({ position }) => position ?? 0));
  const whole = cells.length > columns.length && cells.length > last;
  return columns.map((column, position) => [column, cells[whole ? (column.position ?? position) : position]]);
}

form.addEventListener("paste", (event) => {
  const lines = event.clipboardData.getData("text").replace(/[\r\n]+$/, "").split(/\r?\n/);
  if (!lines[0].includes("\t")) return;
  event.preventDefault();
  const names = lines[0].split("\t").map((name) => name.trim());
  const hasNames = lines.length > 1 && columns.some(({ name }) => names.includes(name));
  const cells = lines[hasNames ? 1 : 0].split("\t");
  const pairs = cellsByColumn(hasNames ? names : [], cells).filter(([, cell]) => cell !== undefined);
  for (const [column, cell] of pairs) put(column, cell);
  const empty = pairs.filter(([column]) => document.getElementById(column.id).value === "").map(([{ name }]) => name);
  const note = document.getElementById("pasted");
  const filled = `${pairs.length - empty.length} of ${columns.length} boxes`;
  const rest = lines.length > (hasNames ? 2 : 1) ? "; of several rows, the first one" : "";
  const left = empty.length ? ` Left empty: ${empty.join(", ")}.` : "";
  note.textContent = `Filled ${filled} with a row of ${cells.length} cells${rest}.${left}`;
  note.hidden = false;
  compare();
});

// The examples are the chosen model's own, and another model answers the same transaction at once.
model.addEventListener("change", () => {
  document.querySelector("#examples [name=model]").value = model.value;
  if (document.getElementById("probability")) form.requestSubmit();
});
