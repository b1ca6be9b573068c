// Typesets mathematics with the KaTeX of this site.
import katex from "./katex/katex.mjs";

const MACROS = {};

for (const element of document.querySelectorAll(".math")) {
  katex.render(element.textContent, element, {
    displayMode: element.dataset.display === "true", throwOnError: true, strict: false, trust: false, macros: MACROS,
  });
}
document.documentElement.dataset.mathematics = "typeset";
