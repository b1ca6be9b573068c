"use strict";

// Opens and closes groups by clicking, or with Enter. `frame` shows one of the `pictures`, the states of the graph's
// picture; `targets` gives for each state and group the resulting state. `onShow` is called with the state shown and
// its zoom controls.
function mountFolds(frame, pictures, targets, onShow) {
  let zoom = null;
  const show = (k, from) => {
    zoom?.remove();
    frame.replaceChildren(pictures[k]);
    zoom = makeZoomable(frame);
    onShow?.(k, zoom);
    if (from) pictures[k].querySelector(`[data-group="${CSS.escape(from)}"] [role=button]`)?.focus({ preventScroll: true });
  };
  pictures.forEach((picture, k) => {
    for (const part of picture.querySelectorAll("[data-group]")) {
      const { group } = part.dataset;
      if (!(group in targets[k])) continue;
      picture.setAttribute("role", "group"); // a screen reader would not read the parts of an img
      const isFrame = part.classList.contains("frame");
      part.classList.add(isFrame ? "closable" : "openable");
      const outline = [...part.querySelectorAll("path, rect")].at(-1); // the outline contains no text, so none is read twice
      outline.setAttribute("tabindex", "0");
      outline.setAttribute("role", "button");
      outline.setAttribute("aria-label", `${isFrame ? "close" : "open"} ${group}`);
      const act = () => show(targets[k][group], group);
      let at = [0, 0];
      part.addEventListener("pointerdown", (event) => { at = [event.clientX, event.clientY]; });
      part.addEventListener("click", (event) => {
        if (Math.hypot(event.clientX - at[0], event.clientY - at[1]) < 6) act(); // not a drag
      });
      part.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        event.stopPropagation();
        act();
      });
    }
  });
  show(0);
}

// Returns the states of a page's picture: the visible one, and those in templates.
function statesOf(root) {
  const waiting = [...root.querySelectorAll("template.state")].map((state) => state.content.querySelector("svg"));
  return [root.querySelector(".picture svg"), ...waiting];
}

const folds = document.getElementById("folds");
if (folds) mountFolds(document.querySelector(".picture"), statesOf(document), JSON.parse(folds.textContent));
