// The worker: Python, and Graphviz for layouts. Its page starts it from a blob: see python.js.
"use strict";

self.onmessage = async ({ data: { base, files, module, wasm } }) => {
  try {
    const handle = await start(base, files, module, wasm);
    self.onmessage = ({ data }) => {
      try {
        handle(data);
      } catch (error) { // an error of WebAssembly itself, after which Python cannot continue
        self.postMessage(JSON.stringify({ kind: "died", message: `Python stopped: ${String(error).slice(0, 300)}` }));
      }
    };
    self.postMessage("ready");
  } catch (error) {
    self.postMessage(`Python could not be started: ${error}`);
  }
};

async function start(base, files, module, wasm) {
  const [fetchIt, instantiate] = [self.fetch, WebAssembly.instantiateStreaming];
  const known = (url) => Object.keys(files).find((name) => String(url?.url ?? url) === base + name);
  // Use the files that the page has already loaded and compiled.
  self.fetch = async (url, options) => {
    if (String(url?.url ?? url) === base + wasm) return new Response(null);
    const name = known(url);
    return name ? new Response(files[name].slice(0)) : fetchIt(url, options);
  };
  WebAssembly.instantiateStreaming = async (response, imports) =>
    ({ module, instance: await WebAssembly.instantiate(module, imports) });
  importScripts(`${base}vendor/pyodide/pyodide.js`);
  const [python, { Graphviz }] = await Promise.all([
    loadPyodide({ indexURL: `${base}vendor/pyodide/` }),
    import(`${base}vendor/graphviz.js`),
  ]);
  const graphviz = await Graphviz.load();
  [self.fetch, WebAssembly.instantiateStreaming] = [fetchIt, instantiate];
  for (const [name, buffer] of Object.entries(files)) {
    if (/\.(whl|zip)$/.test(name) && name.startsWith("python/")) {
      python.unpackArchive(buffer, name.endsWith(".whl") ? "wheel" : "zip");
    }
  }
  const post = self.postMessage.bind(self);
  const layout = (source) => graphviz.layout(source, "json0", "dot");
  return python.runPython("from playground.worker.start import start; start")(layout, (text) => post(text));
}
