// What the console does beyond plain HTML: pages that are open hear of changes, and texts can be copied.
"use strict";
const live = document.body.dataset.live;
if (live && window.EventSource && document.querySelector("[hx-trigger*='changed from:body']")) {
  const source = new EventSource(live);
  source.addEventListener("changed", () => {
    // Whoever is choosing in the list keeps it as it is.
    if (!document.querySelector("#list input:checked")) {
      document.body.dispatchEvent(new CustomEvent("changed"));
    }
  });
  window.addEventListener("pagehide", () => source.close());
}
for (const text of document.querySelectorAll(".copy")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text.textContent.trim());
    button.textContent = "Copied";
  });
  if (navigator.clipboard) {
    text.after(" ", button);
  }
}
for (const button of document.querySelectorAll(".print")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
