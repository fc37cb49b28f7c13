/* The checks of a request that finalises a bid (bidding/envelope.md §5), each alone with its own code, and what a closing says (§6.1):
 * no key is needed for any of it. A bidder's tool runs them before it sends; a verifier runs them after. */

import { certificateKey } from "../../audit/browser/x509.js";
import { base64, digest, hex, join, order, same, unbase64, unhex } from "../../audit/browser/bytes.js";
import { parse } from "../../audit/browser/canon.js";
import { rootOf } from "../../audit/browser/log.js";
import { point } from "../../audit/browser/trust.js";
import { BID, BOX, FORM, Refused, checkSignatures, isPayloadSize, payloadSize, readManifest } from "./envelope.js";

const FORM_MOST = payloadSize(17 * 65_536); // a header of 1 MiB and no files

// ---- §5 who may act

/** The one key a manifest or withdrawal is signed with; whether it really signed is for `E-SIG` to say. `E-SIGNER`. */
export function actingKey(sigs) {
  const refused = (why) => new Refused("E-SIGNER", { bidder: "", why });
  if (!Array.isArray(sigs) || sigs.length !== 1) throw refused("one_signature");
  try {
    return sigs[0].x5c ? certificateKey(unbase64(sigs[0].x5c[0])) : unbase64(sigs[0].key);
  } catch {
    throw refused("unreadable");
  }
}

/** Registrations in force, in the order of their records: of one bidder and key the first counts. */
export class Keyring {
  constructor(registrations = []) {
    this.known = new Map();
    for (const made of registrations) {
      const name = `${made.bidder} ${hex(made.key)}`;
      if (!this.known.has(name)) this.known.set(name, made);
    }
  }

  registered(bidder, key) {
    return this.known.has(`${bidder} ${hex(key)}`);
  }

  /** The key's own registration, then those it rests on. */
  chain(bidder, key) {
    const found = [];
    for (let link; key && (link = this.known.get(`${bidder} ${hex(key)}`)) && !found.includes(link); key = link.by?.key) found.push(link);
    return found;
  }

  /** A `ca` or an authority stands at the root. */
  vouched(bidder, key) {
    const root = this.chain(bidder, key).at(-1)?.by;
    return Boolean(root?.x5c || root?.authority);
  }

  mayFollow(bidder, previous, key) {
    const reached = this.chain(bidder, key).some((link) => link.by?.key && same(link.by.key, previous));
    return same(previous, key) || reached || this.vouched(bidder, key);
  }
}

// ---- §5 finalising

export function checkTime(now, deadline) {
  if (now > deadline) throw new Refused("E-LATE", { now, deadline });
}
export const checkCanon = (data) => readManifest(data, { nfc: true });
export function checkContext(manifest, { tender, bid, keysets }) {
  const wrong = (field, wanted) => new Refused("E-CONTEXT", { field, found: manifest[field], wanted });
  if (manifest.tender !== tender) throw wrong("tender", tender);
  if (manifest.bid !== bid) throw wrong("bid", bid);
  if (!Object.hasOwn(keysets, manifest.stage)) throw wrong("stage", Object.keys(keysets).join(", "));
  if (manifest.keyset !== keysets[manifest.stage]) throw wrong("keyset", keysets[manifest.stage]);
}
export async function checkBoxes({ boxes }, n) {
  if (boxes.length !== n) throw new Refused("E-BOXES", { why: `${boxes.length} boxes for ${n} custodians` });
  for (const [at, box] of boxes.entries()) {
    if (box.length !== BOX) throw new Refused("E-BOXES", { why: `box ${at + 1} has ${box.length} bytes` });
    await point(box.slice(0, 65)).catch(() => {
      throw new Refused("E-BOXES", { why: `box ${at + 1} begins with no point` });
    });
  }
}
/** `lasts`: [{key, bidder}] of the last act in each stage that is acted in. The acting key. */
export function checkSigner(bidder, sigs, keyring, lasts = []) {
  const key = actingKey(sigs);
  if (!keyring.registered(bidder, key)) throw new Refused("E-SIGNER", { bidder, why: "unregistered" });
  const stranger = (last) => last.bidder !== bidder || !keyring.mayFollow(bidder, last.key, key);
  if (lasts.some(stranger)) throw new Refused("E-SIGNER", { bidder, why: "chain" });
  return key;
}
export const checkSignature = (manifest, sigs) => checkSignatures(sigs, join(BID, manifest.data), manifest.bidder);
/** `last`: {seq, hash, withdrawn} of the (bid, stage), or null. */
export function checkSequence(seq, prev, last) {
  const [wanted, before] = last ? [last.seq + 1, last.hash] : [1, null];
  if (last?.withdrawn) throw new Refused("E-SEQ", { why: "withdrawn", seq, expected: wanted });
  if (seq !== wanted || prev !== before) throw new Refused("E-SEQ", { why: "chain", seq, expected: wanted });
}
export function checkOnce({ bid, bidder }, effective) {
  if (effective !== null && effective !== bid) throw new Refused("E-TWICE", { bidder, bid: effective });
}
/** `seen`: heads and boxes (base64) handed in before by the same bidder. */
export function checkUnseen({ head, boxes, bidder }, seen) {
  const found = [head, ...boxes].map(base64);
  if (new Set(found).size !== found.length || found.some((one) => seen.includes(one))) throw new Refused("E-DUPHEAD", { bidder });
}
export function checkPayload(manifest, { head, size, root }) {
  const wrong = (field, found, wanted) => new Refused("E-PAYLOAD", { field, found, wanted });
  const possible = isPayloadSize(manifest.size) && (manifest.stage !== FORM || manifest.size <= FORM_MOST);
  if (size !== manifest.size || !possible) throw wrong("size", size, manifest.size);
  if (root !== manifest.root) throw wrong("root", root, manifest.root);
  if (!same(head, manifest.head)) throw wrong("head", hex(head), hex(manifest.head));
}
export function checkStages(given, announced, first) {
  const strange = given.filter((stage) => !announced.includes(stage));
  const missing = first ? announced.filter((stage) => !given.includes(stage)) : [];
  if (given.length && !strange.length && !missing.length) return;
  throw new Refused("E-STAGES", { missing: missing.join(", "), strange: strange.join(", ") });
}

// ---- §6.1 what a closing says

const TYPE = (name) => `trading.${name}/v1`;
const DEPOSITED = TYPE("deposited"), WITHDRAWN = TYPE("withdrawn"), REFUSED = TYPE("refused"), REGISTERED = TYPE("bidder-key-registered");
const wrongEvent = (why) => new Refused("C-EVENTS", { why });
const sum = (hashes) => hex(rootOf([...hashes].sort(order)));

/** Count a box. `events`: bytes of every such record of the tender, and of registrations, in the order of the log. `acts`: Map of
 * hash to {made, key, valid}, the manifest or withdrawal that a record names. `unvouched`: bidders that the notice names.
 * {stages: {stage: {count, list_root, events, events_root, listed}}, opens, superseded, unvouched: {bid: flag}}. `C-EVENTS`. */
export async function tally(stages, events, acts, keyring, { tender, minBids, unvouched = [] }) {
  const chains = new Map(stages.map((stage) => [stage, new Map()])), chosen = new Map(stages.map((stage) => [stage, []]));
  const keys = new Map(stages.map((stage) => [stage, new Set()])), withdrawn = new Map(), registered = new Map();
  const named = (hash, fields, record) => {
    const act = acts.get(hash);
    if (!act || fields.some((field) => act.made[field] !== record[field])) throw wrongEvent(`${hash} is missing, or not what its record says`);
    return act;
  };
  for (const data of events) {
    const record = parse(data);
    if (record.type === DEPOSITED) {
      const act = named(record.manifest, ["tender", "stage", "bid", "seq"], record), { stage, bid, seq, bidder } = act.made;
      if (!chains.has(stage)) throw wrongEvent(`a deposit in the stage ${stage}, which was not announced`);
      const chain = chains.get(stage).get(bid) ?? new Map();
      if (chain.has(seq)) throw wrongEvent(`two deposits of ${bid}, ${stage}, ${seq}`);
      chains.get(stage).set(bid, chain.set(seq, act));
      chosen.get(stage).push(data);
      keys.get(stage).add(`${bidder} ${hex(act.key)}`);
    } else if (record.type === WITHDRAWN) {
      const act = named(record.withdrawal, ["tender", "bid"], record);
      withdrawn.set(act.made.bid, act);
      for (const stage of Object.keys(act.made.stages)) {
        if (!chosen.has(stage)) throw wrongEvent(`a withdrawal in the stage ${stage}, which was not announced`);
        chosen.get(stage).push(data);
        keys.get(stage).add(`${act.made.bidder} ${hex(act.key)}`);
      }
    } else if (record.type === REFUSED && record.tender === tender) chosen.get(record.stage)?.push(data);
    else if (record.type === REGISTERED) {
      const owner = `${record.bidder} ${hex(unbase64(record.key))}`;
      if (!registered.has(owner)) registered.set(owner, data);
    }
  }
  const superseded = new Set(), bids = new Map(), found = {};
  for (const stage of stages) {
    const listed = [];
    for (const [bid, chain] of chains.get(stage)) {
      const ordered = [...chain.values()].sort((a, b) => a.made.seq - b.made.seq);
      const followers = [...ordered.slice(1), ...(withdrawn.has(bid) ? [withdrawn.get(bid)] : [])];
      if (!withdrawn.has(bid)) {
        listed.push(ordered.at(-1));
        bids.set(bid, [...(bids.get(bid) ?? []), ordered.at(-1)]);
      }
      ordered.slice(0, followers.length).forEach(({ made, key }, at) => {
        const after = followers[at];
        if (after.valid !== false && keyring.mayFollow(made.bidder, key, after.key)) superseded.add(made.hash);
      });
    }
    const told = [...chosen.get(stage), ...[...registered].filter(([owner]) => keys.get(stage).has(owner)).map(([, data]) => data)];
    const hashes = await Promise.all(told.map((data) => digest(data)));
    listed.sort((a, b) => (a.made.bid < b.made.bid ? -1 : 1));
    const list = sum(listed.map(({ made }) => unhex(made.hash)));
    found[stage] = { count: listed.length, list_root: list, events: told.length, events_root: sum(hashes), listed: listed.map((one) => one.made) };
  }
  const counting = new Set(), doubtful = {};
  for (const [bid, envelopes] of bids) {
    const { bidder } = envelopes[0].made;
    const vouched = ({ key, valid }) => valid !== false && (unvouched.includes(bidder) || keyring.vouched(bidder, key));
    doubtful[bid] = !envelopes.every(vouched);
    if (!doubtful[bid] && envelopes.length === stages.length) counting.add(bidder);
  }
  return { stages: found, opens: counting.size >= minBids, counting: counting.size, superseded, unvouched: doubtful };
}
