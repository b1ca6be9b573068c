// The plane: the boundary as coloured squares, and points whose shapes distinguish classes without colour.
import { make, number } from "./dom.js";

const REACH = 3; // extent of the plane to each side
const COLOURS = { 0: [230, 110, 20], 1: [0, 114, 178] }; // Okabe and Ito's orange and blue

export class Plane {
  constructor(canvas, list, { choose, add }) {
    Object.assign(this, { canvas, list, choose, add, points: [], boundary: null, chosen: null, drawing: false });
    this.cursor = [0, 0];
    canvas.addEventListener("click", (event) => {
      const box = canvas.getBoundingClientRect();
      this.#at(REACH * (2 * (event.clientX - box.left) / box.width - 1),
        REACH * (1 - 2 * (event.clientY - box.top) / box.height));
    });
    canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  #at(x, y) {
    if (this.drawing) return this.add(x, y);
    const distance = ([a, b]) => Math.hypot(a - x, b - y);
    const nearest = this.points.reduce((best, point, k) => (distance(point) < distance(this.points[best]) ? k : best), 0);
    if (this.points.length) this.choose(nearest);
  }

  // Keyboard: arrows go from point to point, or move a cross while drawing points.
  #key(event) {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (by) {
      event.preventDefault();
      if (this.drawing) {
        this.cursor = this.cursor.map((c, k) => Math.max(-REACH, Math.min(REACH, c + 0.1 * REACH * by[k])));
        this.draw();
      } else if (this.points.length) {
        const step = by[0] + by[1];
        this.choose(((this.chosen ?? 0) + step + this.points.length) % this.points.length);
      }
    } else if (this.drawing && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      this.add(...this.cursor);
    }
  }

  show(points) {
    if (this.points === points) return;
    this.points = points;
    if (this.list.childElementCount !== points.length) {
      this.list.replaceChildren(...points.map(([x, y, label]) => make("li", {}, `(${number(x, 2)}, ${number(y, 2)}), class ${label}`)));
    }
  }

  draw() {
    const { canvas } = this;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const size = canvas.width;
    const dark = document.documentElement.classList.contains("dark");
    context.fillStyle = dark ? "#14181d" : "#ffffff";
    context.fillRect(0, 0, size, size);
    if (this.boundary) {
      const { size: n, probabilities } = this.boundary;
      const side = size / n;
      probabilities.forEach((p, k) => {
        const strength = Math.abs(p - 0.5) * 2;
        const [r, g, b] = COLOURS[p > 0.5 ? 1 : 0];
        context.fillStyle = `rgba(${r}, ${g}, ${b}, ${(0.08 + 0.5 * strength).toFixed(3)})`;
        context.fillRect((k % n) * side, Math.floor(k / n) * side, side, side);
      });
      const right = probabilities.filter((p) => p > 0.5).length / probabilities.length;
      canvas.setAttribute("aria-label", `decision boundary: ${(100 * right).toFixed(0)} % of the plane is class 1`);
    }
    const place = ([x, y]) => [size * (1 + x / REACH) / 2, size * (1 - y / REACH) / 2];
    this.points.forEach((point, k) => {
      const [x, y] = place(point);
      context.beginPath();
      if (point[2] === 1) context.arc(x, y, 5.5, 0, 2 * Math.PI);
      else context.rect(x - 5, y - 5, 10, 10);
      context.fillStyle = `rgb(${COLOURS[point[2]].join(",")})`;
      context.fill();
      context.lineWidth = 1.5;
      context.strokeStyle = "#ffffff";
      context.stroke();
      if (k === this.chosen && !this.drawing) {
        context.beginPath();
        context.arc(x, y, 11, 0, 2 * Math.PI);
        context.lineWidth = 3;
        context.strokeStyle = dark ? "#ffffff" : "#000000";
        context.stroke();
      }
    });
    if (this.drawing && document.activeElement === canvas) {
      const [x, y] = place(this.cursor);
      context.strokeStyle = dark ? "#ffffff" : "#000000";
      context.strokeRect(x - 8, y, 16, 0.5);
      context.strokeRect(x, y - 8, 0.5, 16);
    }
  }
}
