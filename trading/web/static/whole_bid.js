/* A whole bid, sealed stage by stage: what the thread of the served page and the offline page have in common. It knows of document sets,
 * which envelopes do not. No DOM, no network. */

import { unbase64 } from "../../../audit/browser/bytes.js";
import { parse } from "../../../audit/browser/canon.js";
import { FORM, Refused, is, newBid, sealEnvelope, signManifest, stamp } from "../../../bidding/browser/envelope.js";
import { checkBeforeSealing } from "../../../bidding/browser/sealing.js";

export const DOCUMENTS = "documents"; // the field of an opening that names the document set it answers (trading/document_sets.py)

/* The newest document set of the log. The records of this kit have been proved by `checkBeforeSealing`. */
async function newestSet(kit, tender) {
  let newest = null;
  for (const name of kit.named(/^records\//)) {
    const found = parse(await kit.read(name)), record = parse(unbase64(found.record));
    const ours = /^trading\.documents-(issued|amended)\/v1$/.test(record.type) && record.tender === tender;
    if (ours && (!newest || found.index > newest.index)) newest = { index: found.index, set: is.hash(record.set), files: record.files };
  }
  return newest;
}

/** envelope.md §2a of a kit (an Archive) under the user's own trust files, and the document set to be answered: what `sealBid` takes. */
export async function lookAt(kit, trust, { tender, kept = null, consistency = null, accept = [] }) {
  const view = { names: [...kit.members.keys()], read: (name) => kit.read(name) };
  const found = await checkBeforeSealing(view, trust, { tender, kept, consistency, accept });
  const asked = Object.hasOwn(found.schema, DOCUMENTS), set = asked ? await newestSet(kit, tender) : null;
  if (asked && !set) throw new Refused("E-KEYSET", { why: "the notice asks for a document set, and the log shows none" });
  return { ...found, set };
}

/** The custodians of each stage, for people: [{stage, hour, k, n, keyset, names}]. */
export const guardsOf = (found) =>
  Object.entries(found.guards).map(([stage, { keyset, custodians, hour }]) => {
    const names = custodians.map((one) => one.name || one.custodian);
    return { stage, hour, k: keyset.k, n: keyset.n, keyset: keyset.hash, names };
  });

/** Lock every stage, then sign. `checked`: what `lookAt` gave; `lasts`: {stage: {seq, hash}} of the bid `old` that is replaced;
 * `place(bid, seq, stage)` gives the sink of a payload, `keep(stage, made, sig, more)` is told of each when all are locked. */
export async function sealBid(checked, signer, { files, opening, bidder, bid: old = null, lasts = null }, { place, keep, told = () => {} }) {
  const { tender, schema, guards, set, now } = checked, bid = old ?? newBid(), stages = Object.keys(guards);
  const answers = set ? { ...opening, [DOCUMENTS]: set.set } : opening, created = stamp(new Date(Number(now / 1000n))), locked = {};
  const sizes = files.reduce((sum, one) => sum + one.size, 0);
  const all = stages.map((stage) => (stage === FORM ? 1 : 2 * sizes + 1)), whole = all.reduce((a, b) => a + b, 0);
  let before = 0;
  for (const [at, stage] of stages.entries()) {
    const last = lasts?.[stage] ?? null, seq = last ? last.seq + 1 : 1, { keyset } = guards[stage];
    const context = { tender, stage, keyset: keyset.hash, bidder, bid, seq }, sink = await place(bid, seq, stage);
    const progress = (done, of) => told({ step: "lock", stage, done: before + all[at] * (of ? done / of : 0), all: whole });
    const how = { files: stage === FORM ? [] : files.map((blob) => ({ blob })), opening: stage === FORM ? answers : {}, schema };
    const sealed = await sealEnvelope(context, keyset, { ...how, prev: last?.hash ?? null, created, sink, progress });
    locked[stage] = { sealed, seq };
    before += all[at];
  }
  told({ step: "sign", done: 0, all: stages.length });
  for (const stage of stages) {
    const { sealed, seq } = locked[stage];
    await keep(stage, sealed, await signManifest(sealed.manifest, signer), { tender, bidder, bid, stage, stages, seq, hash: sealed.hash, at: created });
  }
  return bid;
}
