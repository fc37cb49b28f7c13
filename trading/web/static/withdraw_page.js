/* `/b/{tender}/withdraw`: the withdrawal is signed in the thread that may connect nowhere, and handed in here. */

import { api, ask, at, beijing, countdown, given, key, page, receipt, save, show, wrong } from "./desk.js";
import { unbase64 } from "../../../audit/browser/bytes.js";
import { parse } from "../../../audit/browser/canon.js";

const { tender, bidder, origin, bid, lasts } = given;
at("withdraw").addEventListener("submit", async (event) => {
  event.preventDefault();
  show("wrong", false);
  at("withdraw-go").disabled = true;
  try {
    const held = await key("key", "phrase");
    if (!held) throw Object.assign(new Error("key"), { code: "K-FILE", facts: { path: page("key.none") } });
    const made = await ask("withdraw", { key: held, bidder, origin, tender, bid, lasts });
    const got = await api.post(`/tenders/${tender}/bids/${bid}/withdrawal`, made);
    at("phrase").value = "";
    save(receipt(got), `${tender}.withdrawal.receipt.json`);
    at("standing").className = "chip mt";
    at("standing").textContent = at("aloud").textContent = page("withdrawn", { time: beijing(parse(unbase64(got.record)).time) });
    setTimeout(() => location.assign(`/b/receipt/${bid}${given.query}`), 1500);
  } catch (why) {
    wrong(why);
    at("withdraw-go").disabled = false;
  }
});
await countdown(() => given.deadline);
document.documentElement.dataset.ready = "1";
