"use strict";

// Plays the two passes over a graph. `root` holds the parts of step_through.html, with a picture for each scene. The
// data is {steps: [{phase, boxes, lines, changed, formula, total, words, layer}], uses: [one text per box], scenes:
// [{boxes, lines, targets}]}. Steps refer to the boxes and lines of the full scene; a scene maps them to those of its
// picture, and groups to the scene that a click on them leads to.
function mountStepThrough(root, { steps: all, uses, scenes }) {
  const $ = (selector) => root.querySelector(selector);
  const pictures = statesOf(root).map((picture, k) => {
    const [boxes, lines] = ["box", "line"].map((kind) => [...picture.querySelectorAll(`.${kind}`)]);
    return { boxes, lines, box: (i) => boxes[scenes[k].boxes[i]], line: (i) => lines[scenes[k].lines[i]], picture };
  });
  // The leaves show their numbers before the first step, which is an operation, unless the graph is a single leaf.
  const isLeaf = (step) => step.phase === "forward" && step.lines.length === 0;
  const hasOperations = all.some((step) => step.phase === "forward" && !isLeaf(step));
  const leaves = hasOperations ? all.filter(isLeaf).map((step) => step.changed[0]) : [];
  const steps = hasOperations ? all.filter((step) => !isLeaf(step)) : all;
  const slider = $("input[type=range]");
  const playButton = $("[data-go=play]");
  const byLayer = $("[data-by=layer]");
  const forwardSteps = steps.filter((step) => step.phase === "forward").length;
  const PAUSE = 1200; // milliseconds between steps while playing

  let now = pictures[0]; // the visible picture
  let zoom = null;
  let current = 0; // the number of steps taken
  let timer = null;

  const write = (selector, text) => { $(selector).textContent = text; };
  const isMany = (box) => Number(box.dataset.nodes) > 1;
  const cell = (box, kind) => (isMany(now.box(box)) ? null : now.box(box).querySelector(`text.${kind}`));

  // The state after `count` steps depends only on `count`, so stepping back is as reliable as stepping forward.
  function show(count) {
    current = Math.max(0, Math.min(steps.length, count));
    const inBackward = current > forwardSteps;
    for (const part of [...now.boxes, ...now.lines]) part.classList.remove("lit", "now", "forward", "backward");
    uses.forEach((_, box) => {
      const [data, gradient] = [cell(box, "data"), cell(box, "grad")];
      if (data) data.textContent = "";
      if (gradient) gradient.textContent = inBackward ? "0.0" : "";
    });
    for (const [box, number] of leaves) {
      const data = cell(box, "data");
      if (data) data.textContent = number;
      if (!inBackward) now.box(box).classList.add("lit", "forward");
    }
    const first = startOfGroup(current - 1);
    steps.slice(0, current).forEach((step, i) => {
      for (const [box, number] of step.changed) {
        const target = cell(box, step.phase === "forward" ? "data" : "grad");
        if (target) target.textContent = number;
      }
      if (inBackward && step.phase === "forward") return;
      const parts = [...step.boxes.map(now.box), ...step.lines.map(now.line)].filter(Boolean);
      for (const part of parts) part.classList.add("lit", step.phase);
      if (i >= first) for (const part of parts) part.classList.add("now");
    });
    tell(current - first);
  }

  function tell(taken) {
    const step = steps[current - 1];
    slider.value = current;
    slider.setAttribute("aria-valuetext", `step ${current} of ${steps.length}`);
    write(".phase", step ? `${step.phase} pass · step ${current} of ${steps.length}` : `${steps.length} steps`);
    const whole = step && taken > 1;
    write(".formula", step ? (whole ? `${groupOf(current - 1).name}: ${taken} steps` : step.formula) : "");
    write(".total", step ? (whole ? `the last one: ${step.formula}` : step.total) : "");
    write(".words", step ? step.words : "The forward pass computes the numbers, the backward pass their gradients.");
    if (current === steps.length) pause();
    if (step) zoom?.reveal(now.box(step.changed[0][0]));
  }

  // Steps played as one: those of a layer, if the reader chooses so, or those inside a closed box.
  function groupOf(k) {
    if (byLayer.checked && steps[k].layer) return { key: steps[k].layer, name: steps[k].layer };
    const box = now.box(steps[k].changed[0][0]);
    const inside = isMany(box) && steps[k].lines.every((line) => !now.line(line));
    return inside ? { key: box.id, name: box.dataset.group ?? box.querySelector(".name").textContent } : { key: "" };
  }

  function areTogether(i, k) {
    if (!steps[i] || !steps[k] || steps[i].phase !== steps[k].phase) return false;
    const { key } = groupOf(k);
    return key !== "" && groupOf(i).key === key;
  }

  function startOfGroup(k) {
    let i = k;
    while (areTogether(i - 1, k)) i -= 1;
    return i;
  }

  function next() {
    let count = current + 1;
    while (areTogether(count, count - 1)) count += 1;
    show(count);
  }

  function back() {
    show(current > 0 ? startOfGroup(current - 1) : 0);
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
    timer = setInterval(next, PAUSE);
  }

  const go = {
    start: () => { pause(); show(0); },
    back: () => { pause(); back(); },
    play,
    next: () => { pause(); next(); },
    end: () => { pause(); show(steps.length); },
  };
  const keys = { ArrowRight: "next", ArrowLeft: "back", Home: "start", End: "end", " ": "play" };

  for (const button of root.querySelectorAll("[data-go]")) {
    button.addEventListener("click", () => go[button.dataset.go]());
  }
  byLayer.closest("label").hidden = !steps.some((step, k) => step.layer && step.layer === steps[k + 1]?.layer);
  byLayer.addEventListener("change", () => show(current));
  slider.max = steps.length;
  slider.addEventListener("input", () => { pause(); show(Number(slider.value)); });
  (root === document.body ? document : root).addEventListener("keydown", (event) => {
    const name = keys[event.key];
    const own = event.key === " " ? ["BUTTON", "INPUT"].includes(event.target.tagName) && event.target !== slider
      : event.target === slider;
    if (!name || own || event.altKey || event.ctrlKey || event.metaKey) return; // keys of the focused control or the browser
    event.preventDefault();
    go[name]();
  });
  for (const { picture, box } of pictures) {
    picture.setAttribute("role", "group"); // a screen reader would not read the parts of an img
    uses.forEach((text, k) => {
      if (isMany(box(k))) return;
      box(k).setAttribute("tabindex", "0");
      box(k).setAttribute("role", "img");
      box(k).setAttribute("aria-label", text);
      for (const event of ["focus", "mouseenter", "click"]) box(k).addEventListener(event, () => write(".uses", text));
    });
  }
  if (matchMedia("(pointer: coarse)").matches) {
    write(".uses", "Tap a node to see its gradient as a sum over its uses. Drag to move the picture, pinch to zoom.");
  }
  mountFolds($(".picture"), pictures.map(({ picture }) => picture), scenes.map(({ targets }) => targets), (k, itsZoom) => {
    [now, zoom] = [pictures[k], itsZoom];
    show(current);
  });
  return { pause };
}

const passes = document.getElementById("passes");
if (passes) mountStepThrough(document.body, JSON.parse(passes.textContent));
