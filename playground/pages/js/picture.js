// The picture of a graph, with zoom, sliders, and groups that open and close by clicking.
import { make, number } from "./dom.js";
import { pictureFrom } from "./svg.js";

export class GraphPicture {
  // `ask` sends a message about the graph and returns the answer; `onError` receives errors.
  constructor(parts, ask, onError) {
    Object.assign(this, { ...parts, ask, onError, waiting: null, busy: false, zoom: null });
  }

  show(graph) {
    this.graph = graph;
    this.waiting = null;
    const svg = pictureFrom(graph.svg);
    this.zoom?.remove();
    this.frame.replaceChildren(svg ?? "");
    if (!svg) return;
    this.boxes = [...svg.querySelectorAll(".box")];
    this.lines = [...svg.querySelectorAll(".line")];
    for (const box of this.boxes) this.#makeButton(box, "openable", "open");
    for (const frame of svg.querySelectorAll(".frame")) this.#makeButton(frame, "closable", "close");
    this.zoom = makeZoomable(this.frame);
    this.#showSliders();
    this.#showRows(graph.rows);
    this.remark.textContent = [graph.remark, this.boxes.some((box) => box.classList.contains("openable"))
      ? "Click a stack to open it, and a frame to close it." : ""].filter(Boolean).join(" ");
  }

  clear() {
    this.zoom?.remove();
    this.zoom = null;
    for (const part of [this.frame, this.sliders, this.table, this.remark]) part.replaceChildren();
  }

  #makeButton(element, kind, verb) {
    const group = element.dataset.group;
    if (!group) return;
    element.classList.add(kind);
    element.ownerSVGElement.setAttribute("role", "group"); // screen readers skip the parts of an img
    const outline = [...element.querySelectorAll("path, rect")].at(-1); // it has no text that would be read twice
    outline.setAttribute("tabindex", "0");
    outline.setAttribute("role", "button");
    outline.setAttribute("aria-label", `${verb} ${group}`);
    const act = async () => {
      try {
        this.show({ ...this.graph, ...await this.ask({ kind: "open", group }) });
        this.frame.querySelector(`[data-group="${CSS.escape(group)}"] [role=button]`)?.focus({ preventScroll: true });
      } catch (error) {
        this.onError(error);
      }
    };
    let [x, y] = [0, 0];
    element.addEventListener("pointerdown", (event) => { [x, y] = [event.clientX, event.clientY]; });
    element.addEventListener("click", (event) => { if (Math.hypot(event.clientX - x, event.clientY - y) < 6) act(); });
    element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      act();
    });
  }

  #showSliders() {
    this.sliders.replaceChildren();
    (this.graph.sliders ?? []).forEach((slider, k) => {
      const { leaf, name, data, reach } = slider;
      const id = `leaf-${k}`;
      const step = reach / 200;
      const range = make("input", { type: "range", id, min: data - reach, max: data + reach, step: "any", value: data });
      const box = make("input", { type: "number", step: "any", value: Number(data.toPrecision(5)), "aria-label": `${name}, as a number` });
      const move = (x, other) => {
        if (!Number.isFinite(x)) return;
        slider.data = x;
        other.value = other === box ? Number(x.toPrecision(5)) : x;
        range.setAttribute("aria-valuetext", `${name} = ${number(x)}`);
        this.#move(leaf, x);
      };
      range.addEventListener("input", () => move(Number(range.value), box));
      range.addEventListener("keydown", (event) => { // step "any" has no step size for the arrow keys
        const by = { ArrowRight: step, ArrowUp: step, ArrowLeft: -step, ArrowDown: -step }[event.key];
        if (by === undefined) return;
        event.preventDefault();
        range.value = String(Number(range.value) + by);
        move(Number(range.value), box);
      });
      box.addEventListener("input", () => { if (box.value !== "") move(Number(box.value), range); });
      this.sliders.append(make("div", { class: "slider" }, make("label", { for: id }, name), range, box));
    });
  }

  // Sends one number at a time; if the user is faster, only the last one follows.
  async #move(leaf, data) {
    this.waiting = { leaf, data };
    if (this.busy) return;
    this.busy = true;
    while (this.waiting) {
      const next = this.waiting;
      this.waiting = null;
      try {
        this.#update(await this.ask({ kind: "slide", ...next }));
        this.frame.classList.remove("undefined");
        this.onError(null);
      } catch (error) {
        this.frame.classList.add("undefined");
        this.onError(error);
        if (error.ended) break;
      }
    }
    this.busy = false;
    this.frame.dispatchEvent(new CustomEvent("settled", { bubbles: true }));
  }

  #update({ boxes, lines, rows }) {
    boxes.forEach(({ rows: texts, tooltip }, k) => {
      const cells = [...this.boxes[k].querySelectorAll("text[text-anchor=end]:not(.name)")];
      cells.forEach((cell, i) => { if (cell.textContent !== texts[i]) cell.textContent = texts[i] ?? ""; });
      const title = this.boxes[k].querySelector("title");
      if (title) title.textContent = tooltip;
    });
    lines.forEach((label, k) => {
      const cell = this.lines[k].querySelector(".derivative");
      if (cell && cell.textContent !== label) cell.textContent = label;
    });
    this.#showRows(rows);
  }

  #showRows(rows) {
    const body = this.table;
    while (body.rows.length > rows.length) body.deleteRow(-1);
    rows.forEach((row, k) => {
      const tr = body.rows[k] ?? body.insertRow();
      while (tr.cells.length < 5) tr.insertCell();
      const from = row.from.length ? `${row.operation} of ${row.from.join(", ")}` : row.role;
      const texts = [row.name, row.role, from, number(row.data, 6), row.grad === null ? "" : number(row.grad, 6)];
      texts.forEach((text, i) => { if (tr.cells[i].textContent !== text) tr.cells[i].textContent = text; });
    });
  }
}
