// Says what is missing where the page cannot run. A plain script, since modules do not load from files.
"use strict";

addEventListener("DOMContentLoaded", () => {
  const say = (text) => { document.getElementById("needs").textContent = text; };
  if (location.protocol === "file:") {
    say("This page does not run from a file: browsers let no Python start there. In its folder, run " +
      "“python -m http.server”, then open http://localhost:8000 in the browser.");
  } else if (typeof WebAssembly !== "object") {
    say("This browser has no WebAssembly, on which Python runs here, or it is switched off. A current Firefox, " +
      "Chrome, Edge or Safari has it.");
  }
});
