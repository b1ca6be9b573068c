// Explains what is missing if the page cannot run. A plain script, since modules do not load from files.
"use strict";

addEventListener("DOMContentLoaded", () => {
  const say = (text) => { document.getElementById("needs").textContent = text; };
  if (location.protocol === "file:") {
    say("This page does not run from a file, since browsers cannot start Python there. In its folder, run " +
      "“python -m http.server”, then open http://localhost:8000 in the browser.");
  } else if (typeof WebAssembly !== "object") {
    say("This page runs Python in WebAssembly, which this browser lacks or has switched off. A current Firefox, " +
      "Chrome, Edge or Safari supports it.");
  }
});
