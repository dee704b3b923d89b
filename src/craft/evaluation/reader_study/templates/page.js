"use strict";
const study = JSON.parse(document.getElementById("study").textContent);
const main = document.getElementById("main");
const place = "reader-study-" + study.study;
const SIGNS = { left: "left only", right: "right only", both: "both", neither: "neither", unsure: "cannot tell" };

// a browser may forbid a page from a file to keep anything
const keeper = {
  get() { try { return JSON.parse(localStorage.getItem(place)); } catch { return null; } },
  set(value) {
    try { localStorage.setItem(place, JSON.stringify(value)); return true; } catch { return false; }
  },
  clear() { try { localStorage.removeItem(place); } catch { /* nothing was kept */ } },
};
let state = null, shownAt = 0;

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function button(text, act, kind = "") {
  return make("button", { type: "button", class: kind, onclick: act }, text);
}

function show(title, ...children) {
  const heading = make("h1", { tabindex: "-1" }, title);
  main.replaceChildren(heading, ...children);
  window.scrollTo(0, 0);
  heading.focus({ preventScroll: true });
}

function showText(title, ...children) {
  show(title, ...children);
  const box = make("div", { class: "text" }, ...main.childNodes);
  main.replaceChildren(box);
  box.querySelector("h1").focus({ preventScroll: true });
}

function keep() {
  document.getElementById("kept").hidden = keeper.set(state);
}

function isAnswered(pair, answers = state.answers) {
  const answer = answers[pair.id];
  if (!answer || !answer.preference || !answer.confidence) return false;
  if (study.realism && !(answer.realism && answer.realism.left && answer.realism.right)) return false;
  return itemsOf(pair).every((_, number) => answer.items && answer.items[number]);
}

function itemsOf(pair) {
  return study.labels[pair.dataset][pair.label].items;
}

function showCount(text) {
  const bar = document.getElementById("progress");
  bar.hidden = state === null;
  bar.value = state === null ? 0 : study.pairs.filter((pair) => isAnswered(pair)).length;
  document.getElementById("count").textContent = text;
}

function showStart() {
  const found = keeper.get(), saved = found && found.answers && study.pairs[found.position] ? found : null;
  showCount("");
  const code = make("input", {
    type: "text", id: "reader", required: true, pattern: "[A-Za-z0-9_\\-]{1,40}", maxlength: "40", autocomplete: "off",
    title: "1 to 40 letters, digits, - or _", "aria-describedby": "code-help",
  });
  const form = make("form", { onsubmit: (event) => { event.preventDefault(); begin(code.value); } },
    make("label", { class: "field", for: "reader" }, "Your reader code"), code,
    make("p", { class: "quiet", id: "code-help" }, "Letters and digits that the study staff gave you, not your name."),
    make("div", { class: "buttons" }, make("button", { class: "first" }, "Begin")));
  const resume = () => make("div", {},
    make("p", {}, `This browser holds ${count(saved)} of ${study.pairs.length} answers of reader ${saved.reader}.`),
    make("div", { class: "buttons" }, button("Resume", () => { state = saved; showPair(); }, "first"),
      button("Discard them and begin anew", () => { if (confirm("Discard all answers of this reader?")) discard(); })));
  showText("Which image is better?",
    make("p", {}, `You will see ${study.pairs.length} pairs of images. Both images of a pair are meant to show the same finding,`
      + " which is named above them. Choose the one that shows it better, and say how sure you are."),
    make("p", {}, "Where the images come from is hidden from you, and which stands on the left is drawn by lot. Judge every"
      + " pair on its own."),
    make("p", {}, "You can pause at any time and go on later in this browser. Nothing leaves it: at the end you download one file"
      + " and hand it over."),
    make("p", { class: "warning" }, "Not for clinical use: these images must not serve any diagnosis or treatment. " + study.notice),
    saved ? resume() : form);
}

function count(saved) {
  return study.pairs.filter((pair) => isAnswered(pair, saved.answers)).length;
}

function discard() {
  keeper.clear();
  state = null;
  showStart();
}

function begin(reader) {
  state = { reader, position: 0, started: new Date().toISOString(), answers: {} };
  keep();
  showPair();
}

function choices(name, legend, hint, options, chosen, small) {
  const labels = Object.entries(options).map(([value, text]) => make("label", {},
    make("input", { type: "radio", name, value, required: true, checked: chosen === value }), make("span", {}, text)));
  return make("fieldset", {}, make("legend", {}, legend, " ", make("small", {}, hint)),
    make("div", { class: small ? "choices small" : "choices" }, ...labels));
}

function picture(pair, side) {
  const word = side === "left" ? "Left" : "Right";
  return make("figure", {}, make("img", { src: study.images[pair[side]], alt: `${word} image of this pair`, draggable: "false" }),
    make("figcaption", {}, word));
}

function showPair() {
  const pair = study.pairs[state.position], label = study.labels[pair.dataset][pair.label];
  const known = state.answers[pair.id] || {}, grades = { 1: "1", 2: "2", 3: "3", 4: "4", 5: "5" };
  const signs = label.items.map((text, number) =>
    choices("item" + number, `“${text}”`, "is true of", SIGNS, (known.items || [])[number], true));
  const realism = ["left", "right"].map((side) =>
    choices("real-" + side, `${side === "left" ? "Left" : "Right"} looks real?`, "1 no, 5 yes", grades, (known.realism || {})[side], true));
  const form = make("form", { id: "answer", onchange: read, onsubmit: next },
    choices("preference", `Which image shows ${label.name} better?`, "", { left: "Left", none: "No difference", right: "Right" }, known.preference),
    choices("confidence", "How sure are you?", "1 a guess, 5 certain", grades, known.confidence),
    ...(study.realism ? [make("div", { class: "halves" }, ...realism)] : []), ...signs,
    make("div", { class: "buttons" },
      make("button", { type: "button", onclick: back, disabled: state.position === 0 }, "Back"), button("Pause", showPause),
      make("button", { class: "first end" }, state.position + 1 < study.pairs.length ? "Next" : "Finish")),
    make("p", { class: "quiet" }, "Keys: ", make("kbd", {}, "L"), " ", make("kbd", {}, "N"), " ", make("kbd", {}, "R"), " choose, ",
      make("kbd", {}, "1"), "–", make("kbd", {}, "5"), " how sure, ", make("kbd", {}, "Enter"), " next."));
  const kind = study.modalities[pair.dataset];
  show(label.name[0].toUpperCase() + label.name.slice(1), make("p", { class: "quiet" }, `${kind[0].toUpperCase() + kind.slice(1)}. ${label.definition}`),
    make("div", { class: "columns" }, make("div", { class: "images" }, picture(pair, "left"), picture(pair, "right")), form));
  showCount(`Pair ${state.position + 1} of ${study.pairs.length}`);
  shownAt = performance.now();
}

// what the form holds; a pair is counted as soon as every question is answered
function read() {
  const pair = study.pairs[state.position], data = new FormData(document.getElementById("answer"));
  const before = state.answers[pair.id] || { seconds: 0 };
  const answer = { preference: data.get("preference"), confidence: data.get("confidence"), seconds: before.seconds };
  if (study.realism) answer.realism = { left: data.get("real-left"), right: data.get("real-right") };
  answer.items = itemsOf(pair).map((_, number) => data.get("item" + number));
  state.answers[pair.id] = answer;
  keep();
}

function addTime() {
  const answer = state.answers[study.pairs[state.position].id];
  if (answer) answer.seconds = Math.round((answer.seconds + (performance.now() - shownAt) / 1000) * 10) / 10;
}

function next(event) {
  event.preventDefault();
  read();
  addTime();
  state.position += 1;
  keep();
  if (state.position < study.pairs.length) showPair(); else showEnd();
}

function back() {
  addTime();
  state.position -= 1;
  keep();
  showPair();
}

function showPause() {
  addTime();
  keep();
  showCount("Paused");
  showText("Paused", make("p", {}, "Your answers are kept in this browser. You may close the page and open it again later."),
    make("div", { class: "buttons" }, button("Resume", showPair, "first"), button("Download the answers so far", download)));
}

function showEnd() {
  state.position = study.pairs.length - 1;
  keep();
  showCount("Done");
  showText("Thank you", make("p", {}, `All ${study.pairs.length} pairs are answered. Download your answers and hand the file to the study staff.`),
    make("div", { class: "buttons" }, button("Download answers", download, "first"), button("Look at the last pair again", showPair),
      button("Next reader", () => { if (confirm("Have you downloaded your answers? They are removed from this browser.")) discard(); })));
}

function download() {
  const answers = {};
  for (const pair of study.pairs.filter((each) => isAnswered(each))) {
    const { preference, confidence, realism, items, seconds } = state.answers[pair.id];
    const grades = study.realism ? { left: Number(realism.left), right: Number(realism.right) } : null;
    answers[pair.id] = { preference, confidence: Number(confidence), realism: grades, items, seconds };
  }
  const file = { format: "reader-study-answers", version: 1, study: study.study, reader: state.reader,
    started: state.started, exported: new Date().toISOString(), pairs: study.pairs.length, answers };
  const address = URL.createObjectURL(new Blob([JSON.stringify(file, null, 2)], { type: "application/json" }));
  const link = make("a", { href: address, download: `reader-study-${study.study}-${state.reader}.json` });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

document.addEventListener("keydown", (event) => {
  const form = document.getElementById("answer"), typing = event.target.matches("input[type=text], button");
  if (!form || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const preference = { l: "left", n: "none", r: "right" }[event.key.toLowerCase()];
  const pick = preference ? `[name=preference][value=${preference}]` : /^[1-5]$/.test(event.key) ? `[name=confidence][value="${event.key}"]` : null;
  if (pick) { const input = form.querySelector(pick); input.checked = true; input.focus(); read(); }
  else if (event.key === "Enter") { event.preventDefault(); form.requestSubmit(); }
});

document.getElementById("kept").hidden = (() => {
  try { localStorage.setItem(place + "-test", "1"); localStorage.removeItem(place + "-test"); return true; } catch { return false; }
})();
showStart();
