/* V2–V6 of audit/log.md §8: notes, roots, disclosed records, consistency, time. `reading` is what the steps share: the archive, whose
 * keys are trusted, and what earlier steps found. Each step throws a Fault, whose place is `reading.at` where it names none. */

import { bundle, bundlePath, CLEAR, entryOf, leafHash, MARKER, ofAKind, readProof, climb, Tree } from "./log.js";
import { hex, join, same, sha256, uint64, unbase64, unhex } from "./bytes.js";
import { canon, parse } from "./canon.js";
import { need, parties, Policy, signers, when } from "./trust.js";

const SECOND = 1_000_000n;
const NUMBERED = /^[a-z0-9_]+$/;

// ---- §1 types by their rule

const words = (told) => new Set(told.trim().split(/\s+/));
/** Disclosed when the box closes; in a box that stays shut, in the supervision edition alone. */
export const CLOSING = words("bidder-key-registered deposited withdrawn refused erased");
const PUBLIC = words(`log-opened trust-published identity-vouched custodian-key-registered rehearsed keyset-made project-announced
  deadline-moved abandoned closed stored window-ended released stage-settled unsealed bid-rejected candidates-published price-corrected
  awarded documents-issued documents-amended question-answered remedy-filed remedy-accepted remedy-refused remedy-answered
  suspension-ordered suspension-lifted auction-opened auction-bid auction-extended auction-closed report-received award-notified
  report-filed contract-signed contract-published contract-filed securities-settled idle-warned tender-failed tender-terminated
  evaluation-closed archived width-changed tool-published line-corrected auction-resumed panel-requested draw-committed draw-nonce-committed draw-nonce-revealed draw-voided panel-named`);
const BLINDED = words(`bidder-key-registered deposited withdrawn refused erased scores-entered explanation-asked explanation-given
  question-asked objector-noted auction-joined security-received security-returned draw-called panel-seated panel-exhausted seat-keyed
  conflict-declared scores-committed report-answered expert-admitted panel-read experts-named expert-changed expert-read
  specialties-changed vault-rotated`);
const OLDER = words("log-opened trust-published identity-vouched custodian-key-registered rehearsed bidder-key-registered");
const SUPERVISORS = words("expert-admitted panel-read");
const TIMED = /^(?:deposited|withdrawn|closed|released|panel-seated|draw-.*|auction-.*)$/;

/** Whether a field is a whole number, at least so much. */
export const whole = (value, least = 0) => Number.isSafeInteger(value) && value >= least;

/** Whether an object has exactly these keys. */
export const exactly = (value, keys) =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).sort().join(" ") === keys.split(" ").sort().join(" ");

/** Whether two values are written alike. */
export const alike = (a, b) => same(canon([a]), canon([b]));

/** What the steps share. */
export class Reading {
  constructor(archive, trust) {
    Object.assign(this, { archive, trust, at: "", records: [], byKind: new Map(), progress: trust.progress ?? (() => {}) });
    Object.assign(this, archive.about); // tender, edition, origin, size, first, born, public
  }

  /** A file that must be there, as JSON. */
  json(path) {
    this.at = path;
    return need(this.archive.json.get(path), "VB-MISSING", { at: path });
  }

  /** Fails unless the files that match are exactly those owed. */
  owes(pattern, owed) {
    const there = new Set(this.archive.named(pattern));
    for (const path of owed) need(there.has(path), "VB-MISSING", { at: path });
    for (const path of there) need(owed.has(path), "VB-SURPLUS", { at: path });
  }

  ours(record) {
    return record.tender === this.tender;
  }

  /** Records of these types in the order of the log: the tender's, or everybody's. */
  *every(...kinds) {
    const found = kinds.flatMap((kind) => this.byKind.get(kind) ?? []);
    for (const x of kinds.length > 1 ? found.sort((a, b) => a.n - b.n) : found) {
      this.at = `record ${x.n} (${x.kind})`;
      yield x;
    }
  }

  *of(...kinds) {
    for (const x of this.every(...kinds)) if (this.ours(x.body)) yield x;
  }

  list(...kinds) {
    const at = this.at;
    const all = [...this.of(...kinds)];
    this.at = at;
    return all;
  }

  /** The ids under which a key (hex) is known in one of these roles at a time. */
  known(key, time, ...roles) {
    return this.ids.filter((one) => one.key === key && roles.includes(one.role) && one.from <= time && time < one.until);
  }

  /** Those behind a record's own `sig` (§1), each known in one of these roles. */
  async behind(x, ...roles) {
    const { actor, time, serial, sserial, sig, ...rest } = x.body; // what is not signed
    const keys = await signers(sig, join("trading/record-sig/v1\n", canon(rest)));
    const ids = [...keys.keys()].map((key) => this.known(key, x.since, ...roles));
    need(ids.every((found) => found.length), "VB-SIGNER");
    return ids.flat();
  }

  /** A signed object of this log and tender (bytes), and its signers. */
  async signed(raw, kind, keys, sig) {
    const value = parse(raw);
    need(exactly(value, `type ${keys}`) && value.type === `trading.${kind}/v1`, "VB-FIELD");
    need((value.origin ?? this.origin) === this.origin && (value.tender ?? this.tender) === this.tender, "VB-ORIGIN");
    return { value, raw, keys: await signers(sig, join(`trading/${kind}/v1\n`, raw)) };
  }

  /** The size of the first checkpoint (by the markers) over a record. */
  over(n) {
    let [low, high] = [0, this.beats.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.beats[middle] > n) high = middle;
      else low = middle + 1;
    }
    return this.beats[low];
  }
}

/** V2: note signatures and quorum of witnesses. */
export async function notes(r) {
  r.at = "policy.txt";
  const own = new Policy(await r.archive.read("policy.txt"));
  r.policy = r.trust.policy ? new Policy(r.trust.policy) : own;
  r.at = "parties.txt";
  const theirs = parties(await r.archive.read("parties.txt"));
  r.ids = r.trust.parties ? parties(r.trust.parties) : theirs;
  r.given = r.ids; // before anybody is vouched for
  r.trusted = new Set(r.ids.filter((one) => one.role !== "ca").map((one) => one.id));
  r.notes = new Map();
  for (const path of r.archive.named(/^(?:checkpoint|checkpoints\/.*)$/)) {
    r.at = path;
    need(own.origin === r.origin && r.policy.origin === r.origin, "VB-ORIGIN");
    const bytes = await r.archive.read(path);
    await own.note(bytes, true);
    const note = await r.policy.note(bytes);
    need(note.time !== null, "VB-QUORUM");
    need(note.size === (path === "checkpoint" ? r.size : Number(path.slice(12))), "VB-NOTE");
    r.notes.set(path, note);
  }
  r.owes(/^tsa\//, new Set());
}

/** V3: bundles, markers, and the root of every checkpoint. */
export async function roots(r) {
  const owed = new Set();
  const leaves = [];
  const beats = [];
  r.clear = [];
  for (let n = r.first / 256; n < Math.ceil(r.size / 256); n++) {
    r.at = bundlePath(n, r.size);
    owed.add(r.at);
    for (const entry of bundle(await r.archive.read(r.at), Math.min(256, r.size - 256 * n))) {
      const index = r.first + leaves.length;
      need(ofAKind(entry), "VB-BUNDLE");
      if (entry[0] === MARKER) beats.push([index, uint64(entry, 1)]);
      if (entry[0] === CLEAR) r.clear.push([index, entry.slice(1)]);
      leaves.push(leafHash(entry));
    }
    r.progress({ done: leaves.length, total: r.size - r.first });
  }
  r.owes(/^tile\//, owed);
  r.at = "markers";
  const start = r.first === 0 ? 1n : beats[0]?.[1];
  need(beats.every(([, beat], n) => beat === start + BigInt(n)), "VB-MARKERS");
  need(r.first > 0 || r.clear[0]?.[0] === 0, "VB-MARKERS");
  need(beats.some(([index]) => index === r.born), "VB-MARKERS");
  r.beats = [...beats.map(([index]) => index), r.size];
  r.at = "frontier.json";
  r.tree = new Tree(r.first, r.json("frontier.json").hashes.map((one) => unhex(one)), leaves);
  r.times = new Map();
  for (const [path, note] of r.notes) {
    r.at = path;
    need(note.size >= r.first && note.size <= r.size && same(r.tree.root(note.size), note.root), "VB-ROOT");
    if (path !== "checkpoint") r.times.set(note.size, note.time);
  }
}

function record(r, n, raw, nonce) {
  const body = parse(raw);
  const kind = /^trading\.([a-z-]+)\/v1$/.exec(body.type)?.[1] ?? body.type;
  need(typeof kind === "string" && typeof body.subject === "string" && exactly(body.actor, "id kind") && raw.length <= 65_000, "VB-RECORD");
  need(!(nonce === null ? BLINDED : PUBLIC).has(kind), "VB-KIND");
  if (r.public) need(body.sserial === undefined && !SUPERVISORS.has(kind) && !(CLOSING.has(kind) && r.shut), "VB-DISCLOSED");
  return { n, raw, body, kind, clear: nonce === null, time: when(body.time), since: 0n };
}

/** V4: each disclosed record against its leaf. */
export async function records(r) {
  for (const [n, raw] of r.clear) {
    r.at = `record ${n}`;
    r.records.push(record(r, n, raw, null));
  }
  delete r.clear;
  r.shut = r.records.some((x) => x.kind === "closed" && r.ours(x.body) && x.body.opens === false);
  const owed = new Set();
  for (const path of r.archive.named(/^records\//)) {
    const told = r.json(path);
    const n = Number(path.slice(8, -5));
    need(whole(told.index) && told.index === n && n < r.size, "VB-FIELD");
    const raw = unbase64(told.record);
    const entry = entryOf(told.nonce, raw);
    const x = record(r, n, raw, told.nonce);
    r.records.push(x);
    if (n >= r.first) {
      need(!x.clear && (r.ours(x.body) || x.kind === "bidder-key-registered" || x.kind === "expert-admitted"), "VB-SURPLUS");
      need(same(leafHash(entry), r.tree.leaves[n - r.first]), "VB-LEAF");
      continue;
    }
    need(OLDER.has(x.kind) || (x.kind === "expert-admitted" && !r.public), "VB-SURPLUS");
    const proof = `proofs/${n}.tlog-proof`;
    owed.add(proof);
    r.at = proof;
    const { index, path: hashes, note } = readProof(await r.archive.read(proof));
    need(index === n && same(note, await r.archive.read("checkpoint")), "VB-PROOF");
    need(same(climb(leafHash(entry), n, r.size, hashes), r.notes.get("checkpoint").root), "VB-LEAF");
  }
  r.owes(/^proofs\//, owed);
  r.records.sort((a, b) => a.n - b.n);
  for (const x of r.records) {
    if (!r.byKind.has(x.kind)) r.byKind.set(x.kind, []);
    r.byKind.get(x.kind).push(x);
  }
  r.at = "record 0";
  need(r.records[0]?.n === 0 && r.records[0].kind === "log-opened", "VB-MISSING", { at: "records/0.json" });
  // §8: keys are looked up for a record at its time, or at that of the latest vouching below it
  let latest = 0n;
  for (const x of r.records) {
    if (x.kind === "identity-vouched" && x.time > latest) latest = x.time;
    x.since = x.time > latest ? x.time : latest;
  }
}

/** V5: consistency with an older checkpoint that somebody kept; false where the edition cannot say. */
export async function consistency(r) {
  if (!r.trust.since) return false;
  r.at = "--since";
  const { size, root, time } = await r.policy.note(r.trust.since);
  need(time !== null, "VB-QUORUM");
  need(size <= r.size, "VB-ROLLED-BACK");
  if (size < r.first) return false;
  need(same(r.tree.root(size), root), "VB-FORK");
  return true;
}

/* The value of a function, or undefined where a field is missing or of another type: a later step says so. */
export function readable(read) {
  try {
    return read();
  } catch {
    return undefined;
  }
}

const absent = (value) => value === undefined || value === null;

/** The deadline that a record announces, moves to or closes at, if its fields can be read. */
export function deadlineOf(x) {
  return readable(() => {
    if (x.kind === "deadline-moved") {
      need(typeof x.body.reason === "string" && x.body.outage !== undefined, "VB-FIELD");
      if (x.body.outage !== null) {
        need(exactly(x.body.outage, "from to probes") && Array.isArray(x.body.outage.probes), "VB-FIELD");
        [x.body.outage.from, x.body.outage.to].forEach(when);
        x.body.outage.probes.forEach((one) => unhex(one));
      }
    }
    return when(x.body.deadline);
  });
}

/** Every deadline logged for the tender below an index. */
export const deadlines = (r, below = Infinity) =>
  r.list("project-announced", "deadline-moved").filter((x) => x.n < below).map(deadlineOf).filter((one) => one !== undefined);

export const latest = (times) => times.reduce((a, b) => (a > b ? a : b));

/** stage → key set, as far as its file is there and has the hash it is called by. */
export const keysets = (r) =>
  new Map(r.list("keyset-made").flatMap((x) => {
    const file = r.archive.json.get(`keysets/${x.body.keyset}.json`);
    return file && hex(sha256(canon(file))) === x.body.keyset ? [[String(x.body.stage), file]] : [];
  }));

async function outage(r, x, owed, probes) {
  const { from, to, probes: named } = x.body.outage;
  const [low, high] = [when(from), when(to)];
  const sizes = [...r.times.keys()].sort((a, b) => a - b);
  const last = sizes.filter((size) => r.times.get(size) <= low).at(-1);
  const after = r.beats[r.beats.indexOf(last) + 1];
  need(last !== undefined && low < high, "VB-OUTAGE");
  need(r.times.has(after), "VB-MISSING", { at: `checkpoints/${after}` });
  need(high <= r.times.get(after) && r.times.get(after) - r.times.get(last) > 4n * r.beat, "VB-OUTAGE");
  owed.add(last).add(after);
  if (!named.length) {
    const ids = await r.behind(x, "authority");
    need(new Set(ids.map((one) => one.id)).size > 1, "VB-OUTAGE");
  }
  for (const hash of named) {
    const path = `probes/${hash}.json`;
    const told = r.json(path);
    probes.add(path);
    const raw = unbase64(told.probe);
    need(hex(sha256(raw)) === hash, "VB-HASH");
    const { value, keys } = await r.signed(raw, "probe", "origin from to seen", told.sig);
    const witnesses = r.policy.witnesses();
    need([...keys.keys()].every((key) => witnesses.has(key)), "VB-SIGNER");
    need(value.seen === false && when(value.from) <= high && when(value.to) >= low, "VB-OUTAGE");
  }
}

/** V6: the clock, the checkpoints that are owed, and that everything lies where its time says. */
export async function time(r) {
  r.at = "record 0";
  const zero = r.records[0].body;
  need(zero.clock === null || exactly(zero.clock, "base factor start"), "VB-FIELD");
  need(zero.clock === null || r.origin.startsWith("demo."), "VB-CLOCK");
  const factor = zero.clock === null ? 1 : zero.clock.factor;
  need(whole(zero.beat, 1) && whole(factor, 1), "VB-FIELD");
  r.beat = BigInt(zero.beat) * BigInt(factor) * SECOND;
  r.slack = 4n * r.beat + 30n * BigInt(factor) * SECOND;

  const owed = new Set(r.archive.json.get("rulebook.json").rules === undefined ? [] : [r.born]); // (1)
  const sets = keysets(r);
  const statements = new Set([...sets.values()].flatMap((k) => readable(() => k.custodians.map((c) => c.statement)) ?? []));
  const first = new Set();
  for (const x of r.records) { // (2)
    const about = `${x.kind} ${x.body.statement}`;
    const needed = ["custodian-key-registered", "rehearsed"].includes(x.kind) && statements.has(x.body.statement) && !first.has(about);
    if (needed) first.add(about);
    if (x.n < r.first || !(r.ours(x.body) || !x.clear || needed)) continue;
    const size = r.over(x.n);
    owed.add(size);
    const told = r.times.get(size);
    if (told !== undefined && told - r.slack > x.since) x.since = told - r.slack;
  }
  const closings = r.list("closed");
  if (closings.length) { // (3)
    r.at = `record ${closings[0].n} (closed)`;
    owed.add(need(r.beats.filter((size) => size <= closings[0].n).at(-1), "VB-MARKERS"));
  }
  const probes = new Set();
  const gaps = r.list("deadline-moved").filter((x) => !absent(x.body.outage) && deadlineOf(x) !== undefined);
  for (const x of gaps) { // (4)
    r.at = `record ${x.n} (${x.kind})`;
    await outage(r, x, owed, probes);
  }
  r.owes(/^probes\//, probes);
  r.owes(/^checkpoints\//, new Set([...owed].map((size) => `checkpoints/${size}`)));
  const rising = [...r.times].sort(([a], [b]) => a - b);
  rising.push([r.size, r.notes.get("checkpoint").time]);
  rising.forEach(([size, told], n) => need(n === 0 || rising[n - 1][1] <= told, "VB-TIME", { at: `checkpoints/${size}` }));

  const spans = gaps.map((x) => [when(x.body.outage.from), when(x.body.outage.to)]);
  const abandoned = r.list("abandoned").filter((x) => typeof x.body.reason === "string" && x.body.reason !== "");
  for (const x of r.records.filter((one) => r.ours(one.body) && TIMED.test(one.kind))) {
    r.at = `record ${x.n} (${x.kind})`;
    const [t, seen] = [x.time, r.times.get(r.over(x.n))];
    const far = seen > t ? seen - t : t - seen;
    need(far <= r.slack || spans.some(([low, high]) => low - r.slack <= t && high + r.slack >= seen), "VB-TIME");
    for (const closing of closings) {
      const end = deadlineOf(closing);
      if (end === undefined || (x.kind !== "withdrawn" && closing.body.stage !== x.body.stage)) continue;
      if (x.kind === "deposited") need(t <= end && seen <= end + 4n * r.beat, "VB-LATE");
      if (x.kind === "withdrawn") need(t <= end, "VB-LATE");
      if (x.kind === "closed") {
        need((t >= end || abandoned.some((one) => one.n < x.n)) && seen <= t + 4n * r.beat, "VB-EARLY");
      }
    }
    if (x.kind !== "released") continue;
    const opens = readable(() => when(sets.get(String(x.body.stage)).opens_at));
    if (opens !== undefined) need((t < seen ? t : seen) >= latest([opens, ...deadlines(r)]), "VB-EARLY");
  }
}

/** Whether a text is a code (`[a-z0-9_]+`). */
export const isCode = (value) => typeof value === "string" && NUMBERED.test(value);
