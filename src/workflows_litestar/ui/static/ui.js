// What scripts add. Every page works without them.
(() => {
  "use strict";

  // A form is sent once: a second click on its button, before the answer is there, does nothing.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
    } else if (form.method === "post" && !event.submitter?.hasAttribute("formnovalidate")) {
      form.dataset.sent = "yes";
    }
  });
  // A page that comes back out of the browser's memory may be sent again.
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
  });

  // What went wrong is read out and in sight.
  document.querySelector("[data-focus]")?.focus();

  // "/" searches; "j" and "k" go through a list.
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") {
      const search = document.querySelector("[data-search]");
      if (search) { search.focus(); search.select(); event.preventDefault(); }
    }
    if (event.key === "j" || event.key === "k") {
      const titles = [...document.querySelectorAll("[data-rows] .row-title")];
      const at = titles.indexOf(document.activeElement);
      const next = titles[Math.min(Math.max(at + (event.key === "j" ? 1 : -1), 0), titles.length - 1)];
      next?.focus();
    }
  });

  // What somebody is filling in is not taken from under their hands when the rest of the page is brought up to date.
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const old = event.target;
    if (old.contains(document.activeElement) || old.querySelector("details[open]")) event.preventDefault();
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copies]");
    if (!button) return;
    const text = document.getElementById(button.dataset.copies).textContent;
    await navigator.clipboard.writeText(text);
    button.textContent = button.dataset.done;
  });
})();
