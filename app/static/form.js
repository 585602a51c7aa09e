// Score without leaving the page, so that a screen reader announces the answer and the form stays where it is.
// Without this script the form works as well: the server sends the whole page with the answer.
const form = document.getElementById("transaction");
const result = document.getElementById("result");
const model = document.getElementById("model");

function show(page) {
  result.replaceChildren(...page.getElementById("result").childNodes);
  document.title = page.title;
  for (const field of form.querySelectorAll("input[type=number]")) {
    const invalid = page.getElementById(field.id).getAttribute("aria-invalid") === "true";
    field.classList.toggle("is-invalid", invalid);
    field.toggleAttribute("aria-invalid", invalid);
    if (invalid) field.setAttribute("aria-invalid", "true");
  }
  result.scrollIntoView({ block: "nearest" });
}

let latest = 0; // an answer that a later question has overtaken is not shown

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const own = ++latest;
  result.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (own !== latest) return;
    if (!page.getElementById("result")) throw new Error("not an answer");
    show(page);
  } catch {
    form.submit(); // the ordinary way shows whatever the server or the browser has to say
  } finally {
    if (own === latest) result.removeAttribute("aria-busy");
  }
});

// The examples are the chosen model's own, and another model answers the same transaction at once.
model.addEventListener("change", () => {
  document.querySelector("#examples [name=model]").value = model.value;
  if (document.getElementById("probability")) form.requestSubmit();
});
