// The page of an instance is brought up to date when something happens in it.
(() => {
  "use strict";

  const SELDOM = 30000; // milliseconds between two looks beside a stream: something on the way may hold it back
  const OFTEN = 2000; // likewise without one

  let stream = null;
  let looking = null;
  let heard = 0;

  const live = () => document.querySelector("[data-events]");
  const look = () => {
    const page = live();
    if (page) htmx.trigger(page, "changed");
  };
  const stop = () => {
    stream?.close();
    stream = null;
    clearInterval(looking);
  };
  const keepLooking = (pause) => {
    clearInterval(looking);
    looking = setInterval(look, pause);
  };
  const follow = () => {
    stop();
    const page = live();
    if (!page) return;
    stream = new EventSource(page.dataset.events);
    stream.addEventListener("open", () => keepLooking(SELDOM));
    stream.addEventListener("transition", (event) => {
      heard = Number(event.lastEventId);
      look();
    });
    // Most often the browser connects again by itself.
    stream.addEventListener("error", () => keepLooking(OFTEN));
  };

  // What happens while the page is being fetched may not be on it yet; what has ended is not followed any more.
  document.addEventListener("htmx:afterSettle", () => {
    const page = live();
    if (!page) stop();
    else if (Number(page.dataset.revision) < heard) look();
  });
  // Browsers keep few connections to a server: what nobody looks at needs none.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      stop();
    } else {
      look();
      follow();
    }
  });

  if (!document.hidden) follow();
})();
