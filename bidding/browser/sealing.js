/* Before sealing (bidding/envelope.md §2a): whose keys will open this and when, shown from the log and not from the page. Nothing is sealed
 * unless all of it holds. The kit is the platform's and nothing in it is believed; trust files, clock and the checkpoint kept from last
 * time are the user's own. A kit is anything with `names` and `read(name)` that gives bytes or throws. */

import { hex, join, same, uint64, unbase64, unhex } from "../../audit/browser/bytes.js";
import { canon, parse, text } from "../../audit/browser/canon.js";
import { CLEAR, MARKER, Tree, bundle, bundlePath, checkConsistency, climb, entryOf, leafHash, nodeHash, ofAKind, readProof } from "../../audit/browser/log.js";
import { NEVER, Policy, parties as readParties, vkey, when } from "../../audit/browser/trust.js";
import { FORM, Refused, STATEMENT, checkSignatures, is, readKeyset, readStatement } from "./envelope.js";
import { rehearsalProof, rehearsedBytes, sha256Hex, sigHash } from "./envelope.js";

const FRESH = 600n, AHEAD = 120n, LONGEST = 31n * 86_400n; // seconds a checkpoint may be old, or witnesses ahead; a period key's span
const SECOND = 1_000_000n;
const T = (name) => `trading.${name}/v1`;
const SEALED = new Set(["bidder-key-registered", "deposited", "withdrawn", "refused", "erased"].map(T));
const must = (ok, why) => {
  if (!ok) throw new Error(why);
  return ok;
};
const max = (...times) => times.reduce((a, b) => (a > b ? a : b));

// ---- the log under one checkpoint

/** The index below which records of a tender are void: the `<size>` its id ends in. */
export function born(tender) {
  return Number(must(/@(0|[1-9][0-9]{0,14})$/.exec(tender), `${tender} does not say when it was made`)[1]);
}

function checkRecord(data) {
  must(data.length <= 65_000, "size of a record");
  const record = is.object(parse(data));
  must(/^trading\.[a-z0-9]+(-[a-z0-9]+)*\/v1$/.test(is.string(record.type)), "type of a record");
  is.string(record.subject);
  is.keys({ kind: is.string, id: is.string })(record.actor);
  return { record, type: record.type, time: when(record.time) };
}

/* The log replayed from a kit's first bundle on, as a custodian follows it (log.md §4, §7); null for a kit without bundles. */
async function replay(kit, size) {
  if (![...kit.names].includes("frontier.json")) return null;
  const { size: first, hashes } = is.keys({ size: is.int(0), hashes: is.list((one) => unhex(one)) })(parse(await kit.read("frontier.json")));
  must(first % 256 === 0 && first <= size, "frontier.json");
  const leaves = [], clear = new Map();
  let beat = null;
  for (let n = first / 256; n < Math.ceil(size / 256); n++)
    for (const entry of bundle(await kit.read(bundlePath(n, size)), Math.min(256, size - 256 * n))) {
      must(ofAKind(entry), "an entry of no kind");
      if (entry[0] === MARKER) must(beat === null || uint64(entry, 1) === beat + 1n, "markers do not count up");
      if (entry[0] === MARKER) beat = uint64(entry, 1);
      if (entry[0] === CLEAR) clear.set(first + leaves.length, entry.slice(1));
      leaves.push(leafHash(entry));
    }
  return { first, clear, leaves, tree: new Tree(first, hashes, leaves) };
}

/** What a kit shows of the log: {of, only, shown, moment, checkpoint, note, now, lines, policy, first, beat, earliest}. Throws what it lacks.
 * `first`: every entry from that index on was seen; `earliest`: the smallest time of a cosignature. */
export async function look(kit, { policy, parties }, { kept = null, consistency = null, now = null } = {}) {
  if (/^quorum[ \t]+none[ \t]*$/m.test(text(policy))) throw new Refused("E-QUORUM-NONE", { origin: "" });
  const rules = new Policy(policy), lines = readParties(parties), data = await kit.read("checkpoint");
  const note = await rules.note(data).catch((why) => must(false, `the checkpoint: ${why.message}`));
  must(note.time !== null, "N-QUORUM: the checkpoint lacks cosignatures");
  const replayed = await replay(kit, note.size), first = replayed?.first ?? note.size;
  if (replayed) must(same(replayed.tree.root(note.size), note.root), "the entries do not give the checkpoint's root");
  const every = new Map();
  const take = (index, data, nonce) => {
    const one = { index, data, clear: nonce === null, ...checkRecord(data) };
    // a record of a public type is valid in clear only: blinded it could be shown to one bidder alone
    must(one.clear || SEALED.has(one.type), `record ${one.index}, ${one.type}, is blinded`);
    every.set(index, one);
  };
  for (const [index, data] of replayed?.clear ?? []) take(index, data, null);
  for (const name of [...kit.names].filter((one) => one.startsWith("records/")).sort()) {
    const found = is.keys({ index: is.int(0), nonce: is.maybe(is.string), record: is.bytes() })(parse(await kit.read(name)));
    must(name === `records/${found.index}.json`, `${name} holds another record`);
    const leaf = leafHash(entryOf(found.nonce, found.record));
    if (found.index >= first) must(same(replayed.leaves[found.index - first] ?? new Uint8Array(0), leaf), `record ${found.index} is not what the log holds`);
    else {
      const place = `proofs/${found.index}.tlog-proof`, proof = readProof(await kit.read(place));
      must(proof.index === found.index && same(proof.note, data), `${place} ends in another checkpoint`);
      const root = climb(leaf, proof.index, note.size, proof.path);
      must(same(root, note.root), `M-INCLUSION: record ${found.index} is not in the log`);
    }
    take(found.index, found.record, found.nonce);
  }
  const shown = [...every.values()].sort((a, b) => a.index - b.index);
  const of = (type, fields = {}) => {
    const since = "tender" in fields ? born(fields.tender) : 0;
    const alike = ({ record }) => Object.entries(fields).every(([name, value]) => record[name] === value);
    return shown.filter((one) => one.type === T(type) && one.index >= since && alike(one));
  };
  const only = (type, fields) => {
    const found = of(type, fields);
    must(found.length === 1, `${found.length} records ${type} ${JSON.stringify(fields ?? {})}`);
    return found[0];
  };
  must(shown[0]?.index === 0, "records/0.json is missing");
  const opened = only("log-opened");
  must(opened.index === 0 && opened.record.origin === rules.origin, "record 0 is of another log");
  const { factor, at } = clockOf(opened.record.clock, rules.origin), moment = now === null ? at(BigInt(Date.now()) * 1000n) : when(now);
  const fresh = note.time >= moment - FRESH * SECOND * factor && note.time <= moment + AHEAD * SECOND * factor;
  must(fresh, `the checkpoint is of ${told(note.time)}, it is ${told(moment)}`);
  const checkpoint = { origin: rules.origin, size: note.size, root: hex(note.root) };
  if (kept?.size) {
    must(kept.origin === rules.origin && kept.size <= note.size, `the tool has kept a later checkpoint, ${kept.size}, than ${note.size}`);
    if (kept.size === note.size) must(kept.root === checkpoint.root, `the log is another than at ${kept.size}`);
    else if (kept.size >= first) must(kept.root === hex(replayed.tree.root(kept.size)), `the log is another than at ${kept.size}`);
    else {
      const name = `consistency/${kept.size}`;
      const lines = async () => text(await kit.read(name)).trim().split("\n").map((line) => unbase64(line, 32));
      const path = consistency ?? ([...kit.names].includes(name) ? await lines() : null);
      must(path, `no proof that the log continues the one kept at ${kept.size}`);
      try {
        checkConsistency(kept.size, unhex(kept.root), note.size, note.root, path);
      } catch {
        must(false, `M-CONSISTENCY: the log is another than at ${kept.size}`);
      }
    }
  }
  const vouched = of("identity-vouched");
  const beat = BigInt(is.int(1)(opened.record.beat)) * SECOND * factor, { earliest } = note;
  const known = { of, only, shown, checkpoint, note: data, now: moment, lines, policy: rules, first, beat, earliest };
  /** Dated back, a record would make a key that was replaced since sign once more. */
  known.moment = (one) => max(one.time, ...vouched.filter((other) => other.index < one.index).map((other) => other.time));
  known.identities = await identities(vouched, lines);
  return known;
}

const told = (micros) => new Date(Number(micros / 1000n)).toISOString();
function clockOf(value, origin) {
  if (value === null) return { factor: 1n, at: (machine) => machine };
  const { base, factor, start } = is.keys({ base: when, factor: is.int(1), start: when })(value);
  must(factor <= 1_000_000 && origin.startsWith("demo."), "C-CLOCK");
  return { factor: BigInt(factor), at: (machine) => base + BigInt(factor) * (machine - start) };
}

/** The proof that the log of `size` begins with that of `old` (RFC 6962 §2.1.2), out of tiles: `tile(level, number, width)` gives bytes. */
export async function consistencyProof(old, size, tile) {
  const held = new Map(), path = [];
  const node = async (level, index) => {
    const tall = Math.floor(level / 8), within = level % 8, first = index * 2 ** within;
    const number = Math.floor(first / 256), name = `${tall} ${number}`;
    const width = Math.min(256, Math.floor(size / 256 ** tall) - 256 * number);
    if (!held.has(name)) held.set(name, await tile(tall, number, width));
    const at = (one) => held.get(name).subarray(32 * one, 32 * one + 32);
    const sum = (low, count) => (count === 1 ? at(low) : nodeHash(sum(low, count / 2), sum(low + count / 2, count / 2)));
    must(held.get(name).length === 32 * width, "M-TILE");
    return sum(first % 256, 2 ** within);
  };
  const range = async (low, high) => {
    const level = Math.log2(high - low);
    if (Number.isInteger(level)) return node(level, low / (high - low));
    const half = 2 ** Math.floor(level);
    return nodeHash(await range(low, low + half), await range(low + half, high));
  };
  if (old === 0 || old === size) return [];
  let low = 0, high = size, whole = true;
  while (old !== high) {
    const middle = low + 2 ** Math.floor(Math.log2(high - low - 1) + 1e-12);
    if (old <= middle) [path[path.length], high] = [await range(middle, high), middle];
    else [path[path.length], low, whole] = [await range(low, middle), middle, false];
  }
  return [...(whole ? [] : [await range(low, high)]), ...path.reverse()];
}

// ---- §2 identity keys

export const inForce = (line, at) => line.from <= at && at < line.until;

/** What a signature over a record covers (log.md §1). */
export function covered(record) {
  const told = Object.entries(record).filter(([name]) => !["actor", "time", "serial", "sserial", "sig"].includes(name));
  return join("trading/record-sig/v1\n", canon(Object.fromEntries(told)));
}

/** Vouchings in the order of the log; one that does not hold is void. [{id, role, key, from, until}] */
async function identities(vouched, lines) {
  let known = [];
  for (const { record, time } of vouched) {
    try {
      const { id, role, by } = record, ids = typeof by === "string" ? [by] : is.list(is.string)(by), pub = hex(vkey(record.vkey, 1).pub);
      const from = when(record.from), until = record.until === null ? NEVER : when(record.until);
      must(["custodian", "tenderee", "party"].includes(role) && vkey(record.vkey, 1).name === id && from < until, "form");
      must(!lines.some((line) => line.id === id && line.role !== "ca"), "in parties.txt");
      const signed = new Set();
      for (const one of await checkSignatures(record.sig, covered(record), id)) {
        const line = lines.find((each) => each.role === "authority" && each.key === one.key && inForce(each, time));
        signed.add(must(line && one.alg === "EdDSA" && !one.x5c && line.id, "authority"));
      }
      must(new Set(ids).size === ids.length && ids.length === signed.size && ids.every((one) => signed.has(one)), "signature");
      const older = known.filter((one) => one.id === id && one.role === role);
      must(!older.length || signed.size > 1, "one authority");
      known = known.map((one) => (older.includes(one) && one.until > from ? { ...one, until: from } : one));
      known.push({ id, role, key: pub, from: max(from, time), until });
    } catch (why) {
      if (why instanceof ReferenceError) throw why;
    }
  }
  return known;
}

/** All signatures verify, and the custodian's own key, in force at that time, is among them. */
async function checkCustodian(view, sigs, message, custodian, at) {
  const known = [...view.lines, ...view.identities].find((one) => one.role === "custodian" && one.id === custodian && inForce(one, at));
  const signed = await checkSignatures(sigs, message, custodian);
  if (!known || !signed.some((one) => one.key === known.key)) throw new Refused("E-IDENTITY", { id: custodian, role: "custodian" });
}

// ---- §2a

const KINDS = { fen: Number.isSafeInteger, int: Number.isSafeInteger, text: Number.isSafeInteger };
const isDay = (value) => /^\d{4}-\d\d-\d\d$/.test(is.string(value)) && when(`${value}T00:00:00.000000Z`) !== null;
function checkSchema(schema) {
  for (const [key, rule] of Object.entries(is.object(schema))) {
    const fits = rule.kind === "date" ? isDay : Object.hasOwn(KINDS, rule.kind) && KINDS[rule.kind];
    must(fits && Object.keys(rule).every((name) => ["kind", "min", "max", "optional"].includes(name)), `${key}: kind`);
    must(["min", "max"].every((name) => !(name in rule) || fits(rule[name])), `${key}: bound`);
    must(!("min" in rule && "max" in rule) || rule.min <= rule.max, `${key}: bounds`);
    must(!("optional" in rule) || rule.optional === true, `${key}: optional`);
  }
}

export async function guarding(view, kit, tender, stage, id, announced) {
  const data = await kit.read(`keysets/${is.hash(id)}.json`);
  must((await sha256Hex(data)) === id, `the key set of ${stage} is not the one announced`);
  const keyset = await readKeyset(data);
  const fits = keyset.origin === view.policy.origin && keyset.tender === tender && keyset.stage === stage;
  must(fits, `the key set of ${stage} is for ${keyset.origin}, ${keyset.tender}, ${keyset.stage}`);
  const made = view.only("keyset-made", { tender, stage });
  must(made.record.keyset === id && made.index < announced.index, `the key set of ${stage} was not made before it was announced`);
  return { keyset, made };
}

async function rehearsed(view, kit, { keyset, made }, seat) {
  const found = is.keys({ statement: is.bytes(), sig: is.list((one) => one) })(parse(await kit.read(`statements/${seat.statement}.json`)));
  const statement = await readStatement(found.statement), who = seat.custodian;
  must(statement.hash === seat.statement, `another statement of ${who}`);
  const registered = view.only("custodian-key-registered", { statement: seat.statement });
  const asRegistered = registered.record.sig_hash === (await sigHash(found.sig)) && registered.index < made.index;
  must(asRegistered, `the statement of ${who} is not the one registered`);
  must(statement.origin === keyset.origin, `the key of ${who} was made for the log ${statement.origin}`);
  const from = when(statement.valid_from), to = when(statement.valid_to), opens = when(keyset.opens_at);
  must(statement.scope !== null || to - from <= LONGEST * SECOND, "a period key guards a month at most");
  await checkCustodian(view, found.sig, join(STATEMENT, statement.data), statement.custodian, view.moment(registered));
  const trial = must(view.of("rehearsed", { statement: seat.statement }).find((one) => one.index < made.index), `${who} has not rehearsed`);
  const [challenge, r, proof] = ["challenge", "r", "proof"].map((name) => unhex(trial.record[name]));
  must(same(proof, await rehearsalProof(challenge, r)), `E-REHEARSAL: the proof of ${who} does not follow from r`);
  await checkCustodian(view, trial.record.sig, rehearsedBytes(statement.hash, challenge, proof), statement.custodian, view.moment(trial));
  must(statement.custodian === who && same(statement.pub, seat.pub), `the statement of ${who} says otherwise`);
  must(statement.scope === null || statement.scope === keyset.tender, `the key of ${who} was made for the tender ${statement.scope}`);
  must(from <= opens && opens <= to, `opens_at is outside the span of ${who}`);
  return statement;
}

/** Everything of §2a under the user's own trust files: {tender, announcement, schema, deadline, guards, checkpoint, now}, where guards is
 * {stage: {keyset, custodians: [statement], hour}}; the page shows the custodians' names and the hour and keeps `checkpoint`. `accept`: ids
 * of key sets taken by name although they are not 2 of 3 (else the refusal tells them in `odd`); `operators`: custodians run by whoever runs the platform. Refused: E-KEYSET with
 * why, E-QUORUM-NONE. */
export async function checkBeforeSealing(kit, trust, { tender, accept = [], operators = [], ...how }) {
  try {
    const view = await look(kit, trust, how), announced = view.only("project-announced", { tender }), notice = announced.record;
    must(!view.of("abandoned", { tender }).length, "the tender was given up: nothing is taken any more");
    const deadlines = [notice, ...view.of("deadline-moved", { tender }).map((one) => one.record)].map((one) => is.time(one.deadline));
    must(Object.hasOwn(notice.keysets, FORM), "no stage form");
    checkSchema(notice.opening_schema);
    const guards = {}, odd = [], latest = (times) => times.reduce((a, b) => (a > b ? a : b));
    for (const [stage, id] of Object.entries(notice.keysets)) {
      const guard = await guarding(view, kit, tender, stage, id, announced), { keyset } = guard, { k, n } = keyset;
      const own = keyset.custodians.some((seat) => operators.includes(seat.custodian));
      must(k >= 3 || !own, "whoever runs the platform is a custodian, and k is below 3");
      must(keyset.opens_at >= deadlines[0], `${stage} may open before the deadline`);
      const custodians = [];
      for (const seat of keyset.custodians) custodians.push(await rehearsed(view, kit, guard, seat));
      guards[stage] = { keyset, custodians, hour: latest([keyset.opens_at, ...deadlines]) };
      const usual = (k === 2 && n === 3) || accept.includes(keyset.hash);
      if (!usual) odd.push({ stage, keyset: keyset.hash, k, n, names: custodians.map((one) => one.name || one.custodian) });
    }
    if (odd.length) throw Object.assign(new Error(`${odd[0].k} of ${odd[0].n} custodians, not named as accepted`), { odd });
    const { checkpoint, now } = view;
    return { tender, announcement: notice, schema: notice.opening_schema, deadline: latest(deadlines), guards, checkpoint, now };
  } catch (why) {
    if (why instanceof ReferenceError || why.code === "E-QUORUM-NONE") throw why;
    const more = why.odd ? { odd: why.odd } : {}; // all else holds: a page may ask its user
    throw new Refused("E-KEYSET", { why: why.message, ...more, ...(why.code ? { cause: { code: why.code, facts: why.facts } } : {}) });
  }
}
