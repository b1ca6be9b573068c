// Small helpers for the page's elements.

export const $ = (selector, part = document) => part.querySelector(selector);
export const $$ = (selector, part = document) => [...part.querySelectorAll(selector)];

// Creates an element with attributes and children; text is always set as text, never as HTML.
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, String(value));
  }
  element.append(...children);
  return element;
}

export function number(x, digits = 4) {
  return typeof x === "number" ? String(Number(x.toPrecision(digits))).replace("-", "−") : String(x);
}

export const motionIsReduced = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Makes a tab list respond to clicks and arrow keys, as screen readers expect.
export function makeTabs(list, onChoose) {
  const tabs = $$("[role=tab]", list);
  const choose = (tab, focus) => {
    for (const other of tabs) {
      other.setAttribute("aria-selected", String(other === tab));
      other.tabIndex = other === tab ? 0 : -1;
      $(`#${other.getAttribute("aria-controls")}`).hidden = other !== tab;
    }
    if (focus) tab.focus();
    onChoose(tab.dataset.tab);
  };
  for (const tab of tabs) tab.addEventListener("click", () => choose(tab, false));
  list.addEventListener("keydown", (event) => {
    const open = tabs.filter((tab) => !tab.hidden);
    const k = open.indexOf(document.activeElement);
    const to = { ArrowRight: k + 1, ArrowLeft: k - 1, Home: 0, End: open.length - 1 }[event.key];
    if (to === undefined || k < 0) return;
    event.preventDefault();
    choose(open[(to + open.length) % open.length], true);
  });
  return (name) => choose(tabs.find((tab) => tab.dataset.tab === name), false);
}

// Copies a text; the button shows whether it worked.
export function copyButton(button, text) {
  const label = button.textContent;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(await text());
      button.textContent = "Copied";
    } catch (error) {
      button.textContent = error.expected ? error.message : "Could not copy";
    }
    setTimeout(() => { button.textContent = label; }, 1500);
  });
}
