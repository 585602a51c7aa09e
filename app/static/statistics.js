// The figures that were computed when the model was written, with what can be chosen and switched off in them.

function choice(box, figure, draw) {
  const label = document.createElement("label");
  const list = document.createElement("select");
  label.className = "form-label d-flex flex-wrap align-items-center gap-2";
  list.className = "form-select w-auto";
  for (const [group, choices] of figure.choices) {
    const options = choices.map(([value, text]) => new Option(text, value));
    if (!group) {
      list.append(...options);
      continue;
    }
    const part = document.createElement("optgroup");
    part.label = group;
    part.append(...options);
    list.append(part);
  }
  list.addEventListener("change", draw);
  label.append(figure.label, list);
  box.before(label);
  return list;
}

function toggle(box, figure, draw) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-outline-primary btn-sm mb-2";
  const show = (on) => {
    button.setAttribute("aria-pressed", String(on));
    button.textContent = `${on ? "Hide" : "Show"} ${figure.toggle.name}`;
  };
  show(true);
  button.addEventListener("click", () => {
    show(button.getAttribute("aria-pressed") !== "true");
    draw();
  });
  box.before(button);
  return button;
}

function drawerOf(box, figure) {
  let list;
  let button;
  const draw = () => {
    let { data } = figure;
    if (list) {
      data = data.filter((trace) => !trace.meta || trace.meta[list.value]);
      data = data.map((trace) => ({ ...trace, ...trace.meta?.[list.value], meta: undefined }));
    }
    if (button?.getAttribute("aria-pressed") === "false") data = data.toSpliced(figure.toggle.trace, 1);
    paint(box, data, figure.layout);
  };
  if (figure.choices) list = choice(box, figure, draw);
  if (figure.toggle) button = toggle(box, figure, draw);
  return draw;
}

async function fetchFigures() {
  try {
    const answer = await fetch("statistics.json");
    if (answer.ok) return await answer.json();
  } catch {
    // said below
  }
  const box = document.createElement("p");
  box.className = "alert alert-danger";
  box.textContent = "The figures could not be fetched. Reload the page to try again.";
  document.querySelector("h1").after(box);
  return undefined;
}

async function start() {
  const figures = await fetchFigures();
  if (!figures) return;
  const boxes = [...document.querySelectorAll("[data-figure]")];
  const drawers = boxes.map((box) => drawerOf(box, figures[Number(box.dataset.figure)]));
  const drawAll = () => drawers.forEach((draw) => draw());
  drawAll();
  whenPageChanges(drawAll);
}

start();
