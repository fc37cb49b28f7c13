/* `/b/{tender}/hall`: the platform's clock until the closing. What is opened comes by itself, without this (live_pages.py). */

import { at, countdown, given } from "./desk.js";

if (at("left")) await countdown(() => given.deadline);
document.addEventListener("htmx:after:swap", () => at("left-line") && (at("left-line").hidden = "closed" in at("steps").dataset));
document.documentElement.dataset.ready = "1";
