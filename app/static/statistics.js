// The figures that were computed when the model was written, with what can be chosen and switched off in them.
const { command } = document.getElementById("statistics").dataset; // that starts the server

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
    const optionGroup = document.createElement("optgroup");
    optionGroup.label = group;
    optionGroup.append(...options);
    list.append(optionGroup);
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

async function fetchFigures(n) {
  let answer;
  try {
    answer = await fetch("statistics.json");
  } catch {
    throw new Error(`The server cannot be reached. Start it again with \`${command}\`, then reload this page.`);
  }
  const content = await answer.json().catch(() => undefined);
  if (!answer.ok) throw new Error(content?.error ?? `The server answered ${answer.status}; look into its log.`);
  if (content?.length !== n) throw new Error("The model was replaced. Reload this page for the new one's figures.");
  return content;
}

function fail(boxes, sentence) {
  const box = document.createElement("p");
  box.className = "alert alert-danger";
  box.setAttribute("role", "alert");
  box.textContent = `The figures cannot be drawn. ${sentence}`;
  document.querySelector("h1").after(box);
  for (const empty of boxes) empty.hidden = true;
}

async function start() {
  const boxes = [...document.querySelectorAll("[data-figure]")];
  let figures;
  try {
    figures = await fetchFigures(boxes.length);
  } catch (error) {
    fail(boxes, error.message);
    return;
  }
  const drawers = boxes.map((box) => drawerOf(box, figures[Number(box.dataset.figure)]));
  const drawAll = () => drawers.forEach((draw) => draw());
  drawAll();
  whenPageChanges(drawAll);
}

start();
