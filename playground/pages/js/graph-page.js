// The graph page: a program, its output, and its results.
import katex from "../vendor/katex/katex.mjs";
import { $, copyButton, make, makeTabs } from "./dom.js";
import { makeEditor } from "./editor.js";
import { EXAMPLES } from "./examples.js";
import { fragmentOf, programIn } from "./link.js";
import { Output } from "./output.js";
import { GraphPicture } from "./picture.js";
import { Python } from "./python.js";
import { pictureFrom } from "./svg.js";
import { begin } from "./theme.js";

const KEPT = "lucidgrad program"; // the key under which the program is stored between visits

class GraphPage {
  constructor() {
    this.items = [];
    this.item = null;
    this.output = new Output($("#output"));
    this.python = new Python((part) => { $("#progress").value = part; });
    this.picture = new GraphPicture(
      { frame: $("#picture"), sliders: $("#sliders"), table: $("#rows"), remark: $("#remark") },
      (message) => this.#ask(message), (error) => this.trouble(error));
    this.openTab = makeTabs($("#tabs"), (tab) => this.#show(tab));
    this.#fillExamples();
    $("#run").addEventListener("click", () => this.run());
    $("#stop").addEventListener("click", () => this.stop());
    $("#item").addEventListener("change", () => this.#choose(Number($("#item").value)));
    $("#leaf").addEventListener("change", () => this.#explain());
    copyButton($("#link"), async () => {
      await this.#remember();
      return `${location.href.replace(/#.*/, "")}#${await fragmentOf(this.editor.text)}`;
    });
    copyButton($("#copy-output"), () => this.output.text);
    copyButton($("#copy-latex"), () => this.latex ?? "");
    copyButton($("#copy-source"), () => $("#source").textContent);
    addEventListener("hashchange", () => this.#openLink());
  }

  async start() {
    const linked = await programIn(location.hash).catch(() => null);
    const kept = read();
    this.editor = makeEditor($("#editor"), {
      text: linked?.program ?? kept ?? EXAMPLES[0][1],
      onRun: () => this.run(),
      onChange: () => this.#changed(),
    });
    const own = kept !== null && (linked === null || linked.program === kept);
    this.notice(own ? "This is your program from an earlier visit. It runs when you press Run." : linked?.remark ?? "");
    this.#loadingShows(true);
    try {
      await this.python.ready;
    } catch (error) {
      return this.trouble(error);
    } finally {
      this.#loadingShows(false);
    }
    document.documentElement.dataset.python = "ready";
    // Only an example starts automatically: a program from a link or from an earlier visit waits for a click.
    if (!linked && kept === null) await this.run();
    else this.python.keepSpare();
  }

  #fillExamples() {
    EXAMPLES.forEach(([name], k) => $("#example").append(make("option", { value: k }, name)));
    $("#example").addEventListener("change", () => {
      if ($("#example").value === "") return;
      this.editor.text = EXAMPLES[Number($("#example").value)][1];
      this.notice("");
      this.run();
    });
  }

  async #openLink() {
    if (location.hash === this.ownHash) return;
    const linked = await programIn(location.hash).catch(() => null);
    if (linked?.program !== null && linked?.program !== undefined) this.editor.text = linked.program;
    this.notice(linked?.remark ?? "");
  }

  #changed() {
    clearTimeout(this.saving);
    this.saving = setTimeout(() => this.#remember(), 400);
  }

  // Stores the program in the URL and in this browser, so that neither a reload nor a shared link loses it.
  async #remember() {
    const program = this.editor.text;
    keep(program);
    const fragment = await fragmentOf(program).catch(() => "");
    this.ownHash = fragment ? `#${fragment}` : "";
    history.replaceState(null, "", this.ownHash || location.pathname);
  }

  #loadingShows(loading) {
    $("#loading").hidden = !loading;
  }

  notice(text) {
    $("#notice").hidden = !text;
    $("#notice").textContent = text;
  }

  trouble(error) {
    $("#trouble").hidden = !error;
    $("#trouble").textContent = error ? error.message : "";
  }

  #ask(message) {
    return this.python.ask({ graph: this.item.graph, ...message });
  }

  async run() {
    if (this.running) return;
    this.running = true;
    document.documentElement.dataset.run = "running";
    $("#run").disabled = true;
    $("#stop").disabled = false;
    this.notice("");
    this.trouble(null);
    this.output.clear();
    this.editor.markLine(0);
    this.#remember();
    const waiting = setTimeout(() => this.output.say("Python is still starting …"), 1500);
    try {
      await this.python.ready;
      clearTimeout(waiting);
      const answer = await this.python.ask({ kind: "run", program: this.editor.text },
        (stream, text) => this.output.write(stream, text));
      this.#finish(answer);
    } catch (error) {
      this.output.say(error.ended ? `The program was stopped: ${error.message}.` : error.message, "failure");
    } finally {
      clearTimeout(waiting);
      this.running = false;
      $("#run").disabled = false;
      $("#stop").disabled = true;
      document.documentElement.dataset.run = "done";
      document.documentElement.dataset.runs = String(Number(document.documentElement.dataset.runs ?? 0) + 1);
      setTimeout(() => this.python.keepSpare(), 1000);
    }
  }

  stop() {
    this.python.stop("you stopped it");
  }

  #finish({ items, dropped, failure }) {
    if (dropped) this.output.say(`Cut off: ${dropped.toLocaleString("en")} more characters were printed.`);
    if (failure) {
      this.output.say(failure.text.trimEnd(), "failure");
      this.editor.markLine(Number(failure.line));
    }
    if (!items.length && failure) return; // keep the previous results
    this.items = items;
    const names = { graph: "graph", picture: "picture", derivation: "chain rule", source: "program" };
    $("#item").replaceChildren(...items.map((item, k) => make("option", { value: k }, `${k + 1}: ${names[item.kind]}`)));
    $("#item").hidden = $("#item-label").hidden = items.length < 2;
    if (items.length) {
      $("#item").value = String(items.length - 1);
      this.#choose(items.length - 1);
    } else {
      this.item = null;
      this.picture.clear();
      $("#remark").textContent = "The program shows nothing. End it with a Value, or call show(...).";
      this.#offer(["picture"], "picture");
    }
  }

  #choose(k) {
    const item = this.item = this.items[k];
    this.trouble(null);
    for (const id of ["#panel-steps", "#derivation", "#source"]) $(id).replaceChildren();
    this.picture.clear();
    if (item.kind === "graph") {
      this.picture.show(item);
      $("#leaf").replaceChildren(...item.sliders.map(({ leaf, name }) => make("option", { value: leaf }, name)));
      this.#offer(["picture", ...(item.steps ? ["steps"] : []), ...(item.sliders.length ? ["explain"] : []), "source"],
        this.tab);
    } else if (item.kind === "picture") {
      this.picture.show({ svg: item.svg, sliders: [], rows: [], remark: "" });
      this.#offer(["picture"], "picture");
    } else if (item.kind === "derivation") {
      this.#typeset(item);
      $("#leaf").replaceChildren();
      this.#offer(["explain"], "explain");
    } else {
      $("#source").textContent = item.source;
      this.#offer(["source"], "source");
    }
  }

  // Shows the tabs that have content, and opens one.
  #offer(tabs, wanted) {
    for (const tab of $("#tabs").children) tab.hidden = !tabs.includes(tab.dataset.tab);
    this.openTab(tabs.includes(wanted) ? wanted : tabs[0]);
  }

  async #show(tab) {
    this.tab = tab;
    this.walk?.pause();
    if (this.item?.kind !== "graph") return;
    this.trouble(null);
    try {
      if (tab === "steps") await this.#steps();
      if (tab === "explain") await this.#explain();
      if (tab === "source") $("#source").textContent = (await this.#ask({ kind: "source" })).source;
    } catch (error) {
      this.trouble(error);
    }
  }

  async #steps() {
    const answer = await this.#ask({ kind: "steps" });
    const walk = make("div", { class: "walk" });
    walk.append($("#step-through").content.cloneNode(true));
    const [first, ...others] = answer.scenes.map(({ svg }) => pictureFrom(svg));
    const frame = make("section", { class: "picture zoomable", "aria-label": "the graph" });
    frame.append(first);
    $(".uses", walk).before(frame, ...others.map((picture) => {
      const state = make("template", { class: "state" });
      state.content.append(picture);
      return state;
    }));
    $("#panel-steps").replaceChildren(walk);
    this.walk = mountStepThrough(walk, answer);
  }

  async #explain() {
    try {
      this.#typeset(await this.#ask({ kind: "explain", leaf: Number($("#leaf").value) }));
    } catch (error) {
      this.trouble(error);
    }
  }

  #typeset({ latex, text }) {
    this.latex = latex;
    try {
      katex.render(latex, $("#derivation"), { displayMode: true, trust: false, strict: false, maxExpand: 1000 });
    } catch {
      $("#derivation").replaceChildren(make("pre", {}, text));
    }
  }
}

function read() {
  try { return localStorage.getItem(KEPT); } catch { return null; } // storage may be disabled
}

function keep(program) {
  try { localStorage.setItem(KEPT, program); } catch { /* storage may be disabled */ }
}

if (begin()) new GraphPage().start();
