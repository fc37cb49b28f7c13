/* V7–V9 of audit/log.md §8: identities and key sets, manifests and their chains, closings. Written from bidding/envelope.md and log.md;
 * `r` is the Reading of audit/browser/steps.js, and what a step finds stands there for the next. */

import { base64, hex, join, same, sha256, unbase64, unhex } from "../../audit/browser/bytes.js";
import { canon } from "../../audit/browser/canon.js";
import { rootOf } from "../../audit/browser/log.js";
import { alike, CLOSING, deadlines, exactly, isCode, keysets, latest, whole } from "../../audit/browser/steps.js";
import { need, NEVER, point, signers, vkey, when } from "../../audit/browser/trust.js";
import { checkChain } from "../../audit/browser/x509.js";

const DAY = 86_400_000_000n;
const told = (value) => typeof value === "string" && value !== "";
const later = (a, b) => (a > b ? a : b);

/** Whether a text is a day that exists, `YYYY-MM-DD`. */
export function isDay(value) {
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\d$/.test(value) || value.startsWith("0000")) return false;
  const moment = Date.parse(`${value}T00:00:00Z`);
  return Number.isFinite(moment) && new Date(moment).toISOString().startsWith(value);
}

// ---- V7

async function vouchings(r) {
  for (const x of r.every("identity-vouched")) {
    const { id, role, by, until } = x.body;
    const named = new Set(typeof by === "string" ? [by] : by);
    const signed = new Set((await r.behind(x, "authority")).map((one) => one.id));
    need(named.size === signed.size && [...named].every((one) => signed.has(one)), "VB-SIGNER");
    const key = vkey(x.body.vkey, 1);
    const from = when(x.body.from);
    const end = until === null ? NEVER : when(until);
    need(key.name === id && ["custodian", "tenderee", "party"].includes(role), "VB-FIELD");
    if (r.trusted.has(id)) continue; // void
    const old = r.ids.filter((one) => one.id === id && one.role === role);
    need(!old.length || named.size > 1, "VB-SIGNER");
    r.ids = r.ids.map((one) => (old.includes(one) ? { ...one, until: one.until < from ? one.until : from } : one));
    r.ids.push({ id, role, key: hex(key.pub), from: later(from, x.time), until: end });
  }
}

function schema(rules) {
  for (const rule of Object.values(rules)) {
    const bounds = ["min", "max"].filter((one) => one in rule).map((one) => rule[one]);
    need(Object.keys(rule).every((one) => ["kind", "min", "max", "optional"].includes(one)), "VB-FIELD");
    need(["fen", "int", "text", "date"].includes(rule.kind) && (!("optional" in rule) || rule.optional === true), "VB-FIELD");
    need(bounds.every(rule.kind === "date" ? isDay : Number.isSafeInteger), "VB-FIELD");
    need(bounds.length < 2 || bounds[0] <= bounds[1], "VB-FIELD");
  }
}

function announcement(x) {
  const a = x.body;
  need([a.regime, a.currency, a.method].every(told) && ["buy", "sell"].includes(a.direction), "VB-FIELD");
  need(whole(a.min_bids) && whole(a.window) && (a.baseline === null || Number.isSafeInteger(a.baseline)), "VB-FIELD");
  when(a.deadline);
  unhex(a.rulebook);
  const stages = Object.keys(a.keysets);
  need(stages.length && Array.isArray(a.public_stages) && a.public_stages.every((one) => stages.includes(one)), "VB-FIELD");
  stages.forEach((one) => unhex(a.keysets[one]));
  need(a.unvouched === undefined || (Array.isArray(a.unvouched) && a.unvouched.every(told)), "VB-FIELD");
  need(typeof a.opening_schema === "object" && !Array.isArray(a.opening_schema), "VB-FIELD");
  schema(a.opening_schema);
  return a;
}

/** V7: trust files, vouchings, the announcement, key sets, statements and rehearsals. */
export async function identities(r) {
  for (const name of ["policy", "parties"]) {
    const path = `${name}.txt`;
    const hash = hex(sha256(await r.archive.read(path)));
    need([...r.every("log-opened", "trust-published")].some((x) => x.body[name] === hash), "VB-HASH", { at: path });
  }
  r.at = "record 0";
  const zero = r.records[0].body;
  need(zero.origin === r.origin && zero.subject === r.origin, "VB-ORIGIN");
  for (const x of r.records) need(x.n >= r.born || !r.ours(x.body), "VB-VOID", { at: `record ${x.n} (${x.kind})` });
  await vouchings(r);
  const announced = r.list("project-announced");
  r.at = "project-announced";
  need(announced.length === 1, announced.length ? "VB-SECOND" : "VB-MISSING");
  [r.announced] = announced;
  r.at = `record ${r.announced.n} (project-announced)`;
  r.notice = announcement(r.announced);
  r.stages = Object.keys(r.notice.keysets).sort();
  const made = r.list("keyset-made");
  need(made.length === r.stages.length && r.stages.every((s) => made.some((x) => x.body.stage === s && x.body.keyset === r.notice.keysets[s])),
    "VB-KEYSET");
  need(made.every((x) => x.n < r.announced.n) && r.list("deposited").every((x) => x.n > r.announced.n), "VB-ORDER");
  r.owes(/^keysets\//, new Set(made.map((x) => `keysets/${x.body.keyset}.json`)));
  r.keysets = keysets(r);
  const named = [...r.keysets.values()].flatMap((k) => k.custodians.map((c) => `statements/${c.statement}.json`));
  r.owes(/^statements\//, new Set(named));
  for (const x of made) await keyset(r, x);
}

async function keyset(r, x) {
  const path = `keysets/${x.body.keyset}.json`;
  const k = r.json(path);
  need(hex(sha256(await r.archive.read(path))) === x.body.keyset, "VB-HASH");
  need(exactly(k, "type origin tender stage suite k n opens_at custodians"), "VB-FIELD");
  need(k.type === "trading.keyset/v1" && k.suite === "P256" && k.tender === r.tender && k.stage === x.body.stage, "VB-KEYSET");
  need(k.origin === r.origin, "VB-ORIGIN");
  need(when(k.opens_at) >= when(r.notice.deadline), "VB-KEYSET");
  need(whole(k.k, 2) && whole(k.n, k.k) && k.n <= 9 && k.custodians.length === k.n, "VB-KEYSET");
  need(k.custodians.every((c, at) => exactly(c, "i custodian pub statement") && c.i === at + 1), "VB-KEYSET");
  need(["custodian", "pub"].every((f) => new Set(k.custodians.map((c) => c[f])).size === k.n), "VB-KEYSET");
  for (const c of k.custodians) await statement(r, c, k, x.n);
}

async function statement(r, c, k, before) {
  const file = r.json(`statements/${c.statement}.json`);
  const raw = unbase64(file.statement);
  need(hex(sha256(raw)) === c.statement, "VB-HASH");
  const { value, keys } = await r.signed(raw, "custodian-key", "origin custodian name suite pub valid_from valid_to scope", file.sig);
  need(value.suite === "P256" && value.custodian === c.custodian && value.pub === c.pub, "VB-KEYSET");
  await point(unbase64(c.pub));
  const [low, high] = [when(value.valid_from), when(value.valid_to)];
  need(low <= when(k.opens_at) && when(k.opens_at) <= high, "VB-KEYSET");
  const period = alike(value.scope, { period: true }) && high - low <= 31n * DAY; // a month at most
  need(period || alike(value.scope, { tender: r.tender }), "VB-KEYSET");
  const others = [...r.keysets.values()].flatMap((one) => one.custodians).filter((one) => one.pub === c.pub);
  need(others.every((one) => one.custodian === c.custodian), "VB-KEYSET");
  const about = [...r.every("custodian-key-registered", "rehearsed")].filter((x) => x.body.statement === c.statement);
  for (const kind of ["custodian-key-registered", "rehearsed"]) {
    need(about.some((x) => x.kind === kind && x.n < before), "VB-UNREHEARSED", { at: `statements/${c.statement}.json` });
  }
  for (const x of about) {
    r.at = `record ${x.n} (${x.kind})`;
    let signed = keys;
    if (x.kind === "rehearsed") { // envelope.md §2
      const [challenge, proof] = [unhex(x.body.challenge), unhex(x.body.proof)];
      need(same(proof, sha256("trading/rehearsed/v1\0", challenge, unhex(x.body.r))), "VB-REHEARSAL");
      signed = await signers(x.body.sig, join("trading/rehearsed/v1\n", sha256(raw), challenge, proof));
    } else need(x.body.sig_hash === hex(sha256(canon(file.sig))), "VB-SIG-HASH");
    for (const key of signed.keys()) need(r.known(key, x.since, "custodian").some((one) => one.id === c.custodian), "VB-SIGNER");
  }
}

// ---- V8

/** What a record binds by hash (or carries): a signed object in a file of the archive, and its signers. */
export async function bound(r, x, field, kind, keys, path, sigPath = null) {
  const file = r.json(path);
  const sig = sigPath ? r.json(sigPath) : file.sig;
  r.at = path;
  const raw = field === "manifest" ? await r.archive.read(path) : unbase64(file[field]);
  need(x.body[field] === hex(sha256(raw)) || x.body[field] === base64(raw), "VB-HASH");
  need(x.body.sig_hash === hex(sha256(canon(sig))), "VB-SIG-HASH");
  return r.signed(raw, kind, keys, sig);
}

const place = (bidder, key) => `${key} ${bidder}`;

/* A key and those that registered it, one before the other, as of an index: [{key, by}]. */
function line(r, bidder, key, before = Infinity) {
  const one = r.registered.get(place(bidder, key));
  if (!one || one.n >= before) return [];
  return [{ key, by: one.by }, ...(one.by?.key ? line(r, bidder, hex(unbase64(one.by.key)), one.n) : [])];
}

const vouched = (r, bidder, key) => line(r, bidder, key).some((one) => one.by && !one.by.key);

async function registration(r, x) {
  const hash = x.body.registration.length === 64 ? x.body.registration : hex(sha256(unbase64(x.body.registration)));
  const path = `registrations/${hash}.json`;
  const { value, keys } = await bound(r, x, "registration", "bidder-key", "origin bidder key alg by", path);
  const { bidder, by } = value;
  const key = hex(unbase64(value.key));
  need(x.body.bidder === bidder && x.body.subject === bidder && x.body.key === value.key, "VB-FIELD");
  const own = need(keys.get(key), "VB-SIGNER");
  need(own.alg === value.alg && own.x5c === null, "VB-SIGNER");
  const others = [...keys].filter(([one]) => one !== key);
  need(others.length === (by === null ? 0 : 1), "VB-SIGNER");
  if (by !== null) {
    const [other, how] = others[0];
    need(exactly(by, "key") || exactly(by, "x5c") || exactly(by, "authority"), "VB-FIELD");
    need(by.x5c ? how.x5c && alike(how.x5c, by.x5c) : how.x5c === null, "VB-SIGNER");
    if (by.key) need(other === hex(unbase64(by.key)) && r.registered.has(place(bidder, other)), "VB-SIGNER");
    else if (by.authority) need(r.known(other, x.since, "authority").some((one) => one.id === by.authority), "VB-SIGNER");
    else {
      const chain = by.x5c.map((one) => unbase64(one));
      need(r.known(hex(sha256(chain.at(-1))), x.since, "ca").length, "VB-CERTIFICATE");
      await checkChain(chain, bidder, x.since).catch(() => need(false, "VB-CERTIFICATE"));
    }
  }
  const at = place(bidder, key);
  if (!r.registered.has(at)) r.registered.set(at, { n: x.n, by, hash: sha256(x.raw) });
  return path;
}

const MANIFEST = "tender stage keyset bidder bid seq head boxes root size prev created client";

async function manifest(r, x) {
  const { bid, stage, seq } = x.body;
  const base = `bids/${bid}/${stage}/${seq}/`;
  const signed = await bound(r, x, "manifest", "bid", MANIFEST, `${base}manifest.json`, `${base}sig.json`);
  const m = signed.value;
  need(m.stage === stage && m.bid === bid && m.seq === seq && r.stages.includes(stage) && m.keyset === r.notice.keysets[stage], "VB-FIELD");
  need(exactly(m.client, "name version") && whole(m.size, 65_672) && m.size % 65_600 === 72, "VB-FIELD");
  when(m.created);
  unbase64(m.head, 56);
  unhex(m.root);
  need(m.boxes.length === r.keysets.get(stage).n, "VB-FIELD");
  for (const box of m.boxes) await point(unbase64(box, 113).slice(0, 65));
  return signed;
}

async function withdrawal(r, x) {
  const path = `bids/${x.body.bid}/withdrawal.json`;
  const signed = await bound(r, x, "withdrawal", "withdraw", "tender bidder bid stages", path);
  const { bid, stages } = signed.value;
  need(bid === x.body.bid && Object.keys(stages).sort().join(" ") === r.stages.join(" "), "VB-FIELD");
  need(Object.values(stages).every((one) => exactly(one, "seq prev")), "VB-FIELD");
  return signed;
}

/** V8: registrations, manifests, withdrawals; who may follow whom. */
export async function bids(r) {
  r.registered = new Map();
  r.chains = new Map(); // bid → Map(stage → [envelope])
  r.acted = new Map(r.stages.map((s) => [s, new Set()]));
  r.gone = new Set();
  const owed = new Set();
  for (const x of r.every("bidder-key-registered")) owed.add(await registration(r, x));
  r.owes(/^registrations\//, owed);
  const files = new Set();
  for (const x of r.of("deposited", "withdrawn")) {
    const { bid } = x.body;
    const deposit = x.kind === "deposited";
    const { value, raw, keys } = deposit ? await manifest(r, x) : await withdrawal(r, x);
    r.at = `record ${x.n} (${x.kind})`;
    const [[key, how], ...more] = keys;
    need(!more.length && how.x5c === null, "VB-SIGNER");
    need(!r.gone.has(bid), "VB-CHAIN");
    if (!r.chains.has(bid)) r.chains.set(bid, new Map(r.stages.map((s) => [s, []])));
    const chains = r.chains.get(bid);
    need([...chains.values()].flat().every((one) => one.manifest.bidder === value.bidder), "VB-CHAIN");
    const above = line(r, value.bidder, key, x.n).map((one) => one.key);
    need(above.length, "VB-SIGNER");
    for (const [stage, link] of deposit ? [[value.stage, value]] : Object.entries(value.stages)) {
      const chain = chains.get(stage);
      const last = chain.at(-1);
      r.acted.get(stage).add(place(value.bidder, key));
      need(link.seq === chain.length + 1 && link.prev === (last ? last.hash : null), "VB-CHAIN");
      need(!last || above.includes(last.key) || vouched(r, value.bidder, key), "VB-SIGNER");
      if (deposit) chain.push({ seq: value.seq, manifest: value, raw, key, hash: hex(sha256(raw)) });
    }
    if (deposit) for (const name of ["manifest", "sig"]) files.add(`bids/${bid}/${value.stage}/${value.seq}/${name}.json`);
    else {
      files.add(`bids/${bid}/withdrawal.json`);
      r.gone.add(bid);
    }
  }
  r.owes(/^bids\/[0-9a-f]{32}\/(?:[^/]+\/[^/]+\/(?:manifest|sig)|withdrawal)\.json$/, files);
  r.at = "bids/";
  need([...r.chains.values()].every((chains) => [...chains.values()].every((chain) => chain.length)), "VB-STAGES");
  const needed = new Set();
  for (const acted of r.acted.values()) {
    for (const at of acted) {
      const [key, bidder] = [at.slice(0, at.indexOf(" ")), at.slice(at.indexOf(" ") + 1)];
      line(r, bidder, key).forEach((one) => needed.add(place(bidder, one.key)));
    }
  }
  for (const at of r.registered.keys()) need(needed.has(at), "VB-SURPLUS", { at: "registrations/" });
  const standing = [...r.chains.keys()].filter((bid) => !r.gone.has(bid)).sort();
  r.effective = new Map(r.stages.map((s) => [s, new Map(standing.map((bid) => [bid, r.chains.get(bid).get(s).at(-1)]))]));
}

// ---- V9

const rootOfSorted = (hashes) => hex(rootOf(hashes.sort().map((one) => unhex(one))));

function counted(r) {
  const firms = new Map(); // bid → {bidder, keys}
  for (const list of r.effective.values()) {
    for (const [bid, one] of list) {
      if (!firms.has(bid)) firms.set(bid, { bidder: one.manifest.bidder, keys: [] });
      firms.get(bid).keys.push(one.key);
    }
  }
  r.at = "bids/";
  need(new Set([...firms.values()].map((one) => one.bidder)).size === firms.size, "VB-TWICE");
  const excused = r.notice.unvouched ?? [];
  r.counted = new Set([...firms].filter(([, one]) => excused.includes(one.bidder) || one.keys.every((key) => vouched(r, one.bidder, key)))
    .map(([bid]) => bid));
}

function closing(r, x, given) {
  const { stage } = x.body;
  r.at = `record ${x.n} (closed)`;
  need(x.body.keyset === r.notice.keysets[stage] && when(x.body.deadline) === latest(deadlines(r, x.n)), "VB-CLOSING");
  const { reason } = x.body;
  need(r.opens ? reason === "" : given ? reason === "abandoned" : isCode(reason) && reason !== "abandoned", "VB-CLOSING");
  if (r.public && r.shut) return; // count and serials only
  const acts = r.list("deposited", "withdrawn", "refused").filter((y) => y.kind === "withdrawn" || y.body.stage === stage);
  r.at = `record ${x.n} (closed)`;
  need(acts.every((y) => y.kind === "refused" || y.n < x.n), "VB-LATE");
  need(given || r.opens === (whole(r.notice.min_bids) && r.counted.size >= r.notice.min_bids), "VB-OPENS");
  const events = acts.filter((y) => y.n < x.n).map((y) => hex(sha256(y.raw)));
  for (const at of r.acted.get(stage)) if (r.registered.get(at).n < x.n) events.push(hex(r.registered.get(at).hash));
  need(x.body.events === events.length && x.body.events_root === rootOfSorted(events), "VB-EVENTS");
  const list = [...r.effective.get(stage).values()].map((one) => one.hash);
  need(x.body.count === list.length && x.body.list_root === rootOfSorted(list), "VB-LIST");
}

function erasures(r) {
  const dead = [];
  for (const [bid, chains] of r.chains) {
    for (const [stage, chain] of chains) {
      for (const one of r.gone.has(bid) ? chain : chain.slice(0, -1)) dead.push(`${bid} ${stage} ${one.seq} ${one.manifest.root}`);
    }
  }
  const erased = r.list("erased");
  r.at = "erased";
  need(erased.every((x) => x.n < r.closed.get(x.body.stage).n), "VB-ERASED");
  const told = erased.map(({ body: { bid, stage, seq, root } }) => `${bid} ${stage} ${seq} ${root}`);
  need(told.sort().join("\n") === dead.sort().join("\n"), "VB-ERASED");
}

const counts = (values, until) => values.length === until && values.sort((a, b) => a - b).every((value, n) => value === n + 1);

function serials(r) {
  const mine = r.records.filter((x) => r.ours(x.body));
  r.at = "serial";
  need(mine.every((x) => x.body.subject === r.tender && (x.body.serial !== undefined) === x.clear), "VB-SERIAL");
  const clear = mine.filter((x) => x.clear);
  need(counts(clear.map((x) => x.body.serial), clear.length), "VB-SERIAL");
  const archived = r.list("archived");
  r.at = "archived";
  need(archived.length && whole(archived.at(-1).body.last_sserial), "VB-MISSING");
  const seen = mine.filter((x) => x.body.sserial !== undefined).map((x) => x.body.sserial);
  need(r.public || counts(seen, archived.at(-1).body.last_sserial), "VB-SERIAL");
  const done = r.list("evaluation-closed");
  r.at = "evaluation-closed";
  need(done.length < 2, "VB-SECOND");
  const rest = mine.filter((x) => !x.clear && !CLOSING.has(x.kind) && x.body.sserial === undefined);
  if (!done.length) need(!rest.length, "VB-EVENTS");
  else {
    need(rest.every((x) => x.n < done[0].n), "VB-EVENTS");
    need(done[0].body.events === rest.length && done[0].body.events_root === rootOfSorted(rest.map((x) => hex(sha256(x.raw)))), "VB-EVENTS");
  }
}

/** V9: closings recomputed, erased envelopes, serials. */
export async function closings(r) {
  const closed = r.list("closed");
  r.at = "closed";
  need(closed.length === r.stages.length && r.stages.every((s) => closed.some((x) => x.body.stage === s)), closed.length ? "VB-SECOND" : "VB-MISSING");
  r.closed = new Map(closed.map((x) => [x.body.stage, x]));
  const given = r.list("abandoned");
  const ends = r.list("tender-terminated").map((x) => x.body.reason);
  r.at = "abandoned";
  need(given.length < 2, "VB-SECOND");
  need(given.every((x) => isCode(x.body.reason) && ends.includes(x.body.reason) && closed.every((y) => x.n < y.n)), "VB-CLOSING");
  const [{ count, opens }] = closed.map((x) => x.body);
  r.at = `record ${closed[0].n} (closed)`;
  need(closed.every((x) => x.body.count === count && x.body.opens === opens) && whole(count), "VB-CLOSING");
  need(opens === false || (opens === true && !given.length), "VB-CLOSING");
  r.opens = opens;
  counted(r);
  for (const x of closed) closing(r, x, given.length > 0);
  if (!(r.public && r.shut)) erasures(r);
  else need(!r.list("erased").length, "VB-ERASED");
  serials(r);
}
