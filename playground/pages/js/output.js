// The program's output, and the page's remarks about it.
import { make } from "./dom.js";

export class Output {
  constructor(list) { this.list = list; }

  clear() { this.list.replaceChildren(); this.last = null; }

  // Appends text to the last text of the same stream.
  write(stream, text) {
    if (this.last?.className !== stream) {
      this.last = make("pre", { class: ["out", "err"].includes(stream) ? stream : "err" });
      this.list.append(this.last);
    }
    this.last.append(text);
    this.list.scrollTop = this.list.scrollHeight;
  }

  // Adds a remark by the page.
  say(text, kind = "remark") {
    this.last = null;
    this.list.append(make("p", { class: kind }, text));
    this.list.scrollTop = this.list.scrollHeight;
  }

  get text() { return [...this.list.children].map((part) => part.textContent).join("\n"); }
}
