"use strict";

function boundsOf(svg) {
  const { x, y, width, height } = svg.getBBox();
  return { x, y, width, height };
}

// Makes the picture in a frame zoomable and movable: with Ctrl and the wheel, by pinching, by dragging, with buttons,
// and in an overview that shows the visible part. `reveal` brings a part into view.
function makeZoomable(frame) {
  const svg = frame.querySelector("svg");
  if (!svg) return { reveal() {}, remove() {} };
  svg.dataset.whole ??= svg.getAttribute("viewBox") ?? Object.values(boundsOf(svg)).join(" "); // zooming changes the viewBox
  const [x0, y0, width, height] = svg.dataset.whole.trim().split(/[\s,]+/).map((n) => Number(n) || 0);
  if (!width || !height) return { reveal() {}, remove() {} };
  const view = { x: x0, y: y0, scale: 1 }; // the top left corner in the picture's units, and pixels per unit
  const pointers = new Map();
  const listeners = new AbortController();
  const on = (target, event, act, options) =>
    target.addEventListener(event, act, { signal: listeners.signal, ...options });
  const parts = controls();

  svg.removeAttribute("width");
  svg.removeAttribute("height");
  svg.style.cssText = "width:100%;height:100%;max-width:none;touch-action:none;cursor:grab";

  const size = () => ({ w: frame.clientWidth || 1, h: frame.clientHeight || 1 });
  const fitting = () => Math.min(size().w / width, size().h / height);
  const smallest = () => Math.min(fitting(), 1) / 1.5;

  function draw() {
    const { w, h } = size();
    const [seenWidth, seenHeight] = [w / view.scale, h / view.scale];
    view.x = clamp(view.x, x0, width, seenWidth);
    view.y = clamp(view.y, y0, height, seenHeight);
    svg.setAttribute("viewBox", `${view.x} ${view.y} ${seenWidth} ${seenHeight}`);
    parts.overview.toggleAttribute("hidden", seenWidth >= width - 1 && seenHeight >= height - 1);
    const seen = { x: view.x, y: view.y, width: seenWidth, height: seenHeight };
    for (const [name, number] of Object.entries(seen)) parts.seen.setAttribute(name, String(number));
  }

  // A picture narrower than the frame is centred in it; a wider one cannot be moved out of it.
  function clamp(start, least, length, seen) {
    return seen >= length ? least + (length - seen) / 2 : Math.max(least, Math.min(least + length - seen, start));
  }

  function zoom(factor, clientX, clientY) {
    const box = svg.getBoundingClientRect();
    const [px, py] = [clientX - box.left, clientY - box.top];
    const scale = Math.max(smallest(), Math.min(4, view.scale * factor));
    view.x += px / view.scale - px / scale;
    view.y += py / view.scale - py / scale;
    view.scale = scale;
    draw();
  }

  function zoomInTheMiddle(factor) {
    const box = svg.getBoundingClientRect();
    zoom(factor, box.left + box.width / 2, box.top + box.height / 2);
  }

  function fit() {
    view.scale = Math.min(1, fitting());
    draw();
  }

  function readable() { // shows the whole picture if it is readable at that size, else its beginning
    view.scale = Math.min(1, Math.max(fitting(), 0.6));
    [view.x, view.y] = [x0, y0];
    draw();
  }

  function reveal(part) {
    const [outer, inner] = [svg.getBoundingClientRect(), part.getBoundingClientRect()];
    if (inner.left < outer.left || inner.right > outer.right) {
      view.x += (inner.left + inner.right - outer.left - outer.right) / 2 / view.scale;
    }
    if (inner.top < outer.top || inner.bottom > outer.bottom) {
      view.y += (inner.top + inner.bottom - outer.top - outer.bottom) / 2 / view.scale;
    }
    draw();
  }

  function controls() {
    const bar = document.createElement("div");
    bar.className = "zoom";
    const acts = [["+", "zoom in", () => zoomInTheMiddle(1.3)], ["−", "zoom out", () => zoomInTheMiddle(1 / 1.3)],
      ["▣", "show the whole picture", fit]];
    for (const [text, label, act] of acts) {
      const button = document.createElement("button");
      [button.type, button.textContent, button.title] = ["button", text, label];
      button.setAttribute("aria-label", label);
      on(button, "click", act);
      bar.append(button);
    }
    const make = (name) => document.createElementNS("http://www.w3.org/2000/svg", name);
    const overview = make("svg");
    overview.setAttribute("class", "overview");
    overview.setAttribute("aria-hidden", "true");
    overview.setAttribute("viewBox", `${x0} ${y0} ${width} ${height}`);
    for (const box of svg.querySelectorAll(".box")) {
      const small = make("rect");
      const { x, y, width: w, height: h } = box.getBBox();
      small.setAttribute("transform", `${inWhole(box)}`);
      Object.entries({ x, y, width: w, height: h }).forEach(([name, n]) => small.setAttribute(name, String(n)));
      overview.append(small);
    }
    const seen = make("rect");
    seen.setAttribute("class", "seen");
    overview.append(seen);
    frame.append(bar, overview);
    return { bar, overview, seen };
  }

  function inWhole(box) {
    const shift = (element) => (element === svg || !element ? "" : `${shift(element.parentNode)} ${element.getAttribute("transform") || ""}`);
    return shift(box).trim();
  }

  on(svg, "wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return; // without Ctrl, the wheel scrolls the page
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 300), event.clientX, event.clientY);
  }, { passive: false });
  on(svg, "pointerdown", (event) => {
    if (event.button) return;
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY, moved: 0 });
  });
  on(svg, "pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    now.moved = before.moved + Math.hypot(now.x - before.x, now.y - before.y);
    pointers.set(event.pointerId, now);
    if (now.moved < 4) return;
    if (!svg.hasPointerCapture(event.pointerId)) svg.setPointerCapture(event.pointerId);
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const distance = (p) => Math.hypot(p.x - other.x, p.y - other.y) || 1;
      zoom(distance(now) / distance(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
    } else {
      view.x -= (now.x - before.x) / view.scale;
      view.y -= (now.y - before.y) / view.scale;
      draw();
    }
  });
  for (const name of ["pointerup", "pointercancel", "pointerleave"]) on(svg, name, (event) => pointers.delete(event.pointerId));
  const jump = (event) => {
    if (!event.buttons) return;
    const box = parts.overview.getBoundingClientRect();
    const scale = Math.min(box.width / width, box.height / height);
    const { w, h } = size();
    view.x = x0 + (event.clientX - box.left - (box.width - width * scale) / 2) / scale - w / view.scale / 2;
    view.y = y0 + (event.clientY - box.top - (box.height - height * scale) / 2) / scale - h / view.scale / 2;
    draw();
  };
  on(parts.overview, "pointerdown", jump);
  on(parts.overview, "pointermove", jump);
  const observer = new ResizeObserver(draw);
  observer.observe(frame);
  readable();

  function remove() {
    listeners.abort();
    observer.disconnect();
    parts.bar.remove();
    parts.overview.remove();
  }

  return { reveal, remove, fit };
}
