// Opens the playground within the page on a click, since Python for the browser is several megabytes.
"use strict";

addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("button.try-it")) {
    button.addEventListener("click", () => {
      const frame = document.createElement("iframe");
      frame.src = button.dataset.page;
      frame.title = "lucidgrad playground";
      frame.className = "playground";
      button.replaceWith(frame);
      frame.focus();
    });
  }
});
