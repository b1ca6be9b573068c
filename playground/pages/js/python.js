// Python in a worker that can be terminated and replaced. PROTOCOL.md describes the messages.
import { FILES, WASM } from "./build.js";

const base = new URL("..", import.meta.url).href;
const MOST_MESSAGES = 3000; // per second; a program that sends more is stopped

let loading = null; // shared by all workers: files as buffers, compiled WebAssembly, the worker's source

async function load(progress) {
  const sizes = Object.values(FILES).reduce((sum, size) => sum + size, 0);
  let received = 0;
  const counted = async (name) => {
    const response = await fetch(base + name);
    if (!response.ok) throw new Error(`${name} could not be loaded: ${response.status} ${response.statusText}`);
    const reader = response.body.getReader();
    const pieces = [];
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      pieces.push(value);
      received += value.length;
      progress(received / sizes);
    }
    return new Blob(pieces).arrayBuffer();
  };
  const names = Object.keys(FILES);
  const [source, ...buffers] = await Promise.all([
    fetch(`${base}js/worker.js`).then((response) => response.text()),
    ...names.map(counted),
  ]);
  const files = Object.fromEntries(names.map((name, k) => [name, buffers[k]]));
  const module = await WebAssembly.compile(files[WASM]);
  delete files[WASM];
  return { url: URL.createObjectURL(new Blob([source], { type: "text/javascript" })), files, module };
}

class Process {
  constructor() {
    this.answers = new Map();
    this.ready = this.#start();
    this.ready.catch(() => {});
  }

  async #start() {
    const { url, files, module } = await loading;
    if (this.ended) throw new Error("ended");
    // A worker started from a blob is bound by the page's policy, so it cannot access other origins.
    this.worker = new Worker(url);
    await new Promise((resolve, reject) => {
      this.worker.onerror = (event) => reject(new Error(event.message || "the worker could not be started"));
      this.worker.onmessage = ({ data }) => (data === "ready" ? resolve() : reject(new Error(String(data))));
      this.worker.postMessage({ base, files, module, wasm: WASM });
    });
    let [second, count] = [0, 0];
    this.worker.onmessage = ({ data }) => {
      const now = Math.floor(performance.now() / 1000);
      [second, count] = [now, now === second ? count + 1 : 0];
      if (count > MOST_MESSAGES) return this.fail("the program sent too many messages, and was ended");
      if (typeof data === "string") this.#receive(data);
    };
    this.worker.onerror = (event) => this.fail(event.message || "the worker failed");
  }

  #receive(text) {
    let message = null;
    try { message = JSON.parse(text); } catch { return; } // not from us
    if (message?.kind === "died") return this.fail(String(message.message));
    const answer = this.answers.get(message?.id);
    if (!answer) return;
    if (message.kind === "output") return answer.output?.(String(message.stream), String(message.text));
    this.answers.delete(message.id);
    if (message.kind === "failure") answer.reject(new Error(String(message.message)));
    else answer.resolve(message);
  }

  send(id, message, answer) {
    this.answers.set(id, answer);
    this.worker.postMessage(JSON.stringify({ id, ...message }));
  }

  fail(reason) {
    this.end();
    for (const answer of this.answers.values()) answer.reject(Object.assign(new Error(reason), { ended: true }));
    this.answers.clear();
  }

  end() {
    this.ended = true;
    this.worker?.terminate();
  }
}

export class Python {
  // `progress` receives the fraction loaded, from 0 to 1.
  constructor(progress = () => {}) {
    loading ??= load(progress);
    this.process = new Process();
    this.spare = null;
    this.number = 0;
  }

  get ready() { return this.process.ready; }

  // Keeps a spare worker, so that the next run after a stop starts at once; not if memory is short.
  keepSpare() {
    if ((navigator.deviceMemory ?? 8) >= 4) this.spare ??= new Process();
  }

  async ask(message, output) {
    if (this.process.ended) this.#replace();
    const process = this.process;
    await process.ready;
    return new Promise((resolve, reject) => process.send(++this.number, message, { resolve, reject, output }));
  }

  stop(reason = "stopped") {
    this.process.fail(reason);
    this.#replace();
  }

  #replace() {
    this.process = this.spare ?? new Process();
    this.spare = null;
  }
}
