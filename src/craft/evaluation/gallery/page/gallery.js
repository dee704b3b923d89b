"use strict";
// Texts come from users' files: they enter the page as text alone (`textContent`), never as markup.

const { datasets, methods, scores, prompts, images } = GALLERY;
const ANSWERS = { y: "yes", n: "no", u: "cannot tell" };
// cards that are made at a time: about a screen
const CHUNK = 60;
const byId = (id) => document.getElementById(id);
const grid = byId("grid"), dialog = byId("dialog");

// what can be filtered by, and what an image has of it
const FILTERS = {
  Modality: (image) => datasets[image.dataset].modality,
  Dataset: (image) => datasets[image.dataset].name,
  Label: (image) => labelOf(image).name,
  Method: (image) => methods[image.method],
  Seed: (image) => String(image.seed),
};
const filters = {};
const nearEnd = new IntersectionObserver((entries) => entries[0].isIntersecting && extend(), { rootMargin: "600px" });
let left = images, shown = images, opened = 0;

function labelOf(image) {
  return datasets[image.dataset].labels[image.label];
}

/** An element with properties and children; texts among the children become text. */
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** A select with a label among the controls; `options` are pairs of value and text. */
function addSelect(name, options, changed) {
  const choices = options.map(([value, text]) => make("option", { value }, text));
  const select = make("select", { id: name.replace(" ", "-") }, ...choices);
  select.addEventListener("change", changed);
  byId("controls").append(make("div", {}, make("label", { htmlFor: select.id }, name), select));
  return select;
}

/** Offer in every filter what those before it leave, and show the images that all leave. */
function filter() {
  left = images;
  for (const [name, select] of Object.entries(filters)) {
    const found = [...new Set(left.map(FILTERS[name]))];
    const chosen = found.includes(select.value) ? select.value : "";
    const options = found.map((text) => make("option", { value: text }, text));
    select.replaceChildren(make("option", { value: "" }, "all"), ...options);
    select.value = chosen;
    if (chosen) left = left.filter((image) => FILTERS[name](image) === chosen);
  }
  arrange();
}

/** Show the images that are left in the chosen order, from the first. */
function arrange() {
  const score = order.value, sign = direction.value === "highest" ? -1 : 1;
  shown = [...left];
  if (score !== "") shown.sort((one, other) => sign * (one.scores[score] - other.scores[score]));
  direction.disabled = score === "";
  byId("count").textContent = `${shown.length} of ${images.length} images`;
  grid.replaceChildren();
  extend();
}

/** Append the next cards; returns whether there were any. */
function extend() {
  const start = grid.children.length, cards = shown.slice(start, start + CHUNK).map(makeCard);
  grid.append(...cards);
  if (start === 0 && cards.length) cards[0].firstChild.tabIndex = 0;
  // observed anew, it says at once whether the end is still near
  nearEnd.disconnect();
  if (cards.length) nearEnd.observe(byId("end"));
  return cards.length > 0;
}

function makeCard(image, place) {
  const score = order.value || 0, start = grid.children.length;
  const picture = make("img", { src: image.file, alt: "", loading: "lazy", decoding: "async" });
  const label = make("span", { className: "label" }, labelOf(image).name);
  const value = make("span", { className: "score" }, image.scores[score].toFixed(2));
  const method = make("span", { className: "method" }, methods[image.method]);
  const button = make("button", { type: "button", tabIndex: -1 }, picture, value, label, method);
  picture.alt = `${labelOf(image).name}, ${methods[image.method]}`;
  button.setAttribute("aria-label", `${picture.alt}, ${scores[score]} ${image.scores[score].toFixed(2)}`);
  button.addEventListener("click", () => open(start + place));
  return make("li", {}, button);
}

/** Move the keyboard's place in the grid, which is one stop of the Tab key, to a card. */
function focusCard(place) {
  const target = Math.max(0, Math.min(place, shown.length - 1));
  while (grid.children.length <= target && extend());
  for (const button of grid.querySelectorAll('button[tabindex="0"]')) button.tabIndex = -1;
  const button = grid.children[target].firstChild;
  button.tabIndex = 0;
  button.focus();
}

grid.addEventListener("keydown", (event) => {
  const here = [...grid.children].indexOf(event.target.closest("li"));
  const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -here, End: shown.length };
  if (!(event.key in steps) || here < 0) return;
  event.preventDefault();
  const place = here + steps[event.key];
  if (place >= 0) focusCard(place);
});

/** Open the dialog on an image, or show another one in it. */
function open(place) {
  opened = place;
  byId("previous").disabled = place === 0;
  byId("next").disabled = place === shown.length - 1;
  byId("details").replaceChildren(...describe(shown[place]));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

function step(by) {
  if (shown[opened + by]) open(opened + by);
}

function describe(image) {
  const label = labelOf(image), dataset = datasets[image.dataset];
  const where = [methods[image.method], dataset.name, `seed ${image.seed}`, `image ${image.number + 1}`];
  const header = make(
    "header", {}, make("h2", { id: "title" }, label.name), make("p", { className: "quiet" }, where.join(" · ")),
  );
  const alt = `${label.name}, ${methods[image.method]}`;
  const pictures = make("div", { className: "pictures" }, makeFigure(image.file, alt, "This image"));
  if (image.nearest?.file) {
    const text = "Nearest image that the run saw";
    pictures.append(makeFigure(image.nearest.file, `${text}; ${dataset.name}`, text));
  }
  const facts = make("div", { className: "facts" }, ...describeScores(image), ...describeAnswers(image, label));
  if (prompts[image.prompt]) facts.append(make("h3", {}, "Prompt"), make("p", {}, prompts[image.prompt]));
  facts.append(...describeNearest(image.nearest));
  return [header, pictures, facts];
}

function makeFigure(src, alt, caption) {
  return make("figure", {}, make("img", { src, alt }), make("figcaption", {}, caption));
}

function describeScores(image) {
  const rows = scores.map((name, place) => {
    const value = image.scores[place], meter = make("meter", { min: 0, max: 1, value });
    meter.setAttribute("aria-hidden", "true");
    const number = make("td", { className: "number" }, value.toFixed(3));
    return make("tr", {}, make("th", { scope: "row" }, name), number, make("td", {}, meter));
  });
  return [make("h3", {}, `Scores under ${GALLERY.evaluator} (held out)`), make("table", {}, make("tbody", {}, ...rows))];
}

function describeAnswers(image, label) {
  const auditors = Object.keys(image.answers);
  const head = make("tr", {}, ...["Sign", ...auditors].map((name) => make("th", { scope: "col" }, name)));
  const rows = label.items.map((item, place) => {
    const letters = auditors.map((auditor) => image.answers[auditor][place]);
    const cells = letters.map((letter) => make("td", { className: `answer ${letter}` }, ANSWERS[letter]));
    return make("tr", {}, make("th", { scope: "row" }, item), ...cells);
  });
  const title = make("h3", {}, "Checklist of the label");
  if (!auditors.length) return [title, make("p", { className: "quiet" }, "No auditor was asked about this image.")];
  return [title, make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows))];
}

function describeNearest(nearest) {
  const title = make("h3", {}, "Nearest image that the run saw");
  if (!nearest) return [title, make("p", { className: "quiet" }, "Not searched for this image.")];
  const where = `Distance ${nearest.distance.toFixed(3)} in features of ${GALLERY.features}; split ${nearest.split}.`;
  const copied = nearest.copied.length
    ? `Nearer than nearly all test images are, by ${nearest.copied.join(", ")}: it may be a copy.`
    : "Not flagged as a copy.";
  return [title, make("p", {}, where), make("p", {}, copied)];
}

dialog.addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") step(-1);
  if (event.key === "ArrowRight") step(1);
});
// a click beside the dialog falls on the dialog itself
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
dialog.addEventListener("close", () => focusCard(opened));
byId("previous").addEventListener("click", () => step(-1));
byId("next").addEventListener("click", () => step(1));
byId("close").addEventListener("click", () => dialog.close());

byId("notice").textContent = GALLERY.notice;
for (const [name, value] of Object.entries(FILTERS)) {
  filters[name] = addSelect(name, [["", "all"]], filter);
  const choices = new Set(images.map(value)).size;
  // a modality with one dataset needs no choice of its own
  filters[name].parentElement.hidden = choices < 2 || (name === "Modality" && choices === Object.keys(datasets).length);
}
const order = addSelect("Sort by", [["", "order of the run"], ...scores.map((name, place) => [place, name])], arrange);
const direction = addSelect("Order", [["highest", "highest first"], ["lowest", "lowest first"]], arrange);
filter();
