/* `sealing.html`: a bid is sealed on a machine without a network, and carried to another one that hands it in (envelope.md §2a, §3–§5).
 * Nothing secret is written anywhere: the key is used in memory, the file that is saved is ciphertext, manifests and signatures. */

import { Archive } from "../../../audit/browser/archive.js";
import { openKeyFile } from "../../../bidding/browser/keyfile.js";
import { gathering, readSealed, writeSealed } from "../../../bidding/browser/sealed.js";
import { amount, upper } from "../static/amounts.js";
import { DOCUMENTS, guardsOf, lookAt, sealBid } from "../static/whole_bid.js";
import { at, beijing, begin, bytesOf, doing, element, groups, named, page, refused, save, see, seen, show, size, tell, trust, trustCard, whole } from "./shared.js";

let kit = null, about = null, found = null, accepted = [], made = null;

// ---- step 2: the kit

/** The tender of a kit: its own word, which `lookAt` proves or refuses. */
async function look() {
  found = null;
  drawn();
  const own = trust();
  if (!kit || !own) return;
  const last = seen(own.origin);
  try {
    found = await lookAt(kit, own, { tender: about.tender, kept: last, accept: accepted });
  } catch (why) {
    show("odd", Boolean(why.facts?.odd));
    if (why.facts?.odd) offered(why.facts.odd);
    throw why;
  }
  show("odd", false);
  see(own.origin, found.checkpoint);
  drawn();
}
/* Key sets that are no 2 of 3, everything else about which holds: taken by name alone. */
function offered(odd) {
  tell(at("odd-text"), "odd", odd[0]);
  at("odd-sets").replaceChildren(...odd.map((one) => {
    const line = element("li");
    line.append(element("b", named("stage", one.stage)), ` ${one.names.join("、")} `, element("span", groups(one.keyset), "mono small"));
    return line;
  }));
  at("odd-accept").dataset.sets = odd.map((one) => one.keyset).join(" ");
}
doing(at("odd-accept"), "click", async () => {
  accepted = at("odd-accept").dataset.sets.split(" ");
  await look();
});

doing(at("kit"), "change", async () => {
  const [file] = at("kit").files;
  kit = found = null;
  if (!file) return drawn();
  const opened = await Archive.open(file, () => true);
  const told = JSON.parse(new TextDecoder().decode(await opened.read("archive.json")));
  if (about?.tender !== told.tender) accepted = accepted.filter((id) => opened.has(`keysets/${id}.json`));
  [kit, about] = [opened, told];
  if (!trust()) throw refused("W-FAULT", { trace: page("trust.none") });
  await look();
});

// ---- what the notice asks for

const decimals = (name) => (name === "price" && found.announcement.pricing === "rate" ? 2 : coins());
const coins = () => (whole.includes(found.announcement.currency) ? 0 : 2);
const unit = () => (found.announcement.pricing === "rate" ? "%" : found.announcement.currency);
const asked = () => Object.entries(found.schema).filter(([name]) => name !== DOCUMENTS).sort(([a], [b]) => (b === "price") - (a === "price") || (a < b ? -1 : 1));
const label = (name) => (name === "price" ? page("price") : named("key", name));

function field([name, rule]) {
  const line = element("div", "", "form"), input = element("input"), title = element("label", label(name)), capitals = element("p", "", "small upper");
  if (rule.kind === "fen") title.append(" ", element("span", `（${name === "price" ? unit() : found.announcement.currency}）`, "small"));
  if (rule.optional) title.append(" ", element("span", page("optional"), "small"));
  Object.assign(input, { id: `field-${name}`, type: rule.kind === "date" ? "date" : "text", autocomplete: "off", value: at(`field-${name}`)?.value ?? "" });
  if (rule.kind === "fen" || rule.kind === "int") input.inputMode = "decimal";
  if (!rule.optional) input.setAttribute("aria-required", "true");
  title.htmlFor = input.id;
  const inWords = () => {
    const value = amount(input.value.trim(), decimals(name));
    const on = rule.kind === "fen" && found.announcement.currency === "CNY" && found.announcement.pricing !== "rate" && value !== null && document.documentElement.lang !== "en";
    capitals.textContent = on ? upper(value) : "";
  };
  input.addEventListener("input", inWords);
  inWords();
  line.append(title, input, capitals);
  return line;
}

/* Everything that follows from the kit, drawn anew; also when the language changes. */
function drawn() {
  for (const id of ["tender", "guarded", "form"]) show(id, Boolean(found));
  show("bid-wait", !found);
  const own = trust(), last = own && seen(own.origin);
  show("seen", Boolean(last) && !found);
  if (last) tell(at("seen"), "kit.seen", { size: last.size });
  at("look").classList.toggle("done", Boolean(found));
  if (!found) return;
  at("tender-id").textContent = found.tender;
  at("tender-deadline").textContent = beijing(found.deadline);
  tell(at("tender-log"), "log.size", { size: found.checkpoint.size });
  at("guards").replaceChildren(...guardsOf(found).map((guard) => {
    const line = element("li");
    line.append(element("b", named("stage", guard.stage)), element("br"), page("guards", { ...guard, hour: beijing(guard.hour) }));
    return line;
  }));
  at("fields").replaceChildren(...asked().map(field));
  at("set").textContent = found.set ? page("set", { set: groups(found.set.set.slice(0, 16)), files: found.set.files.map((one) => one.name) }) : "";
}

function typed() {
  const opening = {};
  for (const [name, rule] of asked()) {
    const input = at(`field-${name}`), told = input.value.trim();
    input.removeAttribute("aria-invalid");
    if (!told && rule.optional) continue;
    const value = rule.kind === "fen" ? amount(told, decimals(name)) : rule.kind === "int" ? (/^-?\d{1,15}$/.test(told) ? Number(told) : null) : told || null;
    if (value === null) {
      input.setAttribute("aria-invalid", "true");
      input.focus();
      throw refused("E-OPENING", { why: page("field.wrong", { field: label(name) }) });
    }
    opening[name] = value;
  }
  return opening;
}
at("files").addEventListener("change", () => {
  at("chosen").replaceChildren(...[...at("files").files].map((file) => element("li", `${file.name} · ${size(file.size)}`)));
});

// ---- step 3: seal

/** {bid, lasts} of the file this bid replaces. */
async function before(bidder) {
  const [file] = at("before").files;
  if (!file) return {};
  const old = await readSealed(file);
  for (const [field, wanted] of [["tender", found.tender], ["bidder", bidder]]) if (old[field] !== wanted) throw refused("E-CONTEXT", { field, found: old[field], wanted });
  const lasts = Object.fromEntries(Object.entries(old.stages).map(([stage, { manifest }]) => [stage, { seq: manifest.seq, hash: manifest.hash }]));
  return { bid: old.bid, lasts };
}

async function seal() {
  const opening = typed(), files = [...at("files").files], [keyFile] = at("key").files;
  if (!files.length) throw refused("E-FILES", { name: "", why: page("files.none") });
  if (!keyFile) throw refused("K-FILE", { path: page("key.none") });
  const key = await openKeyFile(await bytesOf(keyFile), at("phrase").value, { kind: "bidder", origin: trust().origin });
  await look(); // the checkpoint may have grown old while the form was filled
  const stages = {}, held = {};
  const place = (bid, seq, stage) => (held[stage] = gathering()).sink;
  const keep = (stage, { manifest, hash }, sig, { seq }) => {
    stages[stage] = { manifest, sig, payload: held[stage].done(), keyset: found.guards[stage].keyset };
    prints.push([stage, hash, seq]);
  };
  const prints = [], told = ({ step, done, all }) => {
    at("progress").value = done / all;
    tell(at("standing"), step === "lock" ? "locking" : "signing", { part: Math.floor((100 * done) / all) });
  };
  show("progress", true);
  const bid = await sealBid(found, key.signer, { files, opening, bidder: key.id, ...(await before(key.id)) }, { place, keep, told });
  at("phrase").value = "";
  const name = `${found.tender.replace(/[^A-Za-z0-9._-]/g, "_")}-${bid.slice(0, 8)}-${prints[0][2]}.sealed`;
  made = { blob: writeSealed(stages), name };
  at("prints").replaceChildren(...prints.map(([stage, hash]) => element("li", `${named("stage", stage)}  ${groups(hash)}`, "mono")));
  tell(at("made-name"), "made.name", { name, size: size(made.blob.size), deadline: beijing(found.deadline) });
  at("made-cli").textContent = `trading submit ${name} --policy policy.txt --parties parties.txt --url https://…`;
  show("made", true);
  at("bid").classList.add("done");
  tell(at("standing"), "sealed");
  tell(at("aloud"), "sealed");
  at("made").focus();
  save(made.blob, made.name);
}
doing(at("form"), "submit", async () => {
  at("seal").disabled = true;
  show("made", false);
  try {
    await seal();
  } catch (why) {
    tell(at("standing"), "not.sealed");
    throw why;
  } finally {
    at("seal").disabled = false;
    show("progress", false);
  }
});
at("save").addEventListener("click", () => save(made.blob, made.name));
addEventListener("beforeunload", (event) => {
  if (document.documentElement.dataset.busy) event.preventDefault();
});

begin("sealing", drawn);
trustCard(look);
document.documentElement.dataset.ready = "1";
