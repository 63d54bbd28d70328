// Files of a form: dropped as well as chosen, with a bar while they are sent. Without this script
// the form works as it is.
"use strict";
(() => {
  const partOf = (form, name) => form.querySelector("[data-" + name + "]");

  const showHints = () =>
    document.querySelectorAll("[data-with-script]").forEach((hint) => { hint.hidden = false; });

  const fieldUnder = (event) => event.target.closest && event.target.closest("[data-drop]");

  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      const field = fieldUnder(event);
      if (!field || ![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      field.classList.toggle("over", kind === "dragover");
      if (kind !== "drop") return;
      const input = field.querySelector("input[type=file]");
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }

  // The answer is a page: another address is gone to, a refusal takes the place of this content.
  const show = (answer, action) => {
    if (answer.responseURL && new URL(answer.responseURL).pathname !== new URL(action).pathname) {
      window.location.assign(answer.responseURL);
      return;
    }
    const page = new DOMParser().parseFromString(answer.responseText, "text/html");
    const content = page.querySelector("main");
    if (!content) return false;
    const here = document.querySelector("main");
    here.replaceChildren(...document.importNode(content, true).childNodes);
    document.title = page.title;
    if (window.htmx) window.htmx.process(here);
    showHints();
    here.focus();
    return true;
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-upload]")) return;
    event.preventDefault();
    const sending = partOf(form, "sending");
    const failed = partOf(form, "failed");
    const button = form.querySelector("[type=submit]");
    const request = new XMLHttpRequest();
    const fail = () => { sending.hidden = true; failed.hidden = false; button.disabled = false; };
    request.upload.addEventListener("progress", (step) => {
      if (!step.lengthComputable) return;
      const share = Math.floor((100 * step.loaded) / step.total);
      sending.querySelector("progress").value = share;
      partOf(form, "share").textContent = share + " %";
    });
    request.addEventListener("load", () => { if (show(request, form.action) === false) fail(); });
    request.addEventListener("error", fail);
    failed.hidden = true;
    sending.hidden = false;
    button.disabled = true;
    request.open("POST", form.action);
    request.send(new FormData(form));
  });

  showHints();
})();
