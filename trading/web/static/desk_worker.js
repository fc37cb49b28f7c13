/* What touches a private key or a document of a bidder: a thread of its own whose file is served with `connect-src 'none'`, so that it may
 * connect nowhere. It is handed files and a passphrase, and hands back ciphertext (into the browser's private store), manifests and signatures;
 * the page that uploads them never holds a key. One question at a time: {ask, how} → {told} …, then {done} or {refused}. */

import { Archive } from "../../../audit/browser/archive.js";
import { base64, unbase64 } from "../../../audit/browser/bytes.js";
import { checkPromise } from "../../../audit/browser/log.js";
import { Policy } from "../../../audit/browser/trust.js";
import { Refused, register, withdraw } from "../../../bidding/browser/envelope.js";
import { complete, openCertificateKey, readChain, toSign } from "../../../bidding/browser/certificate.js";
import { makeKeyFile, openKeyFile, peek } from "../../../bidding/browser/keyfile.js";
import { kept, keeping, openStore } from "../../../bidding/browser/upload.js";
import { unwrap, wrap } from "../../../bidding/browser/wrapping.js";
import { guardsOf, lookAt, sealBid } from "./whole_bid.js";

const OFTEN = 80; // milliseconds between two words on progress
let checked = null;

/** envelope.md §2a under the user's own trust files. */
async function check({ kit: blob, trust, tender, kept: last, consistency, accept }) {
  checked = null;
  checked = await lookAt(await Archive.open(blob, () => true), trust, { tender, kept: last, consistency, accept });
  const { checkpoint, deadline, schema, set } = checked;
  return { guards: guardsOf(checked), checkpoint, deadline, schema, set: set && { set: set.set, files: set.files.map((one) => one.name) } };
}

/* A key file, opened by its passphrase or by a passkey's PRF that has wrapped it. */
async function open({ file, passphrase, wrapped, prf, bidder, origin }) {
  const phrase = wrapped ? await unwrap(prf, unbase64(peek(file).public), wrapped) : passphrase;
  const key = await openKeyFile(file, phrase, { kind: "bidder", origin });
  if (key.id !== bidder) throw new Refused("K-OWNER", { id: key.id, wanted: bidder });
  return key.signer;
}

/** Lock every stage into the store, then sign: {bid, stages: {stage: {name, hash, size}}}. The key file is opened first, so that a wrong
 * passphrase costs nothing. `lasts`: {stage: {seq, hash}} of the bid that is replaced. */
async function seal({ key, files, opening, bidder, bid: old, lasts, store: folder }, told) {
  const signer = await open({ ...key, bidder }), store = await openStore(folder), found = {};
  const named = (bid, seq, stage) => `${bid} ${seq} ${stage}`;
  const place = async (bid, seq, stage) => (await keeping(store, named(bid, seq, stage))).sink;
  const keep = async (stage, sealed, sig, more) => {
    const name = named(more.bid, more.seq, stage);
    await kept(store, name, sealed, sig, { ...more, submitted: false });
    found[stage] = { name, hash: sealed.hash, size: sealed.size };
  };
  const bid = await sealBid(checked, signer, { files, opening, bidder, bid: old, lasts }, { place, keep, told });
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
  /* The file opens before its passphrase is wrapped. */
  async wrap({ key, prf, bidder, origin }) {
    await open({ ...key, bidder, origin });
    return wrap(prf, unbase64(peek(key.file).public), key.passphrase);
  },
  make: ({ id, origin, passphrase }) => makeKeyFile({ kind: "bidder", id, origin }, passphrase),
  /* Vouched for by an earlier key, by a certificate, by nobody, or by an authority, which countersigns the file that comes of it. A certificate
   * whose private key lies on a token signs elsewhere: without `secret` only the new key signs. */
  async register({ key, earlier, authority, chain: file, secret, bidder, origin, time, roots }) {
    const chain = file && (await readChain(file, { bidder, time: BigInt(Date.parse(time)) * 1000n, roots }));
    const signer = await open({ ...key, bidder, origin });
    const before = earlier ? await open({ ...earlier, bidder, origin }) : secret ? await openCertificateKey(secret.file, secret.passphrase, chain) : null;
    const by = earlier ? { key: base64(before.key) } : chain ? { x5c: chain.map(base64) } : authority ? { authority } : null;
    const { registration, sig } = await register({ origin, bidder, signer, by, signedBy: before });
    return { registration: base64(registration), sig };
  },
  toSign: async ({ request }) => (await toSign(request)).message,
  complete: ({ request, signature }) => complete(request, signature),
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
