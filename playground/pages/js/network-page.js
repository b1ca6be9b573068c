// The network page: a network that trains in the worker, step by step, and its predictions on the plane.
import { $, make, motionIsReduced, number } from "./dom.js";
import { NetworkDrawing } from "./network-drawing.js";
import { GraphPicture } from "./picture.js";
import { Plane } from "./plane.js";
import { Python } from "./python.js";
import { begin } from "./theme.js";

const SIZE = 48; // points of the boundary per side
const SLICE = 0.08; // seconds of training per request
const PHASE = 700; // milliseconds to show a pass

class NetworkPage {
  constructor() {
    this.python = new Python((part) => { $("#progress").value = part; });
    this.plane = new Plane($("#plane"), $("#points"), {
      choose: (sample) => this.#act(() => this.#look(sample)),
      add: (x, y) => this.#add(x, y),
    });
    this.net = new NetworkDrawing($("#net"), (layer, neuron) => this.#act(() => this.#open(layer, neuron)));
    this.picture = new GraphPicture(
      { frame: $("#picture"), sliders: $("#sliders"), table: $("#rows"), remark: $("#remark") },
      (message) => this.python.ask({ graph: 0, ...message }), (error) => this.#say("#neuron-trouble", error));
    this.own = [];
    this.costs = [];
    $("#play").addEventListener("click", () => (this.playing ? this.pause() : this.play()));
    $("#one").addEventListener("click", () => this.#act(() => this.#one()));
    $("#reset").addEventListener("click", () => this.#act(() => this.reset()));
    $("#lines").addEventListener("change", () => this.net.show($("#lines").value));
    $("#close").addEventListener("click", () => $("#neuron").close());
    $("#clear").addEventListener("click", () => { this.own = []; this.#ownPoints(); });
    for (const id of ["data", "layers", "activation", "rate", "batch", "seed"]) {
      $(`#${id}`).addEventListener("change", () => this.#act(() => this.reset()));
    }
    addEventListener("theme", () => this.plane.draw());
  }

  async start() {
    $("#loading").hidden = false;
    try {
      await this.python.ready;
    } catch (error) {
      return this.#say("#trouble", error);
    } finally {
      $("#loading").hidden = true;
    }
    for (const id of ["#play", "#one", "#reset"]) $(id).disabled = false;
    await this.#act(() => this.reset());
    document.documentElement.dataset.python = "ready";
  }

  #say(selector, error) {
    $(selector).hidden = !error;
    $(selector).textContent = error ? error.message : "";
  }

  // One request at a time: those made while the network trains wait for the current slice.
  #act(what) {
    this.queue = (this.queue ?? Promise.resolve()).then(async () => {
      try {
        await what();
        this.#say("#trouble", null);
      } catch (error) {
        this.pause();
        this.#say("#trouble", error);
      }
    });
    return this.queue;
  }

  get settings() {
    const layers = $("#layers").value.split(/[\s,;]+/).filter(Boolean).map(Number);
    if (layers.some((n) => !Number.isInteger(n))) {
      throw new Error(`Hidden layers are whole numbers, such as “8, 8”; “${$("#layers").value}” is something else.`);
    }
    return {
      data: $("#data").value, points: this.own, count: 100, layers, activation: $("#activation").value,
      rate: Number($("#rate").value), batch: Number($("#batch").value), seed: Math.abs(Math.trunc(Number($("#seed").value))),
    };
  }

  async reset() {
    this.pause();
    $("#drawing").hidden = $("#data").value !== "own";
    this.plane.drawing = $("#data").value === "own";
    this.costs = [];
    if ($("#data").value === "own" && new Set(this.own.map(([, , label]) => label)).size < 2) {
      this.plane.show(this.own);
      this.plane.boundary = null;
      this.plane.draw();
      this.made = false;
      throw new Error("Draw points of both classes: choose a class, and click into the plane.");
    }
    const state = await this.python.ask({ kind: "network", settings: this.settings });
    this.made = true;
    this.sample = 0;
    this.net.make(state);
    this.#take(state);
    await this.#look(0);
    await this.#boundary();
    document.documentElement.dataset.network = String(Number(document.documentElement.dataset.network ?? 0) + 1);
  }

  #take(state) {
    this.state = state;
    this.plane.show(state.points);
    this.net.take(state);
    this.net.show($("#lines").value);
    this.costs.push(Number(state.cost));
    $("#epoch").textContent = state.epoch;
    $("#updates").textContent = state.updates;
    $("#cost").textContent = number(state.cost, 3);
    $("#accuracy").textContent = `${(100 * state.accuracy).toFixed(0)} %`;
    this.#curve();
  }

  #curve() {
    const most = Math.max(...this.costs.filter(Number.isFinite), 1e-9);
    if (this.costs.length > 400) this.costs = this.costs.filter((_, k) => k % 2 === 0);
    const d = this.costs.map((c, k) => `${k ? "L" : "M"}${(200 * k / Math.max(1, this.costs.length - 1)).toFixed(1)},` +
      `${(48 - 46 * Math.min(1, c / most)).toFixed(1)}`).join("");
    const path = $("#curve path") ?? $("#curve").appendChild(document.createElementNS("http://www.w3.org/2000/svg", "path"));
    path.setAttribute("d", d);
    $("#curve").setAttribute("aria-label", `cost over time, now ${number(this.costs.at(-1), 3)}`);
  }

  async #boundary() {
    const before = performance.now();
    const answer = await this.python.ask({ kind: "boundary", size: SIZE });
    this.boundaryTook = performance.now() - before;
    this.boundaryAt = performance.now();
    this.plane.boundary = answer;
    this.plane.draw();
  }

  play() {
    if (!this.made || this.playing) return;
    this.playing = true;
    document.documentElement.dataset.playing = "yes";
    $("#play").textContent = "❚❚ Pause";
    $("#phase").textContent = "";
    this.net.phase("");
    this.#tick();
  }

  // Trains for a slice, and draws the boundary so often that it takes at most half of the time.
  #tick() {
    this.#act(async () => {
      if (!this.playing) return;
      this.#take(await this.python.ask({ kind: "train", updates: 100_000, seconds: SLICE }));
      if (performance.now() - this.boundaryAt > 2 * this.boundaryTook) await this.#boundary();
      if (this.playing) requestAnimationFrame(() => this.#tick());
    });
  }

  pause() {
    const was = this.playing;
    this.playing = false;
    $("#play").textContent = "▶ Play";
    if (was) this.#act(() => this.#settle());
  }

  async #settle() { // brings the display up to date with the weights
    await this.#boundary();
    await this.#look(this.sample ?? 0);
    document.documentElement.dataset.settled = String(this.state.updates);
    document.documentElement.dataset.playing = "no";
  }

  // Shows a sample's activations, and the gradients that flow back.
  async #look(sample) {
    const { passes } = await this.python.ask({ kind: "look", sample });
    this.#showPasses(passes);
  }

  #showPasses(passes) {
    this.sample = passes.sample;
    this.net.passes = passes;
    this.plane.chosen = passes.sample;
    this.plane.draw();
    this.net.show($("#lines").value);
  }

  async #one() {
    this.pause();
    const answer = await this.python.ask({ kind: "sample" });
    this.#showPasses(answer.passes);
    const wait = () => (motionIsReduced() ? null : new Promise((resolve) => { setTimeout(resolve, PHASE); }));
    const [x, y, label] = answer.points[answer.passes.sample];
    $("#phase").textContent = `Forward: (${number(x, 2)}, ${number(y, 2)}) of class ${label}`;
    this.net.phase("forward");
    await wait();
    $("#phase").textContent = `Backward: cost ${number(answer.passes.cost, 3)}, the gradients flow`;
    this.net.phase("backward");
    this.net.show("gradients");
    await wait();
    this.#take(answer);
    await this.#boundary();
    $("#phase").textContent = `Updated: each weight moved by −${$("#rate").value} times its gradient`;
    if (!motionIsReduced()) this.net.phase("");
    document.documentElement.dataset.settled = String(answer.updates);
  }

  async #open(layer, neuron) {
    this.pause();
    const answer = await this.python.ask({ kind: "neuron", layer, neuron });
    $("#neuron-title").textContent = `Layer ${layer + 1}, neuron ${neuron + 1}: with the marked sample`;
    this.#say("#neuron-trouble", null);
    $("#neuron").showModal();
    this.picture.show({ ...answer, remark: "Gradients are those of the marked sample's cost. Changing a number here only affects this picture." });
  }

  #add(x, y) {
    if (this.own.length >= 400) return;
    this.own.push([x, y, Number($("#class").value)]);
    this.#ownPoints();
  }

  #ownPoints() {
    clearTimeout(this.adding);
    this.plane.show(this.own);
    this.plane.draw();
    this.adding = setTimeout(() => this.#act(() => this.reset()), 600);
  }
}

if (begin()) new NetworkPage().start();
