/* `/b/{tender}/hall`: looks every few seconds whether the tender's public record has grown, and shows the page anew when it has:
 * not while somebody is writing an objection on it. */

import { api, at, countdown, given } from "./desk.js";

const EVERY = 3000; // milliseconds
if (at("left")) await countdown(() => given.deadline);
document.documentElement.dataset.ready = "1";
for (;;) {
  await new Promise((go) => setTimeout(go, EVERY));
  const { items } = await api.request("GET", `/tenders/${given.tender}/timeline`).then((answer) => answer.json());
  const { state } = await api.request("GET", `/tenders/${given.tender}`).then((answer) => answer.json());
  if ((items.length !== given.count || state !== given.state) && !at("objection")?.value) location.reload();
}
