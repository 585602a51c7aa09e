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

function show(page) {
  result.replaceChildren(...page.getElementById("result").childNodes);
  document.title = page.title;
  for (const field of form.querySelectorAll(".fields input")) {
    const other = page.getElementById(field.id);
    const invalid = other.getAttribute("aria-invalid") === "true";
    field.classList.toggle("is-invalid", invalid);
    field.toggleAttribute("aria-invalid", invalid);
    if (invalid) field.setAttribute("aria-invalid", "true");
    const hint = field.getAttribute("aria-describedby");
    document.getElementById(hint).textContent = page.getElementById(hint).textContent; // the chosen model's own range
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

async function ask() {
  const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (page.getElementById("result")) return page;
  throw new Error(page.querySelector("main p")?.textContent.trim() ?? `The server answered ${answer.status}.`);
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
    if (own !== latest) return;
    // Fetch itself fails with a TypeError. Nothing is reloaded, so what was typed stays.
    fail(
      error instanceof TypeError
        ? "The server cannot be reached. Start it again with `make app`, then press the button again; the form stays as it is."
        : error.message,
    );
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

// The examples are the chosen model's own, and another model answers the same transaction at once.
model.addEventListener("change", () => {
  document.querySelector("#examples [name=model]").value = model.value;
  if (document.getElementById("probability")) form.requestSubmit();
});
