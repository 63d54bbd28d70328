/* Follows what is under way: the server sends a part with data-live anew when it changes. Where no
   stream is to be had, the part is asked for every two seconds. */
(() => {
  "use strict";
  const ASKED_EVERY = 2000;
  const FOCUSABLE = "a, button, input, select, textarea, summary";

  const put = (part, html) => {
    const made = new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
    if (!made) return part;
    const focused = [...part.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
    part.replaceWith(document.adoptNode(made));
    if (window.htmx) window.htmx.process(made);
    if (focused >= 0) made.querySelectorAll(FOCUSABLE)[focused]?.focus();
    return made;
  };

  const follow = (first) => {
    const where = first.dataset.live;
    let part = first;
    const ask = async () => {
      const answer = await fetch(where, { headers: { "HX-Request": "true" } }).catch(() => null);
      if (answer && answer.status === 401) return window.location.assign("/sign-in");
      if (answer && answer.ok) part = put(part, await answer.text());
      if (part.dataset.live) setTimeout(ask, ASKED_EVERY);
    };
    if (!window.EventSource) return setTimeout(ask, ASKED_EVERY);
    const source = new EventSource(where);
    source.addEventListener("part", (event) => { part = put(part, event.data); });
    source.addEventListener("end", () => source.close());
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) setTimeout(ask, ASKED_EVERY);
    });
    window.addEventListener("pagehide", () => source.close());
  };

  document.querySelectorAll("[data-live]").forEach(follow);
})();
