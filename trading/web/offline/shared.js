/* What the two offline pages share: words in two languages, trust files and the last checkpoint on this machine, files in and out. */

import { base64, hex, sha256, unbase64 } from "../../../audit/browser/bytes.js";
import { Policy, parties as readParties } from "../../../audit/browser/trust.js";
import { Refused } from "../../../bidding/browser/envelope.js";
import { speaker } from "../static/words.js";

export const at = (id) => document.getElementById(id);
export const { words, whole } = JSON.parse(at("given").textContent);

// ---- what this machine remembers: nothing secret, and a browser that keeps nothing is told of

const PREFIX = "trading-offline-";
/** Read or (with a value) write; null where nothing is kept. `false` from a write: this browser keeps nothing. */
export function memory(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(PREFIX + name);
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
    return true;
  } catch {
    return value === undefined ? null : false;
  }
}

// ---- words

const SPEAK = { zh: speaker(words.zh), en: speaker(words.en) };
let lang = memory("lang") ?? (/^en/i.test(navigator.language) ? "en" : "zh");
const told = new Map(); // element → [code, facts]: said again when the language changes
const listed = (facts) => Object.fromEntries(Object.entries(facts).map(([name, value]) => {
  const one = typeof value === "function" ? value() : value;
  return [name, Array.isArray(one) ? one.join(lang === "zh" ? "、" : ", ") : one];
}));

/** A sentence of the page, `page.o.…`. A fact that is a function is asked each time it is said. */
export const say = (code, facts = {}) => SPEAK[lang](code, listed(facts));
export const page = (code, facts) => say(`page.o.${code}`, facts);
export function tell(element, code, facts = {}) {
  told.set(element, [code, facts]);
  element.textContent = page(code, facts);
  return element;
}
export const named = (kind, code) => (words[lang][`page.${kind}.${code}`] ? say(`page.${kind}.${code}`) : code);

function speak() {
  document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
  for (const one of document.querySelectorAll("[data-t]")) one.textContent = say(one.dataset.t);
  for (const one of document.querySelectorAll("[data-label]")) one.setAttribute("aria-label", say(one.dataset.label));
  for (const [element, [code, facts]] of told) element.textContent = page(code, facts);
  at("lang").textContent = lang === "zh" ? "English" : "中文";
  at("lang").lang = lang === "zh" ? "en" : "zh-CN";
  document.title = page(`${document.documentElement.dataset.page}.head`);
  again.forEach((one) => one());
}
const again = [];
/** Begin to speak; `more` is called each time the language changes, for what is built by hand. */
export function begin(name, more = () => {}) {
  document.documentElement.dataset.page = name;
  again.push(more);
  at("lang").addEventListener("click", () => {
    lang = lang === "zh" ? "en" : "zh";
    memory("lang", lang);
    speak();
  });
  tell(at("where"), location.protocol === "file:" ? "where.disk" : "where.site");
  at("where").className = location.protocol === "file:" ? "chip proved" : "chip warn";
  speak();
}

// ---- small things

export function element(tag, text = "", name = "") {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (name) made.className = name;
  return made;
}
export const show = (id, on) => (at(id).hidden = !on);
export const groups = (digest) => digest.match(/.{1,8}/g).join(" ");
export const size = (bytes) => `${(bytes / 1_048_576).toFixed(bytes < 10_485_760 ? 2 : 1)} MiB`;
export const beijing = (value) => new Date((typeof value === "number" ? value : Date.parse(value)) + 8 * 3_600_000).toISOString().slice(0, 19).replace("T", " ");
export const bytesOf = async (file) => new Uint8Array(await file.arrayBuffer());
export const refused = (code, facts = {}) => new Refused(code, facts);

/** Hand a file to the user. */
export function save(content, name) {
  const link = element("a"), url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type: "application/json" }));
  Object.assign(link, { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 600_000);
}

let failed = null;
function complain() {
  const why = failed;
  show("wrong", Boolean(why));
  if (!why) return;
  at("wrong-text").textContent = why.code && words[lang][why.code] ? say(why.code, why.facts) : page("broke", { why: String(why.message ?? why) });
  at("wrong-code").textContent = why.code ?? "";
}
again.push(complain);
/** Say what went wrong, or (null) that nothing is. */
export function wrong(why) {
  failed = why;
  complain();
  if (why) at("wrong").focus();
}

/** Do something on a click or a choice, one at a time: what it refuses is said. */
export function doing(target, event, act) {
  if (target.type === "file") target.addEventListener("click", () => (target.value = "")); // the same name again is another file
  target.addEventListener(event, async (what) => {
    what.preventDefault?.();
    wrong(null);
    document.documentElement.dataset.busy = "1";
    if (event === "click") target.disabled = true;
    try {
      await act();
    } catch (why) {
      wrong(why);
    }
    if (event === "click") target.disabled = false;
    delete document.documentElement.dataset.busy;
  });
}

// ---- trust files (envelope.md §2): of one's own, from outside the platform

const NAMES = ["policy", "parties"];
/** {policy, parties, origin} as this machine has them, or null. */
export function trust() {
  const [policy, parties] = NAMES.map((name) => memory(name));
  return policy && parties ? { policy: unbase64(policy), parties: unbase64(parties), origin: new Policy(unbase64(policy)).origin } : null;
}
/** Wire the card of trust files; `changed` is called at once and whenever they change. */
export function trustCard(changed) {
  const held = {};
  const shown = () => {
    const own = trust();
    show("trust-own", Boolean(own));
    show("trust-none", !own);
    show("trust-forget", Boolean(own));
    at("trust").classList.toggle("done", Boolean(own));
    if (own) for (const name of NAMES) at(`print-${name}`).textContent = groups(hex(sha256(own[name])));
    if (own) at("origin").textContent = own.origin;
  };
  doing(at("trust-files"), "change", async () => {
    for (const file of at("trust-files").files) {
      const [, name] = /^(policy|parties)[^/]*\.txt$/.exec(file.name) ?? [];
      if (name) held[name] = await bytesOf(file);
    }
    const missing = NAMES.filter((name) => !held[name]);
    if (missing.length) throw refused("W-FAULT", { trace: page("trust.missing", { names: missing.map((one) => `${one}.txt`) }) });
    new Policy(held.policy);
    readParties(held.parties);
    for (const name of NAMES) memory(name, base64(held[name]));
    if (!trust()) throw refused("W-FAULT", { trace: page("keeps.nothing") });
    shown();
    await changed();
  });
  doing(at("trust-forget"), "click", async () => {
    for (const name of NAMES) memory(name, null);
    shown();
    await changed();
  });
  shown();
}
/** The last checkpoint this machine has seen of a log (envelope.md §2a, §6.2); with a value, keep it. */
export const seen = (origin) => JSON.parse(memory(`checkpoint-${origin}`) ?? "null");
export const see = (origin, checkpoint) => memory(`checkpoint-${origin}`, JSON.stringify(checkpoint));
