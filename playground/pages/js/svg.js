// Pictures come from the worker as text. Only shapes and words are taken from them, since a program may send anything.

const SVG = "http://www.w3.org/2000/svg";
const ELEMENTS = new Set(["svg", "g", "path", "polygon", "rect", "circle", "line", "text", "title"]);
const ATTRIBUTES = new Set(("aria-label aria-labelledby class cx cy d data-edges data-group data-inside data-nodes fill " +
  "fill-opacity font-family font-size font-weight height id opacity paint-order points r role rx stroke " +
  "stroke-dasharray stroke-linejoin stroke-opacity stroke-width text-anchor transform viewBox width x x1 x2 y y1 " +
  "y2").split(" "));
const MOST_ELEMENTS = 50_000;

// Rebuilds the text as an SVG element, piece by piece; null if it is not a picture.
export function pictureFrom(text) {
  const parsed = new DOMParser().parseFromString(String(text), "image/svg+xml").documentElement;
  if (parsed.namespaceURI !== SVG || parsed.localName !== "svg") return null;
  let count = 0;
  const copy = (element) => {
    count += 1;
    if (count > MOST_ELEMENTS || element.namespaceURI !== SVG || !ELEMENTS.has(element.localName)) return null;
    const made = document.createElementNS(SVG, element.localName);
    for (const { name, value } of element.attributes) {
      if (ATTRIBUTES.has(name) && !/url\s*\(/i.test(value)) made.setAttribute(name, value);
    }
    for (const child of element.childNodes) {
      if (child.nodeType === Node.ELEMENT_NODE) {
        const inner = copy(child);
        if (inner) made.append(inner);
      } else if (child.nodeType === Node.TEXT_NODE) {
        made.append(child.nodeValue);
      }
    }
    return made;
  };
  return copy(parsed);
}
