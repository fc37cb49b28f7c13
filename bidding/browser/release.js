/* The custodian's side of an opening (bidding/envelope.md §6.2): compute everything, refuse unless it fits, release once. The kit is the
 * platform's and none of it is believed; trust files, clock, the checkpoint kept, statements, keys, what was released before and receipts that
 * bidders showed are the custodian's own. For the offline page and for Node: the platform serves no page that touches such a key. */

import { base64, hex, join, same, unbase64 } from "../../audit/browser/bytes.js";
import { canon, parse } from "../../audit/browser/canon.js";
import { checkProof, checkPromise } from "../../audit/browser/log.js";
import { when } from "../../audit/browser/trust.js";
import { checkChain } from "../../audit/browser/x509.js";
import { Keyring, actingKey, tally } from "./arrival.js";
import { openBox } from "./custody.js";
import { BID, FORM, REGISTRATION, Refused, STATEMENT, WITHDRAWAL, checkSignatures, is, readManifest, readRegistration, readStatement } from "./envelope.js";
import { readWithdrawal, sha256Hex, sigHash } from "./envelope.js";
import { segmented } from "./sealed.js";
import { born, covered, guarding, inForce, look } from "./sealing.js";

export const RELEASE = "trading/release/v1\n";
const T = (name) => `trading.${name}/v1`;
const EVENTS = ["deposited", "withdrawn", "refused"].map(T), BEATS = 4n;
const must = (ok, why) => {
  if (!ok) throw new Error(why);
  return ok;
};
/* What a kit fails to show becomes this refusal; our own refusals pass. */
async function refusing(code, act) {
  try {
    return await act();
  } catch (why) {
    if (why instanceof ReferenceError || why instanceof Refused) throw why;
    throw new Refused(code, { why: why.message, ...(why.code ? { cause: { code: why.code, facts: why.facts ?? {} } } : {}) });
  }
}
const told = (micros) => `${new Date(Number(micros / 1000n)).toISOString().slice(0, 19)}.${String(micros % 1_000_000n).padStart(6, "0")}Z`;
const max = (times) => times.reduce((a, b) => (a > b ? a : b));

/** {statement, sig} of a file like `statements/<sha256>.json`. */
async function signed(kit, name, what) {
  const found = is.keys({ [what]: is.bytes(), sig: is.list((one) => one) })(parse(await kit.read(name)));
  return { data: found[what], sig: found.sig };
}

/** Everything of §6.2 for one stage. `kit`: {names, read(name)}, and `blob(name)` for payloads. `own`: this custodian's statements, read.
 * `receipts`: bytes of those anybody has shown it; `without`: hashes of manifests whose payload it was told to release without; `since`:
 * when an unattended tool first saw the closing (a stamp). {keyset, i, closed, listed, hour, findings, checkpoint, now}.
 * Refused: C-LOG, C-SECOND, C-KEYSET, C-EVENTS, C-MANIFEST, C-LIST, C-OPENS, C-SHUT, C-TIME, C-WAIT, C-RECEIPT, C-PAYLOAD, C-STORED, C-SETTLED,
 * C-ABANDONED, E-QUORUM-NONE. */
export async function checkClosing(kit, trust, { tender, stage, own, receipts = [], unattended = false, since = null, without = [], ...how }) {
  const view = await refusing("C-LOG", () => look(kit, trust, how));
  await refusing("C-LOG", async () => born(tender));
  const { notice, closings } = announced(view, tender), stages = Object.keys(notice.record.keysets).sort();
  const whole = stages.includes(stage) && stages.every((one) => closings.has(one)) && closings.size === stages.length;
  if (!whole) throw new Refused("C-LOG", { why: "not every announced stage is closed" });
  const keysets = await keysetsOf(view, kit, tender, notice), keyset = keysets.get(stage), i = seat(keyset, own, view), closed = closings.get(stage);
  givenUp(view, tender, closings);
  const hours = await checkTime(view, tender, notice, keysets, closings, stage);
  if (unattended) checkWait(view, closed, since);
  const findings = [], counted = await count(view, kit, tender, notice, closings, keysets, findings);
  for (const [name, { record }] of closings) {
    if (record.keyset !== keysets.get(name).hash) throw new Refused("C-KEYSET", { why: `the closing of ${name} names another key set` });
    compare(name, record, counted);
  }
  await checkReceipts(view, tender, stage, counted, receipts, findings);
  if (!closed.record.opens) throw new Refused("C-SHUT", { tender, reason: closed.record.reason });
  let { listed } = counted.stages[stage];
  if (stage === FORM) await checkPayloads(kit, listed, without);
  else if (!view.of("stored", { tender, stage }).length) throw new Refused("C-STORED", { stage });
  if ([...keysets.values()].some((one) => one.opens_at < keyset.opens_at)) {
    const admitted = await settled(view, tender, stage, notice);
    listed = listed.filter((manifest) => admitted.includes(manifest.bid));
  }
  const { checkpoint, now } = view;
  return { keyset, i, closed: await sha256Hex(closed.data), listed, hour: told(hours.get(stage)), findings, checkpoint, now };
}

function announced(view, tender) {
  const notices = view.of("project-announced", { tender }), closings = new Map();
  if (notices.length > 1) throw new Refused("C-SECOND", { what: "announcement", tender });
  for (const one of view.of("closed", { tender })) {
    if (closings.has(one.record.stage)) throw new Refused("C-SECOND", { what: "closing", tender });
    closings.set(one.record.stage, one);
  }
  if (!notices.length) throw new Refused("C-LOG", { why: `no announcement of ${tender}` });
  return { notice: notices[0], closings };
}

async function keysetsOf(view, kit, tender, notice) {
  const found = new Map();
  for (const [stage, id] of Object.entries(notice.record.keysets)) {
    const made = view.of("keyset-made", { tender, stage });
    if (made.length > 1) throw new Refused("C-SECOND", { what: "keyset", tender });
    if (made.length && made[0].index < view.first) throw new Refused("C-LOG", { why: "the log was not followed from the key set on" });
    const { keyset } = await refusing("C-KEYSET", () => guarding(view, kit, tender, stage, id, notice));
    found.set(stage, keyset);
  }
  return found;
}

/* This custodian's index: its own key, from its own statement, made for this log. */
function seat(keyset, own, view) {
  for (const { pub, custodian, hash, origin, scope } of own)
    for (const one of keyset.custodians)
      if (same(one.pub, pub) && one.custodian === custodian && one.statement === hash) {
        const ours = origin === view.policy.origin && (scope === null || scope === keyset.tender);
        if (!ours) throw new Refused("C-KEYSET", { why: "this key was made for another log or tender" });
        return one.i;
      }
  throw new Refused("C-KEYSET", { why: "none of my keys guards this stage" });
}

function givenUp(view, tender, closings) {
  const [given] = view.of("abandoned", { tender });
  if (!given) return;
  const all = [...closings.values()], before = all.every((one) => given.index < one.index);
  if (before && !all.some((one) => one.record.opens)) throw new Refused("C-SHUT", { tender, reason: "abandoned" });
  throw new Refused("C-ABANDONED", { tender });
}

async function checkTime(view, tender, notice, keysets, closings, stage) {
  const deadlines = await refusing("C-LOG", async () => [notice, ...view.of("deadline-moved", { tender })].map((one) => when(one.record.deadline)));
  const stated = await refusing("C-LOG", async () => when(closings.get(stage).record.deadline)), deadline = max(deadlines);
  const hours = new Map([...keysets].map(([name, { opens_at }]) => [name, max([when(opens_at), ...deadlines])]));
  const early = (hour, now) => new Refused("C-TIME", { hour: told(hour), now: told(now) });
  if (stated !== deadline || closings.get(stage).time < stated) throw early(deadline, stated);
  for (const moment of [view.now, view.earliest]) if (moment < hours.get(stage)) throw early(hours.get(stage), moment);
  return hours;
}

/* The closing's own time is the platform's to write: kept back for four beats, it would leave bidders nothing. */
function checkWait(view, closed, since) {
  const until = max([closed.time, since === null ? closed.time : when(since)]) + BEATS * view.beat;
  if (view.now < until) throw new Refused("C-WAIT", { until: told(until) });
}

// ---- the list, from the events alone

async function count(view, kit, tender, notice, closings, keysets, findings) {
  const first = Math.min(...[...closings.values()].map((one) => one.index)), from = born(tender);
  const ours = (one) => EVENTS.includes(one.type) && one.record.tender === tender && one.index >= from;
  const events = view.shown.filter((one) => one.index < first && (one.type === T("bidder-key-registered") || ours(one)));
  const registrations = [], acts = new Map();
  for (const event of events) {
    if (event.type === T("bidder-key-registered")) {
      const made = await registered(view, kit, event, findings);
      if (made) registrations.push(made);
    } else if (event.type === T("deposited")) acts.set(event.record.manifest, await deposit(kit, event, keysets, findings));
    else if (event.type === T("withdrawn")) acts.set(event.record.withdrawal, await withdrawal(kit, event, findings));
  }
  const { min_bids: minBids, unvouched = [] } = notice.record, keyring = new Keyring(registrations);
  return refusing("C-EVENTS", () => tally([...keysets.keys()].sort(), events.map((one) => one.data), acts, keyring, { tender, minBids, unvouched }));
}

/* A registration that does not hold vouches for nothing; its record is an event all the same. */
async function registered(view, kit, event, findings) {
  try {
    return await refusing("C-EVENTS", async () => {
      const { record } = event, name = await sha256Hex(unbase64(record.registration)), { data, sig } = await signed(kit, `registrations/${name}.json`, "registration");
      must((await sigHash(sig)) === record.sig_hash, "another signature than the one recorded");
      const made = await checkRegistration(view, data, sig, event.time);
      must(made.hash === name && made.bidder === record.bidder && base64(made.key) === record.key, "not what its record says");
      return made;
    });
  } catch (why) {
    if (why instanceof ReferenceError) throw why;
    findings.push(`registration in record ${event.index}: ${why.facts?.why ?? why.message}`);
    return null;
  }
}

async function checkRegistration(view, data, sig, at) {
  const made = await readRegistration(data), { by } = made;
  must(made.origin === view.policy.origin, `made for the log ${made.origin}`);
  const all = await checkSignatures(sig, join(REGISTRATION, data), made.bidder);
  must(all.some((one) => one.alg === made.alg && one.key === hex(made.key)), "not signed by the new key");
  let behind = true;
  if (by?.x5c) {
    await checkChain(by.x5c, made.bidder, at);
    const root = await sha256Hex(by.x5c.at(-1)), chain = by.x5c.map(base64).join();
    must(view.lines.some((line) => line.role === "ca" && line.key === root && inForce(line, at)), "certificates: root");
    behind = all.some((one) => one.x5c?.join() === chain);
  } else if (by?.authority) {
    const line = view.lines.find((one) => one.role === "authority" && one.id === by.authority && inForce(one, at));
    behind = Boolean(line) && all.some((one) => one.alg === "EdDSA" && one.key === line.key);
  } else if (by?.key) behind = all.some((one) => one.key === hex(by.key));
  must(behind, "not signed by what it names");
  return made;
}

async function deposit(kit, { index, record }, keysets, findings) {
  const { data, sig } = await refusing("C-EVENTS", async () => {
    const place = `bids/${record.bid}/${record.stage}/${record.seq}/`, found = { data: await kit.read(`${place}manifest.json`), sig: parse(await kit.read(`${place}sig.json`)) };
    const named = (await sha256Hex(found.data)) === record.manifest && (await sigHash(found.sig)) === record.sig_hash;
    must(named, `${place} is not what record ${index} names`);
    return found;
  });
  const wrong = (why) => new Refused("C-MANIFEST", { manifest: record.manifest, why });
  const made = await readManifest(data).catch((why) => {
    throw wrong(why.facts?.why ?? why.message);
  });
  const keyset = keysets.get(made.stage);
  if (!keyset || made.tender !== keyset.tender || made.keyset !== keyset.hash) throw wrong("of another tender, stage or key set");
  return act(made, sig, join(BID, data), made.bidder, findings);
}

async function withdrawal(kit, { index, record }, findings) {
  return refusing("C-EVENTS", async () => {
    const { data, sig } = await signed(kit, `bids/${record.bid}/withdrawal.json`, "withdrawal");
    must((await sha256Hex(data)) === record.withdrawal && (await sigHash(sig)) === record.sig_hash, `the withdrawal is not what record ${index} names`);
    const made = await readWithdrawal(data);
    return act(made, sig, join(WITHDRAWAL, data), made.bidder, findings);
  });
}

/* A wrong signature is a finding and stops nothing: ctx already binds the box. */
async function act(made, sig, message, who, findings) {
  let key = new Uint8Array(0);
  try {
    key = actingKey(sig);
    await checkSignatures(sig, message, who);
    return { made, key, valid: true };
  } catch (why) {
    if (!(why instanceof Refused)) throw why;
    findings.push(`${made.hash}: ${why.code}`);
    return { made, key, valid: false };
  }
}

function compare(stage, record, counted) {
  const found = counted.stages[stage];
  if (record.events !== found.events || record.events_root !== found.events_root)
    throw new Refused("C-EVENTS", { why: `${stage}: ${found.events} events, ${record.events} in the closing` });
  if (record.count !== found.count || record.list_root !== found.list_root) throw new Refused("C-LIST", { stage, found: found.count, stated: record.count });
  if (record.opens !== counted.opens) throw new Refused("C-OPENS", { stage, found: counted.counting });
}

async function checkReceipts(view, tender, stage, counted, receipts, findings) {
  const listed = counted.stages[stage].listed.map((one) => one.hash);
  for (const bytes of receipts) {
    let record;
    try {
      const found = await checkPromise(bytes, view.policy);
      if (found.receipt.proof !== undefined) await checkProof(new TextEncoder().encode(found.receipt.proof), found.entry, view.policy);
      ({ record } = found);
    } catch (why) {
      if (why instanceof ReferenceError) throw why;
      findings.push(`a receipt that proves nothing: ${why.code ?? why.message}`);
      continue;
    }
    const about = record.type === T("deposited") && record.tender === tender && record.stage === stage;
    if (about && !listed.includes(record.manifest) && !counted.superseded.has(record.manifest)) throw new Refused("C-RECEIPT", { manifest: record.manifest });
  }
}

/* Nobody may lose a payload after its price can be read; so it is there before, or its loss is known before. */
async function checkPayloads(kit, listed, without) {
  for (const manifest of listed) {
    if (without.includes(manifest.hash)) continue;
    const lost = () => new Refused("C-PAYLOAD", { manifest: manifest.hash, bid: manifest.bid });
    const name = `bids/${manifest.bid}/${manifest.stage}/${manifest.seq}/payload`;
    if (![...kit.names].includes(name)) throw lost();
    const payload = await kit.blob(name);
    if (payload.size !== manifest.size) throw lost();
    await segmented(payload, manifest, () => {}).catch((why) => {
      throw why.code === "E-PAYLOAD" ? lost() : why;
    });
  }
}

/* Who is admitted to a later stage, by the tenderee's and exactly one authority's word. */
async function settled(view, tender, stage, notice) {
  return refusing("C-SETTLED", async () => {
    const { record } = view.only("stage-settled", { tender, stage }), at = when(record.time), id = notice.record.actor.id;
    const own = must(view.identities.find((one) => one.id === id && one.role === "tenderee" && inForce(one, at)), `no identity key of ${id}`).key;
    const keys = await checkSignatures(record.sig, covered(record), id).catch(() => []), names = new Set(keys.map((one) => one.key));
    const plain = keys.every((one) => one.alg === "EdDSA" && !one.x5c) && names.size === 2 && names.has(own);
    must(plain && view.lines.some((one) => one.role === "authority" && names.has(one.key) && inForce(one, at)), "two_keys");
    return is.list(is.bid)(record.admitted);
  });
}

// ---- what the custodian signs

/** Sign the release of a checked closing: {release (bytes), sig}. Keep both before anybody sees them. `C-KEYSET` for another seat's key. */
export async function makeRelease({ keyset, i, closed, listed }, pair, identity) {
  if (!same(pair.pub, keyset.custodians[i - 1].pub)) throw new Refused("C-KEYSET", { why: "not the key of this seat" });
  const shares = [];
  for (const manifest of listed) {
    const y = await openBox(pair, manifest, i);
    shares.push({ bid: manifest.bid, seq: manifest.seq, y: y && base64(y) });
  }
  const { tender, stage, hash } = keyset, release = canon({ type: "trading.release/v1", tender, stage, keyset: hash, i, closed, shares });
  return { release, sig: [await identity.sign(join(RELEASE, release))] };
}

/** One closing per key set, ever; `before`: what was signed for this key set, or null. `C-ONCE`. */
export function checkOnceForEver(before, { keyset, closed }) {
  if (before && before.closed !== closed) throw new Refused("C-ONCE", { keyset: keyset.hash, closed: before.closed });
}

/** A custodian's word about its key (§2), signed: {statement, sig}. Times are stamps, `tender` null for a period. E-STATEMENT. */
export async function makeStatement({ origin, custodian, name, pub, valid_from, valid_to, tender = null }, identity) {
  const scope = tender === null ? { period: true } : { tender }, about = { origin, custodian, name, suite: "P256", pub: base64(pub), valid_from, valid_to, scope };
  const statement = canon({ type: "trading.custodian-key/v1", ...about });
  await readStatement(statement);
  return { statement, sig: [await identity.sign(join(STATEMENT, statement))] };
}
