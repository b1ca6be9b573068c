// The network: a circle per neuron, filled with its activation, and a line per weight.
import { number } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const [COLUMN, ROW, RADIUS, MARGIN] = [150, 56, 17, 46];

function make(name, attributes = {}, text = "") {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text) element.textContent = text;
  return element;
}

export class NetworkDrawing {
  // `open` is called with the layer and index of the clicked neuron.
  constructor(svg, open) {
    Object.assign(this, { svg, open, passes: null, state: null });
  }

  // Creates the elements, once for each network.
  make(state) {
    this.passes = null;
    const sizes = [2, ...state.weights.map((layer) => layer.length)];
    const tallest = Math.max(...sizes);
    const [width, height] = [2 * MARGIN + COLUMN * (sizes.length - 1), MARGIN + ROW * tallest];
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const place = (column, row) => [MARGIN + COLUMN * column, MARGIN / 2 + ROW * (row + (tallest - sizes[column] + 1) / 2)];
    const wires = make("g");
    const units = make("g");
    const words = make("g", { class: "words", "aria-hidden": true }); // the neurons' labels contain them
    this.wires = state.weights.map((layer, i) => layer.map((weights, j) => weights.map((_, k) => {
      const [[x1, y1], [x2, y2]] = [place(i, k), place(i + 1, j)];
      const wire = make("path", { d: `M${x1 + RADIUS},${y1}C${x1 + COLUMN / 2},${y1} ${x2 - COLUMN / 2},${y2} ${x2 - RADIUS},${y2}` });
      wire.append(make("title"));
      wires.append(wire);
      return wire;
    })));
    this.units = sizes.map((size, column) => Array.from({ length: size }, (_, row) => {
      const [x, y] = place(column, row);
      const unit = make("g", { transform: `translate(${x} ${y})` });
      unit.append(make("circle", { r: RADIUS }), make("circle", { r: 0, class: "fill" }));
      unit.words = [make("text", { x, y: y + 4 }), make("text", { x, y: y + RADIUS + 13 })];
      units.append(unit);
      words.append(...unit.words);
      if (column) this.#makeButton(unit, column - 1, row);
      else unit.setAttribute("class", "input");
      return unit;
    }));
    this.svg.replaceChildren(wires, units, words);
  }

  #makeButton(unit, layer, neuron) {
    for (const [key, value] of Object.entries({ class: "unit", tabindex: 0, role: "button" })) unit.setAttribute(key, value);
    unit.addEventListener("click", () => this.open(layer, neuron));
    unit.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      this.open(layer, neuron);
    });
  }

  take(state) { this.state = state; }

  // Lines show the weights, or the gradients of the current sample.
  show(lines) {
    const numbers = lines === "gradients" ? this.passes?.gradients ?? this.state.gradients : this.state.weights;
    const largest = Math.max(...numbers.flat(2).map(Math.abs), 1e-12);
    this.wires.forEach((layer, i) => layer.forEach((wires, j) => wires.forEach((wire, k) => {
      const x = numbers[i][j][k];
      const strength = Math.min(1, Math.abs(x) / largest);
      wire.setAttribute("class", `wire ${x < 0 ? "negative" : "positive"}`);
      wire.setAttribute("stroke-width", (0.5 + 5.5 * strength).toFixed(2));
      wire.setAttribute("stroke-opacity", (0.25 + 0.75 * strength).toFixed(2));
      wire.firstChild.textContent = `w = ${this.state.weights[i][j][k]}` +
        (this.passes ? `\ngradient = ${this.passes.gradients[i][j][k]}` : "");
    })));
    const { activations, deltas } = this.passes ?? {};
    const scale = activations ? Math.max(1, ...activations.slice(0, -1).flat().map(Math.abs)) : 1;
    this.units.forEach((column, i) => column.forEach((unit, j) => {
      const [fill, [inside, below]] = [unit.children[1], unit.words];
      const a = activations?.[i][j];
      fill.setAttribute("r", (RADIUS * Math.min(1, Math.sqrt(Math.abs(a ?? 0) / scale))).toFixed(2));
      fill.setAttribute("class", `fill ${a < 0 ? "negative" : "positive"}`);
      fill.setAttribute("fill-opacity", "0.45");
      inside.textContent = a === undefined ? "" : number(a, 2);
      below.textContent = i ? (lines === "gradients" && deltas ? `δ ${number(deltas[i - 1][j], 2)}` : `b ${number(this.state.biases[i - 1][j], 2)}`) : `x${j + 1}`;
      if (i) unit.setAttribute("aria-label", `layer ${i}, neuron ${j + 1}: bias ${number(this.state.biases[i - 1][j])}` +
        (a === undefined ? "" : `, activation ${number(a)}, error δ ${number(deltas[i - 1][j])}`) + ". Opens its graph");
    }));
  }

  // Shows a pass: "forward", "backward" or none.
  phase(name) {
    for (const unit of this.units.flat()) {
      unit.classList.remove("forward", "backward");
      if (name) unit.classList.add(name);
    }
  }
}
