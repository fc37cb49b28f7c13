/* What touches a private key or a document of a bidder: a thread of its own whose file is served with `connect-src 'none'`, so that it may
 * connect nowhere. It is handed files and a passphrase, and hands back ciphertext (into the browser's private store), manifests and signatures;
 * the page that uploads them never holds a key. One question at a time: {ask, how} → {told} …, then {done} or {refused}. */

import { Archive } from "../../../audit/browser/archive.js";
import { base64, unbase64 } from "../../../audit/browser/bytes.js";
import { parse } from "../../../audit/browser/canon.js";
import { checkPromise } from "../../../audit/browser/log.js";
import { Policy } from "../../../audit/browser/trust.js";
import { FORM, Refused, is, newBid, register, sealEnvelope, signManifest, stamp, withdraw } from "../../../bidding/browser/envelope.js";
import { makeKeyFile, openKeyFile } from "../../../bidding/browser/keyfile.js";
import { checkBeforeSealing } from "../../../bidding/browser/sealing.js";
import { kept, keeping, openStore } from "../../../bidding/browser/upload.js";

const DOCUMENTS = "documents"; // the field of an opening that names the document set it answers (trading/document_sets.py)
const OFTEN = 80; // milliseconds between two words on progress
let checked = null;

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

/** envelope.md §2a under the user's own trust files. */
async function check({ kit: blob, trust, tender, kept: last, consistency, accept }) {
  checked = null;
  const kit = await Archive.open(blob, () => true);
  const view = { names: [...kit.members.keys()], read: (name) => kit.read(name) };
  const found = await checkBeforeSealing(view, trust, { tender, kept: last, consistency, accept });
  const set = Object.hasOwn(found.schema, DOCUMENTS) ? await newestSet(kit, tender) : null;
  if (Object.hasOwn(found.schema, DOCUMENTS) && !set) throw new Refused("E-KEYSET", { why: "the notice asks for a document set, and the log shows none" });
  checked = { ...found, set };
  const guards = Object.entries(found.guards).map(([stage, { keyset, custodians, hour }]) => {
    const names = custodians.map((one) => one.name || one.custodian);
    return { stage, hour, k: keyset.k, n: keyset.n, keyset: keyset.hash, names };
  });
  const { checkpoint, deadline, schema } = found;
  return { guards, checkpoint, deadline, schema, set: set && { set: set.set, files: set.files.map((one) => one.name) } };
}

const open = ({ file, passphrase, bidder, origin }) => openKeyFile(file, passphrase, { kind: "bidder", origin }).then((key) => {
  if (key.id !== bidder) throw new Refused("K-OWNER", { id: key.id, wanted: bidder });
  return key.signer;
});

/** Lock every stage into the store, then sign: {bid, stages: {stage: {name, hash, size}}}. The key file is opened first, so that a wrong
 * passphrase costs nothing. `lasts`: {stage: {seq, hash}} of the bid that is replaced. */
async function seal({ key, files, opening, bidder, bid: old, lasts, store: folder }, told) {
  const signer = await open({ ...key, bidder });
  const { tender, schema, guards, set, now } = checked, bid = old ?? newBid(), stages = Object.keys(guards);
  const store = await openStore(folder), answers = set ? { ...opening, [DOCUMENTS]: set.set } : opening;
  const created = stamp(new Date(Number(now / 1000n))), locked = {};
  const sizes = files.reduce((sum, one) => sum + one.size, 0);
  const all = stages.map((stage) => (stage === FORM ? 1 : 2 * sizes + 1)), whole = all.reduce((a, b) => a + b, 0);
  let before = 0;
  for (const [at, stage] of stages.entries()) {
    const last = lasts?.[stage] ?? null, seq = last ? last.seq + 1 : 1, name = `${bid} ${seq} ${stage}`;
    const context = { tender, stage, keyset: guards[stage].keyset.hash, bidder, bid, seq };
    const { sink } = await keeping(store, name);
    const progress = (done, of) => told({ step: "lock", stage, done: before + all[at] * (of ? done / of : 0), all: whole });
    const how = { files: stage === FORM ? [] : files.map((blob) => ({ blob })), opening: stage === FORM ? answers : {}, schema };
    const sealed = await sealEnvelope(context, guards[stage].keyset, { ...how, prev: last?.hash ?? null, created, sink, progress });
    locked[stage] = { sealed, name, seq };
    before += all[at];
  }
  told({ step: "sign", done: 0, all: stages.length });
  const found = {};
  for (const stage of stages) {
    const { sealed, name, seq } = locked[stage];
    const more = { tender, bidder, bid, stage, stages, seq, hash: sealed.hash, at: created, submitted: false };
    await kept(store, name, sealed, await signManifest(sealed.manifest, signer), more);
    found[stage] = { name, hash: sealed.hash, size: sealed.size };
  }
  return { bid, stages: found, lasting: store.lasting };
}

/** The promises hold under the user's own policy, and are of these manifests. */
async function receipts({ policy, receipts: given, wanted }) {
  const rules = new Policy(policy), times = [];
  for (const [stage, hash] of Object.entries(wanted)) {
    const bytes = new TextEncoder().encode(JSON.stringify(given[stage] ?? null)), { record } = await checkPromise(bytes, rules);
    if (record.type !== "trading.deposited/v1" || record.manifest !== hash || record.stage !== stage)
      throw new Refused("E-RECEIPT", { stage, found: record.manifest ?? record.type, wanted: hash });
    times.push(record.time);
  }
  return { time: times.sort().at(-1) };
}

const ASKED = {
  check, seal, receipts,
  make: ({ id, origin, passphrase }) => makeKeyFile({ kind: "bidder", id, origin }, passphrase),
  /* Vouched for by an earlier key, by nobody, or by an authority, which countersigns the file that comes of it. */
  async register({ key, earlier, authority, bidder, origin }) {
    const signer = await open({ ...key, bidder, origin });
    const before = earlier ? await open({ ...earlier, bidder, origin }) : null;
    const by = before ? { key: base64(before.key) } : authority ? { authority } : null;
    const { registration, sig } = await register({ origin, bidder, signer, by, signedBy: before });
    return { registration: base64(registration), sig };
  },
  async withdraw({ key, bidder, origin, tender, bid, lasts }) {
    const signer = await open({ ...key, bidder, origin });
    const { withdrawal, sig } = await withdraw({ tender, bidder, bid, lasts }, signer);
    return { withdrawal: base64(withdrawal), sig };
  },
};

let before = Promise.resolve();
onmessage = ({ data: { id, ask, how } }) => {
  let last = 0, step = "";
  const told = (event) => {
    if (event.step === step && Date.now() - last < OFTEN && event.done < event.all) return;
    [last, step] = [Date.now(), event.step];
    postMessage({ id, told: event });
  };
  before = before.then(() => ASKED[ask](how, told)).then(
    (done) => postMessage({ id, done }),
    (why) => postMessage({ id, refused: { code: why.code ?? "W-FAULT", facts: why.facts ?? { trace: String(why.message ?? why) } } }),
  );
};
