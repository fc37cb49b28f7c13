/* What the bidder's pages share: their words, the thread that holds keys, trust files of the user's own, the platform's clock. Text is set as
 * text; nothing here reads a document, and no key ever comes here. */

import { base64, hex, sha256, unbase64 } from "../../../audit/browser/bytes.js";
import { canon } from "../../../audit/browser/canon.js";
import { consistencyProof } from "../../../bidding/browser/sealing.js";
import { Api, serverClock } from "../../../bidding/browser/upload.js";
import { evaluate, wrappedFor } from "./prf.js";
import { speaker } from "./words.js";

export const at = (id) => document.getElementById(id);
export const given = JSON.parse(at("given").textContent);
const { words, lang, token } = given;

/** A sentence of the catalogue. */
export const say = speaker(words);
/** A sentence of the bidder's pages. */
export const page = (code, facts) => say(`page.b.${code}`, facts);

export function element(tag, told = "", name = "") {
  const made = document.createElement(tag);
  if (told) made.textContent = told;
  if (name) made.className = name;
  return made;
}

export const list = (names) => names.join(lang.startsWith("zh") ? "、" : ", ");
/** What went wrong, as a sentence: the platform's own where it said one. */
export const sentence = (why) => why.problem?.detail ?? (why.code ? say(why.code, why.facts) : page("broke", { why: String(why.message ?? why) }));
export const show = (id, on) => (at(id).hidden = !on);
export function wrong(why) {
  at("wrong-text").textContent = sentence(why);
  at("wrong-code").textContent = why.code ?? "";
  show("wrong-again", why.code === "W-FRESH");
  show("wrong", true);
  at("wrong").focus();
}

export const api = new Api({ headers: () => ({ "X-Form-Token": token, "Accept-Language": lang }) });

export const size = (bytes) => `${(bytes / 1_048_576).toFixed(bytes < 10_485_760 ? 2 : 1)} MiB`;
export const beijing = (value) => new Date((typeof value === "number" ? value : Date.parse(value)) + 8 * 3_600_000).toISOString().slice(0, 19).replace("T", " ");
export const groups = (digest) => digest.match(/.{1,4}/g).join(" ");

// ---- the thread that holds keys; under Trusted Types its address must come from a policy, and this one lets no other through

const WORKER = "/modules/trading/web/static/desk_worker.js";
const policy = globalThis.trustedTypes?.createPolicy("desk", {
  createScriptURL: (url) => {
    if (url !== WORKER) throw new TypeError(url);
    return url;
  },
});
let worker = null, asked = 0;
const waiting = new Map();

/** Ask the thread; `told` hears of progress. Rejects with {code, facts}. */
export function ask(what, how, told = () => {}) {
  if (!worker) {
    worker = new Worker(policy ? policy.createScriptURL(WORKER) : WORKER, { type: "module" });
    worker.onmessage = ({ data }) => {
      const { done, refused, told: heard } = waiting.get(data.id);
      if (data.told) return heard(data.told);
      waiting.delete(data.id);
      return data.refused ? refused(Object.assign(new Error(data.refused.code), data.refused)) : done(data.done);
    };
    worker.onerror = (event) => [...waiting.values()].forEach(({ refused }) => refused(new Error(event.message ?? "worker")));
  }
  return new Promise((done, refused) => {
    waiting.set(++asked, { done, refused, told });
    worker.postMessage({ id: asked, ask: what, how });
  });
}

/** A key file that was chosen and its passphrase, for the thread; without one, what a passkey opens, if one was made for this file. */
export async function key(file, phrase) {
  const chosen = at(file).files[0];
  if (!chosen) return null;
  const bytes = new Uint8Array(await chosen.arrayBuffer()), passphrase = at(phrase).value, wrapped = passphrase ? null : wrappedFor(bytes);
  return { file: bytes, passphrase, origin: given.origin, ...(wrapped ? { wrapped, prf: await evaluate(wrapped) } : {}) };
}

/** Hand bytes to the user, to be saved. */
export function save(bytes, name) {
  const link = element("a"), url = URL.createObjectURL(new Blob([bytes], { type: "application/json" }));
  Object.assign(link, { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** A receipt as its file, byte for byte what every verifier reads. */
export const receipt = (given) => canon(Object.fromEntries(Object.entries(given).filter(([name, value]) => value !== null || !["proof", "listed"].includes(name))));

// ---- trust files, pinned as on /verify, and the last checkpoint that was seen

const PINNED = "trust-file-", SEEN = `checkpoint-${given.origin}`;
function remembered(name, value) {
  try {
    return value === undefined ? localStorage.getItem(name) : localStorage.setItem(name, value);
  } catch {
    return null; // a browser that lets no page remember anything
  }
}
/** {policy, parties} as the user has pinned them; null where one is missing. */
export function pinned() {
  const [rules, parties] = ["policy", "parties"].map((name) => remembered(PINNED + name));
  return rules && parties ? { policy: unbase64(rules), parties: unbase64(parties) } : null;
}
export const pin = (name, bytes) => remembered(PINNED + name, base64(bytes));
/** Forget them: nothing is checked until they are pinned again. */
export function forgetTrust() {
  for (const name of ["policy", "parties"]) localStorage.removeItem(PINNED + name);
}
export const print = (bytes) => hex(sha256(bytes));
export const seen = () => JSON.parse(remembered(SEEN) ?? "null");
export const see = (checkpoint) => remembered(SEEN, JSON.stringify(checkpoint));

function tilePath(level, number, width) {
  const digits = String(number).padStart(Math.ceil(String(number).length / 3) * 3, "0").match(/.../g);
  const place = digits.map((part, n) => (n < digits.length - 1 ? `x${part}` : part)).join("/");
  return `/log/tile/${level}/${place}${width < 256 ? `.p/${width}` : ""}`;
}
/** The proof that the log under a kit goes on from the checkpoint kept; the thread judges it. */
export async function since(last, now) {
  if (!last?.size || last.size >= now) return null;
  return consistencyProof(last.size, now, async (level, number, width) => {
    const answer = await fetch(tilePath(level, number, width), { credentials: "same-origin" });
    if (!answer.ok) throw Object.assign(new Error("tile"), { code: "E-KEYSET", facts: { why: `${answer.status} ${answer.url}` } });
    return new Uint8Array(await answer.arrayBuffer());
  });
}

// ---- the platform's clock, and how long there is

const MARKS = [30, 10, 2]; // minutes before the deadline at which it is said aloud
/** Show the platform's clock in #clock and what is left until `deadline()` (ISO) in #left. {now} */
export async function countdown(deadline) {
  let clock = await serverClock(api).catch(() => null), said = Infinity;
  const tick = () => {
    if (!clock) return show("left-line", false);
    const now = clock.now().getTime(), left = Math.floor((Date.parse(deadline()) - now) / 1000);
    at("clock").textContent = beijing(now).slice(11);
    const above = document.querySelector(".top .clock b");
    if (above) above.textContent = beijing(now); // two clocks that differ would both be doubted
    const [days, rest] = [Math.floor(left / 86_400), left % 86_400]; // hours and minutes of a clock, no period of the law
    const told = [rest / 3600, (rest / 60) % 60, rest % 60].map((part) => String(Math.floor(part)).padStart(2, "0")).join(":");
    at("left").textContent = left < 0 ? page("late") : days ? page("left.days", { days, time: told }) : told;
    at("left").classList.toggle("short", left < 60 * MARKS[0]);
    const mark = MARKS.filter((minutes) => left <= 60 * minutes).at(-1) ?? Infinity;
    if (left >= 0 && mark < said) at("aloud").textContent = page("soon", { minutes: mark });
    said = Math.min(said, mark);
    return left;
  };
  tick();
  setInterval(tick, 500);
  setInterval(async () => (clock = await serverClock(api).catch(() => clock)), 60_000);
  return { left: tick };
}
