/* `/b`: whether this browser holds something sealed that was never submitted. Only it knows: the platform is not told of what was not handed in. */

import { openStore } from "../../../bidding/browser/upload.js";
import { at, element, given, page, show } from "./desk.js";

const store = await openStore(), waiting = new Set();
for (const name of await store.names()) {
  const one = await store.get(name);
  if (one?.bidder === given.bidder && !one.submitted) waiting.add(one.tender);
}
for (const tender of waiting) {
  const link = Object.assign(element("a", page("waiting.go", { tender: tender.replace(/@\d+$/, "") })), { href: `/b/${tender}/seal${given.query}` });
  at("waiting-links").append(link, " ");
}
show("waiting", waiting.size > 0);
document.documentElement.dataset.ready = "1";
