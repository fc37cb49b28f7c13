/* `/b/{tender}/seal`: check, lock, sign, upload, and then the one act that counts. What is sealed lies in the browser's private store as
 * ciphertext, so a reload goes on where it was; nothing is submitted before its receipts are here and hold. */

import { Archive } from "../../../audit/browser/archive.js";
import { unbase64 } from "../../../audit/browser/bytes.js";
import { canon } from "../../../audit/browser/canon.js";
import { Policy, parties as readParties } from "../../../audit/browser/trust.js";
import { readSealed, segmented } from "../../../bidding/browser/sealed.js";
import { kept, keeping, openStore, send, submit } from "../../../bidding/browser/upload.js";
import { amount, upper } from "./amounts.js";
import { api, ask, at, beijing, countdown, element, given, groups, key, list, page, pin, pinned, print, forgetTrust, receipt, save, say, see, seen, show, since, size, wrong } from "./desk.js";

const { tender, bidder, fields, bid: replaced, lasts } = given;
const store = await openStore();
let accept = [], deadline = given.deadline, sealed = null, ready = null, sending = null, paused = false;

// ---- words: one line says where the bid stands, and it is never green before there is a receipt

const LOOK = { none: "chip", working: "chip live", uploading: "chip warn", paused: "chip warn", waiting: "chip warn", uploaded: "chip warn", submitting: "chip warn", refused: "chip sealed", submitted: "chip proved" };
let standing = "";
function stand(state, facts = {}) {
  at("standing").className = LOOK[state];
  at("standing").textContent = page(`stand.${state}`, facts);
  if (state !== standing) at("aloud").textContent = page(`stand.${state}`, facts); // percentages are not read out one by one
  standing = state;
}
function step(name, state, told = "", part = null) {
  const line = at(`step-${name}`), bar = line.querySelector("progress");
  line.dataset.state = state;
  line.querySelector(".told").textContent = told;
  line.querySelector(".out").textContent = page(`step.${state}`);
  bar.hidden = part === null || state === "done";
  if (part !== null) Object.assign(bar, { max: 1, value: part });
}
const fail = (name, why, state = "none") => {
  step(name, "failed", page("step.failed.text"));
  wrong(why);
  stand(state);
  show("again", Boolean(sealed));
  enable(true);
};
function enable(on) {
  at("choose").disabled = !on;
  at("seal").disabled = !on || !pinned();
}

// ---- trust: files of one's own, as on /verify

function trusted() {
  const own = pinned();
  show("trust-own", Boolean(own));
  show("trust-first", !own);
  if (own) {
    for (const name of ["policy", "parties"]) {
      const digest = print(own[name]), same = digest === given.trust[name].sha256;
      at(`own-${name}`).textContent = groups(digest);
      if (!same) show("trust-differ", true);
    }
  }
  at("seal").disabled = !own || at("choose").disabled;
}
at("trust-compared").addEventListener("change", () => {
  for (const name of ["policy", "parties"]) pin(name, unbase64(given.trust[name].data));
  trusted();
  look().catch((why) => fail("check", why));
});
at("trust-files").addEventListener("change", async () => {
  show("wrong", false);
  const held = {};
  try {
    for (const file of at("trust-files").files) {
      const [, name] = /^(policy|parties)[^/]*\.txt$/.exec(file.name) ?? [];
      if (name) held[name] = new Uint8Array(await file.arrayBuffer());
    }
    if (held.policy) new Policy(held.policy); // what cannot be read takes nobody's place
    if (held.parties) readParties(held.parties);
    for (const [name, bytes] of Object.entries(held)) pin(name, bytes);
  } catch (why) {
    return fail("check", why);
  }
  trusted();
  return pinned() && look().catch((why) => fail("check", why));
});
at("trust-forget").addEventListener("click", () => {
  forgetTrust();
  trusted();
});

// ---- step 1

/** envelope.md §2a; shows the custodians and the hour as the log has them. */
async function look() {
  step("check", "now", page("check.running"));
  const kit = await (await api.once("GET", `/tenders/${tender}/sealing-kit`)).blob();
  const about = await Archive.peek(kit, "archive.json"), last = seen();
  const consistency = await since(last, about.size);
  const found = await ask("check", { kit, trust: pinned(), tender, kept: last, consistency, accept }).catch((why) => {
    show("odd", Boolean(why.facts?.odd));
    if (why.facts?.odd) offered(why.facts.odd);
    throw why;
  });
  show("odd", false);
  see(found.checkpoint);
  deadline = found.deadline;
  const [first] = found.guards, hour = (guard) => beijing(guard.hour);
  at("promise").textContent = page("promise", { hour: hour(first), k: first.k, n: first.n });
  at("guards").replaceChildren(...found.guards.map((guard) => {
    const line = element("li");
    const named = say(`page.stage.${guard.stage}`);
    line.append(element("b", named.startsWith("page.") ? guard.stage : named), element("br"), page("guards", { names: list(guard.names), k: guard.k, n: guard.n, hour: hour(guard) }));
    return line;
  }));
  show("guarded", true);
  if (found.set) at("set").textContent = page("set", { set: groups(found.set.set.slice(0, 16)), files: list(found.set.files) });
  step("check", "done", page("check.done", { size: found.checkpoint.size, n: first.n }));
  return found;
}

/* Key sets that are no 2 of 3, everything else about which holds: taken by name alone (envelope.md, who is trusted with what). */
function offered(odd) {
  at("odd-text").textContent = page("odd", odd[0]);
  at("odd-sets").replaceChildren(...odd.map((one) => {
    const line = element("li");
    line.append(element("b", say(`page.stage.${one.stage}`).replace("page.stage.", "")), ` ${list(one.names)} `, element("span", groups(one.keyset), "mono small"));
    return line;
  }));
  at("odd-accept").onclick = () => {
    accept = odd.map((one) => one.keyset);
    show("wrong", false);
    look().catch((why) => fail("check", why));
  };
}

// ---- what is typed

function typed() {
  const opening = {};
  for (const field of fields) {
    const input = at(`field-${field.name}`), told = input.value.trim();
    input.removeAttribute("aria-invalid");
    if (!told && field.optional) continue;
    const value = field.kind === "fen" ? amount(told, field.decimals) : field.kind === "int" ? (/^-?\d{1,15}$/.test(told) ? Number(told) : null) : told || null;
    if (value === null) {
      input.setAttribute("aria-invalid", "true");
      input.focus();
      throw Object.assign(new Error("field"), { code: "E-OPENING", facts: { why: page("field.wrong", { field: field.label }) } });
    }
    opening[field.name] = value;
  }
  return opening;
}
for (const field of fields)
  if (field.kind === "fen" && field.upper)
    at(`field-${field.name}`).addEventListener("input", ({ target }) => {
      const value = amount(target.value.trim(), field.decimals);
      at(`upper-${field.name}`).textContent = value === null ? "" : upper(value);
    });
at("files").addEventListener("change", () => {
  const files = [...at("files").files];
  at("chosen").replaceChildren(...files.map((file) => element("li", `${file.name} · ${size(file.size)}`)));
});

// ---- steps 2 to 4

async function begin() {
  show("wrong", false);
  let where = "check";
  try {
    const opening = typed(), files = [...at("files").files];
    if (!files.length) throw Object.assign(new Error("files"), { code: "E-FILES", facts: { name: "", why: page("files.none") } });
    const held = await key("key", "phrase");
    if (!held) throw Object.assign(new Error("key"), { code: "K-FILE", facts: { path: page("key.none") } });
    enable(false);
    stand("working");
    await look();
    where = "lock";
    step("lock", "now", page("lock.running", { part: 0 }), 0);
    const made = await ask("seal", { key: held, files, opening, bidder, bid: replaced, lasts, store: "sealed" }, (told) => {
      const part = told.done / told.all;
      if (told.step === "lock") step("lock", "now", page("lock.running", { part: Math.floor(100 * part) }), part);
      else {
        step("lock", "done", page("lock.done", { count: files.length }));
        step("sign", "now", page("sign.running"));
        where = "sign";
      }
    });
    at("phrase").value = "";
    const price = fields.find((field) => field.name === "price");
    if (price) at("price").textContent = at("field-price").value.trim() + ` ${price.unit}`;
    show("price-line", Boolean(price));
    step("sign", "done", page("sign.done"));
    if (!made.lasting) show("fleeting", true);
    sealed = Object.values(made.stages).map(({ name }) => name);
    show("bring", false);
    show("form", false); // it is locked: what is typed now would change nothing
  } catch (why) {
    return fail(where, why);
  }
  return upload();
}

async function entries(names) {
  return Promise.all(names.map(async (name) => [name, await store.get(name)]));
}

async function upload() {
  const all = await entries(sealed), whole = all.reduce((sum, [, one]) => sum + one.size, 0), done = {}, stages = {};
  show("fingerprints", true);
  at("prints").replaceChildren(...all.map(([, one]) => {
    const line = element("li", "", "mono");
    line.textContent = `${say(`page.stage.${one.stage}`).replace("page.stage.", "")} ${groups(one.hash)}`;
    return line;
  }));
  show("pause", true);
  const told = (name) => (event) => {
    done[name] = event.done;
    const sum = Object.values(done).reduce((a, b) => a + b, 0), part = sum / whole;
    const facts = { done: size(sum), all: size(whole), part: Math.floor(100 * part), again: Math.ceil((event.again ?? 0) / 1000) };
    const state = event.state === "waiting" ? "waiting" : paused ? "paused" : "uploading";
    step("upload", "now", page(`upload.${state}`, facts), part);
    stand(state, facts);
  };
  try {
    for (const [name, one] of all) {
      const control = (made) => {
        sending = made;
        if (paused) made.pause();
      };
      stages[one.stage] = await send(store, api, tender, name, { told: told(name), control });
    }
  } catch (why) {
    show("pause", false);
    at("retry").hidden = false;
    return fail("upload", why, "waiting");
  }
  sending = null;
  show("pause", false);
  ready = { stages, bid: all[0][1].bid, hashes: Object.fromEntries(all.map(([, one]) => [one.stage, one.hash])) };
  step("upload", "done", page("upload.done", { all: size(whole) }));
  stand("uploaded");
  at("submit").disabled = false;
  at("submit").focus();
  show("again", true);
}

// ---- the act that counts

async function hand() {
  show("wrong", false);
  at("submit").disabled = true;
  show("again", false);
  stand("submitting", { again: 0 });
  try {
    const told = (event) => stand("submitting", { again: Math.ceil(event.again / 1000) });
    const receipts = await submit(api, tender, ready.bid, ready.stages, { told });
    const { time } = await ask("receipts", { policy: pinned().policy, receipts, wanted: ready.hashes });
    for (const [name, one] of await entries(await store.names()))
      if (one?.bid === ready.bid && !sealed.includes(name)) await store.remove(name); // what was replaced
    for (const [name, one] of await entries(sealed)) await store.put(name, { ...one, submitted: true });
    stand("submitted", { time: beijing(time) });
    location.assign(`/b/receipt/${ready.bid}${given.query}`);
  } catch (why) {
    stand("refused");
    wrong(why);
    const { receipt: signed, slip } = why.problem ?? {}, proof = signed ? receipt(signed) : slip && canon(slip);
    show("proof", Boolean(proof));
    if (proof) at("proof").onclick = () => save(proof, `${tender}.refusal.json`);
    at("submit").disabled = false;
    show("again", true);
  }
}

// ---- after a reload

async function mine() {
  const all = await entries(await store.names());
  return all.filter(([, one]) => one?.tender === tender && one.bidder === bidder && !one.submitted);
}
async function forget() {
  for (const [name] of await mine()) await store.remove(name);
  location.reload();
}

// ---- a file that was sealed elsewhere: no key, no passphrase, and nothing of what is in it

async function bring(file) {
  show("wrong", false);
  try {
    if (!pinned()) throw Object.assign(new Error("trust"), { code: "W-FAULT", facts: { trace: page("trust.needed") } });
    const found = await readSealed(file), stages = Object.keys(found.stages).sort(), names = [];
    for (const [field, wanted] of [["tender", tender], ["bidder", bidder]])
      if (found[field] !== wanted) throw Object.assign(new Error(field), { code: "E-CONTEXT", facts: { field, found: found[field], wanted } });
    enable(false);
    stand("working");
    for (const stage of stages) {
      const { manifest, sig, payload } = found.stages[stage], name = `${found.bid} ${manifest.seq} ${stage}`;
      const { leaves, root } = await segmented(payload, manifest, (await keeping(store, name)).sink);
      const more = { tender, bidder, bid: found.bid, stage, stages, seq: manifest.seq, hash: manifest.hash, at: manifest.created, submitted: false };
      await kept(store, name, { manifest: manifest.data, root, size: manifest.size, leaves }, sig, more);
      names.push(name);
    }
    sealed = names;
  } catch (why) {
    return fail("lock", why);
  }
  show("form", false);
  show("bring", false);
  for (const name of ["check", "lock", "sign"]) step(name, "done", page("elsewhere"));
  return upload();
}
at("bring-file").addEventListener("change", () => at("bring-file").files[0] && bring(at("bring-file").files[0]));

at("form").addEventListener("submit", (event) => {
  event.preventDefault();
  begin();
});
at("pause").addEventListener("click", () => {
  paused = !paused;
  at("pause").textContent = page(paused ? "resume" : "pause");
  if (sending) sending[paused ? "pause" : "resume"]();
});
at("submit").addEventListener("click", hand);
at("retry").addEventListener("click", () => {
  at("retry").hidden = true;
  show("wrong", false);
  upload();
});
at("again").addEventListener("click", forget);
addEventListener("beforeunload", (event) => {
  if (standing === "working" || standing === "submitting") event.preventDefault(); // sealing would begin anew
});

trusted();
await countdown(() => deadline);
const waiting = await mine(), whole = waiting.length > 0 && waiting[0][1].stages.every((stage) => waiting.some(([, one]) => one.stage === stage && one.bid === waiting[0][1].bid));
if (whole && pinned()) {
  sealed = waiting.map(([name]) => name);
  enable(false);
  show("form", false);
  show("bring", false);
  show("kept", true);
  at("kept-text").textContent = page("kept", { time: beijing(waiting[0][1].at) });
  for (const name of ["check", "lock", "sign"]) step(name, "done", page("before"));
  await upload();
} else {
  for (const [name] of waiting) await store.remove(name); // sealed in part: a reload came in between
  stand("none");
  enable(true);
  if (pinned()) await look().catch((why) => fail("check", why));
}
document.documentElement.dataset.ready = "1";
