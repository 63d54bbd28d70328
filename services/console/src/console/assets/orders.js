/* Checks a tracking number while it is typed, by the carriers' own patterns; the service decides.
   Shows the button that prints. */
(() => {
  "use strict";
  const patterns = new Map();
  for (const option of document.querySelectorAll("#carriers option[data-pattern]")) {
    try {
      patterns.set(option.value.toLowerCase(), new RegExp(`^(?:${option.dataset.pattern})$`, "i"));
    } catch {
      /* a pattern that browsers do not read tells nothing */
    }
  }
  for (const form of document.querySelectorAll("form[data-checks]")) {
    const carrier = form.querySelector("[name=carrier]");
    const number = form.querySelector("[name=tracking_number]");
    const verdict = form.querySelector("[data-verdict]");
    const check = () => {
      const named = carrier.value.trim() || form.dataset.carrier || "";
      const pattern = patterns.get(named.toLowerCase());
      const typed = number.value.trim();
      const fits = pattern && typed ? pattern.test(typed) : null;
      verdict.className = fits === null ? "" : `chip ${fits ? "good" : "warn"}`;
      verdict.textContent = fits === null ? "" : form.dataset[fits ? "fits" : "unfit"];
    };
    form.addEventListener("input", check);
    check();
  }
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
})();
