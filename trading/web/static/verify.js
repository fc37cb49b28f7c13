/* The second verifier, in the browser: V1–V12 and V17 of audit/log.md §8, written from the text alone. It reads archives and receipts
 * where they lie and sends nothing anywhere. V13–V16 are the command line's: they are named, never guessed.
 *
 * A step is {id, state, code, at, facts}; `state` is one of STATES, `code` and `facts` name a sentence of trading/locale/verify.toml. */

import { Archive, readArchive } from "../../../audit/browser/archive.js";
import { hex, same } from "../../../audit/browser/bytes.js";
import { NotCanonical, text } from "../../../audit/browser/canon.js";
import { checkListed, checkPromise, checkProof, leafHash } from "../../../audit/browser/log.js";
import { consistency, notes, Reading, records, roots, time } from "../../../audit/browser/steps.js";
import { Fault, need, parties, Policy } from "../../../audit/browser/trust.js";
import { envelopes, releases, verdicts } from "../../../bidding/browser/openings.js";
import { bids, closings, identities } from "../../../bidding/browser/steps.js";

export const HOLDS = "holds";
export const FAILS = "fails";
export const NOT_REACHED = "not reached";
export const ABSENT = "not in this edition";
export const ELSEWHERE = "checked by the command line only";

const STEPS = { 2: notes, 3: roots, 4: records, 5: consistency, 6: time, 7: identities, 8: bids, 9: closings, 10: releases, 11: envelopes, 12: verdicts };

/* What a step that holds has to say for itself. */
const FACTS = {
  1: (r) => ({ files: r.archive.members.size, bytes: r.archive.blob.size }),
  2: (r) => ({ notes: r.notes.size, time: moment(r.notes.get("checkpoint").time) }),
  3: (r) => ({ entries: r.size - r.first, size: r.size }),
  4: (r) => ({ records: r.records.length }),
  6: (r) => ({ checkpoints: r.times.size }),
  7: (r) => ({ custodians: [...r.keysets.values()][0].n, k: [...r.keysets.values()][0].k }),
  8: (r) => ({ bids: r.chains.size }),
  9: (r) => ({ count: [...r.closed.values()][0].body.count, opens: r.opens }),
  11: (r) => ({ envelopes: r.got.size }),
  12: (r) => ({ verdicts: r.list("unsealed").length }),
};

const moment = (microseconds) => new Date(Number(microseconds / 1000n)).toISOString();

/* A fault of any kind as code, place and facts. Whatever is no Fault is a field that is missing or of another type (§8). */
function told(error, at) {
  if (error instanceof Fault) return { code: error.code, at: error.facts.at ?? at, facts: error.facts };
  if (error instanceof NotCanonical) return { code: "VB-JSON", at, facts: {} };
  return { code: "VB-FIELD", at, facts: { why: String(error.message) } };
}

/** The tender an archive says it is of; null where it cannot be read. */
async function tenderOf(blob) {
  try {
    return (await Archive.peek(blob, "archive.json")).tender;
  } catch {
    return null;
  }
}

/** Verify archives ([{name, blob}]) with trust files from outside (bytes, or null: their own), an older checkpoint (bytes) and receipts
 * ([{name, bytes}]). Gives [{name, tender, edition, origin, size, trusted, keys, steps}]; `progress({name, step, done, total})` is told. */
export async function verify(archives, { policy = null, parties: known = null, since = null, receipts = [], progress = () => {} } = {}) {
  const tenders = await Promise.all(archives.map(({ blob }) => tenderOf(blob)));
  const out = [];
  for (const { name, blob } of archives) {
    out.push(await one(name, blob, { policy, parties: known, since, receipts, tenders }, progress));
  }
  return out;
}

async function one(name, blob, trust, progress) {
  const steps = [];
  let first = 0;
  let reading = { at: name };
  const say = (id, state, rest = {}) => steps.push({ id: `V${id}`, state, code: null, at: null, facts: {}, ...rest });
  for (let id = 1; id <= 17; id++) {
    progress({ name, step: `V${id}`, done: 0, total: 1 });
    if (first && first <= 4) say(id, NOT_REACHED);
    else if (id >= 13 && id <= 16) say(id, ELSEWHERE);
    else {
      try {
        reading.at = id === 1 ? name : "";
        if (id === 1) {
          const archive = await readArchive(blob, (done, total) => progress({ name, step: "V1", done, total }));
          reading = new Reading(archive, { ...trust, progress: null });
        } else reading.progress = ({ done, total }) => progress({ name, step: `V${id}`, done, total });
        const found = id === 1 ? true : id === 17 ? await promises(reading) : await STEPS[id](reading);
        if (found === false) say(id, ABSENT);
        else say(id, HOLDS, { facts: FACTS[id]?.(reading) ?? (id === 17 ? found : {}) });
      } catch (error) {
        // a step that stumbles over what an earlier one should have found was not reached; one that finds a fault of its own fails
        if (first && !(error instanceof Fault)) say(id, NOT_REACHED);
        else say(id, FAILS, told(error, reading.at || name));
        first = first || id;
      }
    }
  }
  const { tender = null, edition = null, origin = null, size = null } = reading;
  const keys = [...(reading.policy?.named() ?? []), ...(reading.given ?? []).map(({ id, role }) => `${role} ${id}`)];
  return { name, tender, edition, origin, size, trusted: Boolean(trust.policy && trust.parties), keys, steps };
}

// ---- V17

const NEVER_DISCLOSED = /^trading\.(?:question-asked|objector-noted|security-returned|bidder-key-registered)\/v1$/;
const AFTER_EVALUATION = /^trading\.(?:explanation-given|auction-joined|security-received|seat-keyed|conflict-declared|scores-.*|report-answered)\/v1$/;
const DEPOSITED = "trading.deposited/v1";

async function kept(r, { receipt, record, raw, entry }, later) {
  r.at = `${record.type} ${receipt.manifest ?? ""}`.trim();
  const leaf = leafHash(entry);
  let index;
  if (receipt.proof !== undefined) {
    const proof = await checkProof(new TextEncoder().encode(receipt.proof), entry, r.policy);
    index = proof.index;
    need(proof.size < r.first || proof.size > r.size || same(r.tree.root(proof.size), proof.root), "VB-FORK");
    need(index < r.first || (r.tree.leaves[index - r.first] && same(r.tree.leaves[index - r.first], leaf)), "VB-DROPPED");
  } else {
    const place = r.tree.leaves.findIndex((one) => same(one, leaf));
    need(place >= 0, "VB-DROPPED");
    index = r.first + place;
  }
  const sealed = NEVER_DISCLOSED.test(record.type) || (AFTER_EVALUATION.test(record.type) && !r.list("evaluation-closed").length);
  if (!sealed && !(r.public && r.shut)) need(r.records.some((x) => same(x.raw, raw)), "VB-DROPPED");
  if (record.type !== DEPOSITED) return index;
  const { bid, stage, seq } = record;
  if (receipt.listed !== undefined) checkListed(receipt.listed, receipt.manifest, r.closed.get(stage).body);
  else {
    const chain = r.chains.get(bid)?.get(stage) ?? [];
    need(r.gone.has(bid) || chain.some((one) => one.seq >= seq) || later.some((one) => one.bid === bid && one.stage === stage && one.seq > seq),
      "VB-DROPPED");
  }
  later.push(record);
  return index;
}

/** V17: what was promised is in the tree, and a deposit in the list or superseded; false where no receipt was given. */
async function promises(r) {
  if (!r.trust.receipts.length) return false;
  const mine = [];
  for (const { name, bytes } of r.trust.receipts) {
    r.at = name;
    const held = await checkPromise(bytes, r.policy);
    const tender = held.record.tender ?? r.tender;
    if (tender !== r.tender && r.trust.tenders.includes(tender)) continue;
    need(tender === r.tender, "VB-ANOTHER-TENDER");
    mine.push(held);
  }
  const later = [];
  mine.sort((a, b) => (b.record.seq ?? 0) - (a.record.seq ?? 0));
  for (const held of mine) await kept(r, held, later);
  return { receipts: mine.length };
}

/** What a receipt shows by itself: the promise, and, once it holds its proof, that the entry lies in a tree that a quorum has seen. */
export async function verifyReceipt({ name, bytes }, { policy }) {
  const out = { name, tender: null, type: null, trusted: true, steps: [] };
  const say = (state, rest = {}) => out.steps.push({ id: "V17", state, code: null, at: null, facts: {}, ...rest });
  try {
    const { receipt, record, entry } = await checkPromise(bytes, new Policy(policy));
    Object.assign(out, { tender: record.tender ?? null, type: record.type, time: record.time });
    if (receipt.proof === undefined) say(HOLDS, { code: "VB-PROMISED" });
    else {
      const proof = await checkProof(new TextEncoder().encode(receipt.proof), entry, new Policy(policy));
      say(HOLDS, { code: "VB-IN-TREE", facts: { index: proof.index, size: proof.size, time: moment(proof.time) } });
    }
  } catch (error) {
    say(FAILS, told(error, name));
  }
  return out;
}

/** What a file is that somebody dropped: archive, receipt, policy, parties, checkpoint or null. */
export async function kindOf(blob) {
  const start = new Uint8Array(await blob.slice(0, 65_536).arrayBuffer());
  if (hex(start.subarray(0, 4)) === "504b0304" || /\.zip$/i.test(blob.name)) return "archive"; // a broken one too: V1 says so
  if (blob.size > 16 * 1024 * 1024) return null;
  try {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    const all = text(bytes);
    if (/^\s*\{/.test(all)) return JSON.parse(all).type === "trading.receipt/v1" ? "receipt" : null;
    if (/\n\n— /.test(all)) return "checkpoint";
    if (/^(?:log|witness) \S+\+/m.test(all) && new Policy(bytes)) return "policy";
    if (parties(bytes).length) return "parties";
  } catch {
    return null;
  }
  return null;
}
