/* What pages whose parts come anew add to htmx: nothing asks that the page did not stamp, what a reader has opened stays open, somebody who
 * types Chinese is not searched for letter by letter, "more" leads on to what came, and a clock runs. No page needs any of it. */

(() => {
  "use strict";
  const nonce = document.querySelector("script[nonce]")?.nonce;
  const stamped = (element) => Boolean(nonce) && element.getAttribute("hx-nonce") === nonce;

  htmx.registerExtension("house", {
    htmx_config_request: (element, detail) => {
      if (stamped(element) && !detail.ctx.sourceEvent?.isComposing) return true;
      detail.cancelled = true;
      return false;
    },
    htmx_before_morph_attr: (element, { attrName }) => !(element.tagName === "DETAILS" && attrName === "open"),
  });

  // what "more" brought is where one reads on
  let reached = -1;
  document.addEventListener("htmx:before:swap", ({ detail }) => {
    reached = detail.ctx.sourceElement?.closest?.("#more") ? document.getElementById("rows").children.length : -1;
  });
  document.addEventListener("htmx:after:swap", () => {
    if (reached >= 0) document.getElementById("rows").children[reached]?.querySelector("a")?.focus();
    reached = -1;
  });

  // how long there is, by the platform's clock as the page last told it
  const heard = new WeakMap();
  const two = (part) => String(Math.floor(part)).padStart(2, "0");
  setInterval(() => {
    for (const place of document.querySelectorAll("[data-until]")) {
      const { now, until } = place.dataset;
      if (heard.get(place)?.now !== now) heard.set(place, { now, behind: Date.parse(now) - Date.now() });
      const left = Math.max(0, Math.round((Date.parse(until) - Date.now() - heard.get(place).behind) / 1000));
      const told = `${two(left / 3600)}:${two((left / 60) % 60)}:${two(left % 60)}`;
      if (place.textContent !== told) place.textContent = told;
    }
  }, 500);
})();
