/* The page `/verify`: files in, sentences out. All text is set as text; nothing is fetched after the page has loaded. */

import { base64, hex, sha256, unbase64 } from "../../../audit/browser/bytes.js";
import { kindOf } from "./verify.js";

const { words, trust: served, lang } = JSON.parse(document.getElementById("given").textContent);
const at = (id) => document.getElementById(id);
const PINNED = "trust-file-";
const WORKER = "/modules/trading/web/static/verify_worker.js";

const say = (code, facts = {}) => (words[code] ?? code).replace(/\{(\w+)\}/g, (_, name) => write(name, facts[name] ?? "…"));
const page = (code, facts) => say(`page.verify.${code}`, facts);

/* A fact as the reader writes it: numbers grouped, instants in Beijing time. */
function write(name, value) {
  if (typeof value === "number") return name === "index" ? String(value) : value.toLocaleString(lang);
  if (name === "time") return `${new Date(Date.parse(value) + 8 * 3_600_000).toISOString().slice(0, 19).replace("T", " ")}`;
  return String(value);
}

function element(tag, text = "", name = "") {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (name) made.className = name;
  return made;
}

// ---- the worker; under Trusted Types its address must come from a policy, and this one lets no other through

const policy = globalThis.trustedTypes?.createPolicy("verify", {
  createScriptURL: (url) => {
    if (url !== WORKER) throw new TypeError(url);
    return url;
  },
});
const worker = new Worker(policy ? policy.createScriptURL(WORKER) : WORKER, { type: "module" });
worker.onmessage = ({ data }) => hear(data);
worker.onerror = (event) => stop(page("wide", { name: "", why: event.message ?? "" }));

// ---- what was put here

const given = { archives: [], receipts: [], since: null };
const own = { policy: null, parties: null };
let run = 0;

/* A browser that lets no page remember anything remembers nothing; the rest goes on. */
function remember(name, bytes) {
  try {
    if (bytes === undefined) return localStorage.getItem(PINNED + name);
    return bytes ? localStorage.setItem(PINNED + name, base64(bytes)) : localStorage.removeItem(PINNED + name);
  } catch {
    return null;
  }
}

for (const name of ["policy", "parties"]) {
  const kept = remember(name);
  if (kept) setOwn(name, unbase64(kept));
}
at("pin").checked = Boolean(own.policy || own.parties);
if (own.policy && own.parties) at("own").checked = true;

function setOwn(name, bytes) {
  own[name] = bytes;
  at(`own-${name}`).textContent = bytes ? hex(sha256(bytes)) : page("trust.missing");
}

function pin() {
  for (const name of ["policy", "parties"]) remember(name, at("pin").checked ? own[name] : null);
}

async function take(files) {
  for (const file of files) {
    const kind = await kindOf(file);
    const one = { name: file.name, blob: file };
    if (kind === "archive") given.archives = [...given.archives.filter((old) => old.name !== file.name), one];
    else if (kind === "receipt") given.receipts = [...given.receipts.filter((old) => old.name !== file.name), one];
    else if (kind === "checkpoint") given.since = file;
    else if (kind === "policy" || kind === "parties") {
      setOwn(kind, new Uint8Array(await file.arrayBuffer()));
      at("own").checked = true;
    }
    const line = element("li", file.name);
    line.append(" ", element("span", page(`kind.${kind ?? "unknown"}`), kind ? "chip" : "chip warn"));
    at("files").append(line);
  }
  at("files").hidden = at("again").hidden = !at("files").children.length;
  pin();
  start();
}

function clear() {
  Object.assign(given, { archives: [], receipts: [], since: null });
  at("files").replaceChildren();
  at("results").replaceChildren();
  at("files").hidden = at("again").hidden = true;
  run++;
  stop("");
  at("pick").focus();
}

// ---- a run

function stop(told, shown = false) {
  at("status").textContent = told;
  at("status").classList.toggle("out", shown); // the headlines say it to whoever sees
  at("progress").hidden = true;
}

async function start() {
  run++;
  at("results").replaceChildren();
  if (!given.archives.length && !given.receipts.length) return stop("");
  const chosen = document.querySelector("input[name=trust]:checked").value;
  if (chosen === "own" && !(own.policy && own.parties)) return stop(page("trust.wait"));
  const [policyFile, partiesFile] = ["policy", "parties"].map((name) =>
    chosen === "own" ? own[name] : chosen === "server" ? unbase64(served[name].data) : null);
  at("progress").hidden = false;
  at("status").classList.remove("out");
  at("progress").removeAttribute("value");
  const since = given.since && new Uint8Array(await given.since.arrayBuffer());
  worker.postMessage({ run, archives: given.archives, receipts: given.receipts, trust: { policy: policyFile, parties: partiesFile, since } });
  return null;
}

let announced = "";
function hear(data) {
  if (data.run !== run) return;
  if (data.broke) stop(page("wide", { name: "", why: data.broke }));
  else if (data.progress) {
    const { name, step, done, total } = data.progress;
    const told = page("running", { name, step: `${step} ${say(step)}` });
    if (told !== announced) at("status").textContent = announced = told;
    if (total > 1) Object.assign(at("progress"), { max: total, value: done });
    else at("progress").removeAttribute("value");
  } else show(data);
}

// ---- what was found

const CHIPS = {
  holds: ["holds", "chip proved"], fails: ["fails", "chip sealed"], "not reached": ["unreached", "chip warn"],
  "not in this edition": ["absent", "chip"], "checked by the command line only": ["elsewhere", "chip"],
};

function sentence(step) {
  if (step.state === "fails") return say(step.code, step.facts);
  if (step.state === "not reached") return page("unreached");
  if (step.state === "not in this edition") return page(`absent.${step.id}`);
  if (step.state === "checked by the command line only") return page("elsewhere");
  if (step.code) return say(step.code, step.facts);
  return words[`page.verify.found.${step.id}`] ? page(`found.${step.id}`, step.facts) : "";
}

function line(step, place, steps) {
  const [state, look] = CHIPS[step.state];
  const row = element("li", "", `is-${state}`);
  const top = element("div", "", "row between");
  const title = element("h3");
  title.append(element("span", step.id, "mono"), ` ${say(step.id)}`);
  top.append(title, element("span", page(`state.${state}`), look));
  row.append(top, element("p", page(`asks.${step.id}`), "small"));
  const found = sentence(step);
  const again = step.state === "not reached" && steps[place - 1]?.state === step.state; // once is enough
  if (found && !again) row.append(element("p", found, step.state === "fails" ? "fault" : "small quiet"));
  if (step.at && step.state === "fails") row.append(element("p", page("at", { at: step.at }), "small where"));
  return row;
}

function headline(report) {
  const failed = report.steps.find((step) => step.state === "fails");
  if (failed) return [false, page("not", { name: report.name, step: `${failed.id} ${say(failed.id)}` })];
  if (!report.trusted) return [null, page("all.untrusted", { name: report.name })];
  return [true, page("all", { name: report.name, count: report.steps.filter((step) => step.state === "holds").length })];
}

function card(heading, good, about, steps, keys = []) {
  const made = element("section", "", "card");
  const state = good === null ? "warn" : good ? "proved" : "alert";
  made.append(element("h2", heading, `verdict ${state}`));
  if (about) made.append(element("p", about, "small mt"));
  if (keys.length) { // §8: whose keys are trusted comes first
    const whose = element("details");
    const list = element("ul", "", "small");
    list.append(...keys.map((key) => element("li", key, "mono")));
    whose.append(element("summary", page("keys", { count: keys.length })), list);
    made.append(whose);
  }
  const list = element("ol", "", "checks");
  list.append(...steps.map(line));
  made.append(list);
  return made;
}

function show({ reports, alone }) {
  const told = [];
  for (const report of reports) {
    const [good, heading] = headline(report);
    const about = report.tender && page("about", {
      tender: report.tender, edition: page(`edition.${report.edition}`), origin: report.origin, size: report.size,
    });
    told.push(heading);
    at("results").append(card(heading, good, about, report.steps, report.keys));
  }
  for (const receipt of alone) {
    const failed = receipt.steps.some((step) => step.state === "fails");
    const heading = page(failed ? "not" : "receipt.all", { name: receipt.name, step: `V17 ${say("V17")}` });
    told.push(heading);
    at("results").append(card(heading, !failed, page("receipt.more"), receipt.steps));
  }
  if (!told.length) told.push(page("trust.wait")); // a receipt needs keys from somewhere
  stop(told.join(" "), at("results").children.length > 0);
}

// ---- hands

at("pick").addEventListener("change", async () => {
  await take([...at("pick").files]);
  at("pick").value = "";
});
at("again").addEventListener("click", clear);
at("pin").addEventListener("change", pin);
for (const one of document.querySelectorAll("input[name=trust]")) one.addEventListener("change", start);
addEventListener("dragover", (event) => {
  event.preventDefault();
  at("drop").classList.add("over");
});
addEventListener("dragleave", (event) => event.relatedTarget ?? at("drop").classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  at("drop").classList.remove("over");
  take([...event.dataTransfer.files]);
});
crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]).catch(() => stop(page("old")));
