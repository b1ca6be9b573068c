// Light or dark according to the system, and presenter's mode: large type, dark.
import { $ } from "./dom.js";

const dark = matchMedia("(prefers-color-scheme: dark)");
let presenting = sessionStorage.getItem("presenter") === "yes";

function apply() {
  document.documentElement.classList.toggle("dark", presenting || dark.matches);
  document.documentElement.classList.toggle("presenter", presenting);
  $("#presenter")?.setAttribute("aria-pressed", String(presenting));
  dispatchEvent(new Event("theme"));
}

dark.addEventListener("change", apply);
$("#presenter")?.addEventListener("click", () => {
  presenting = !presenting;
  sessionStorage.setItem("presenter", presenting ? "yes" : "no");
  apply();
});
apply();

// Shows the page if it can run here.
export function begin() {
  if (location.protocol === "file:" || typeof WebAssembly !== "object") return false;
  $("#needs").hidden = true;
  $("#page").hidden = false;
  return true;
}
