// Plotly writes styles in two ways that the page's policy refuses. Both are turned here into what it allows.

// Style attributes: the same text through the style object.
const { setAttribute } = Element.prototype;
Element.prototype.setAttribute = function set(name, value) {
  if (name === "style") this.style.cssText = value;
  else setAttribute.call(this, name, value);
};

// A style sheet for maps, which no figure here needs. The sheet for all figures is plotly.css.
const { appendChild } = document.head;
document.head.appendChild = (node) => (node.tagName === "STYLE" ? node : appendChild.call(document.head, node));
