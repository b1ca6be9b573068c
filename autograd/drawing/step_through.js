"use strict";

// The steps come as data: {steps: [{phase, boxes, lines, changed, formula, total, words}], uses: [a text a box]}.
const { steps, uses } = JSON.parse(document.getElementById("passes").textContent);
const graph = document.querySelector(".picture svg");
const boxes = [...graph.querySelectorAll(".box")];
const lines = [...graph.querySelectorAll(".line")];
const slider = document.querySelector("input[type=range]");
const playButton = document.querySelector("[data-go=play]");
const forwardSteps = steps.filter((step) => step.phase === "forward").length;
const PAUSE = 1200; // milliseconds between steps while playing

let current = 0; // how many steps have been taken
let timer = null;

const write = (selector, text) => { document.querySelector(selector).textContent = text; };
const cell = (box, kind) => boxes[box].querySelector(`text.${kind}`);

// The state after `count` steps depends on nothing but `count`, so that going back is as sure as going on.
function show(count) {
  current = Math.max(0, Math.min(steps.length, count));
  const inBackward = current > forwardSteps;
  for (const part of [...boxes, ...lines]) part.classList.remove("lit", "now", "forward", "backward");
  boxes.forEach((_, box) => {
    cell(box, "data").textContent = "";
    const gradient = cell(box, "grad");
    if (gradient) gradient.textContent = inBackward ? "0.0" : "";
  });
  steps.slice(0, current).forEach((step, i) => {
    for (const [box, number] of step.changed) {
      const target = cell(box, step.phase === "forward" ? "data" : "grad");
      if (target) target.textContent = number;
    }
    if (inBackward && step.phase === "forward") return;
    const parts = [...step.boxes.map((k) => boxes[k]), ...step.lines.map((k) => lines[k])];
    for (const part of parts) part.classList.add("lit", step.phase);
    if (i === current - 1) for (const part of parts) part.classList.add("now");
  });
  tell();
}

function tell() {
  const step = steps[current - 1];
  slider.value = current;
  slider.setAttribute("aria-valuetext", `step ${current} of ${steps.length}`);
  write(".phase", step ? `${step.phase} pass · step ${current} of ${steps.length}` : `${steps.length} steps`);
  write(".formula", step ? step.formula : "");
  write(".total", step ? step.total : "");
  write(".words", step ? step.words : "The forward pass computes the numbers, the backward pass their gradients.");
  if (current === steps.length) pause();
  if (step) bringIntoView(boxes[step.changed[0][0]]);
}

// Only the picture scrolls, never a notebook around the page.
function bringIntoView(box) {
  const picture = document.querySelector(".picture");
  const [frame, part] = [picture.getBoundingClientRect(), box.getBoundingClientRect()];
  if (part.left < frame.left || part.right > frame.right) {
    picture.scrollLeft += (part.left + part.right - frame.left - frame.right) / 2;
  }
  if (part.top < frame.top || part.bottom > frame.bottom) {
    picture.scrollTop += (part.top + part.bottom - frame.top - frame.bottom) / 2;
  }
}

function pause() {
  clearInterval(timer);
  timer = null;
  playButton.textContent = "▶ play";
  playButton.setAttribute("aria-label", "play");
}

function play() {
  if (timer !== null) return pause();
  if (current === steps.length) show(0);
  playButton.textContent = "⏸ pause";
  playButton.setAttribute("aria-label", "pause");
  timer = setInterval(() => show(current + 1), PAUSE);
}

const go = {
  start: () => { pause(); show(0); },
  back: () => { pause(); show(current - 1); },
  play,
  next: () => { pause(); show(current + 1); },
  end: () => { pause(); show(steps.length); },
};
const keys = { ArrowRight: "next", ArrowLeft: "back", Home: "start", End: "end", " ": "play" };

for (const button of document.querySelectorAll("[data-go]")) {
  button.addEventListener("click", () => go[button.dataset.go]());
}
slider.max = steps.length;
slider.addEventListener("input", () => { pause(); show(Number(slider.value)); });
document.addEventListener("keydown", (event) => {
  const name = keys[event.key];
  const own = event.key === " " ? event.target.tagName === "BUTTON" : event.target === slider;
  if (!name || own || event.altKey || event.ctrlKey || event.metaKey) return; // the control's own keys, the browser's
  event.preventDefault();
  go[name]();
});
graph.setAttribute("role", "group"); // of an img, those who hear the page would not be told the parts
boxes.forEach((box, k) => {
  box.setAttribute("tabindex", "0");
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", uses[k]);
  for (const event of ["focus", "mouseenter"]) box.addEventListener(event, () => write(".uses", uses[k]));
});
show(0);
