// What the program prints, and what is said about it.
import { make } from "./dom.js";

export class Output {
  constructor(list) { this.list = list; }

  clear() { this.list.replaceChildren(); this.last = null; }

  // Text of a stream goes on where the last of the same stream ended.
  write(stream, text) {
    if (this.last?.className !== stream) {
      this.last = make("pre", { class: ["out", "err"].includes(stream) ? stream : "err" });
      this.list.append(this.last);
    }
    this.last.append(text);
    this.list.scrollTop = this.list.scrollHeight;
  }

  // A remark of the page's own.
  say(text, kind = "remark") {
    this.last = null;
    this.list.append(make("p", { class: kind }, text));
    this.list.scrollTop = this.list.scrollHeight;
  }

  get text() { return [...this.list.children].map((part) => part.textContent).join("\n"); }
}
