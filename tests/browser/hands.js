/* What tests/browser/node.py and inchromium.py call: each function takes JSON and gives JSON, bytes as base64 ("…64") or hex as the vectors
 * have them. Runs in Node and in a page; what only Node can do with files is handed in as `disk`. */

import { Sha256, base64, hex, join, unbase64, unhex } from "../../audit/browser/bytes.js";
import { utf8 } from "../../audit/browser/canon.js";
import { entryOf, leafHash, rootOf } from "../../audit/browser/log.js";
import * as a from "../../bidding/browser/arrival.js";
import * as b from "../../bidding/browser/boxes.js";
import * as c from "../../bidding/browser/custody.js";
import * as e from "../../bidding/browser/envelope.js";
import * as k from "../../bidding/browser/keyfile.js";
import * as o from "../../bidding/browser/opening.js";
import * as r from "../../bidding/browser/release.js";
import * as s from "../../bidding/browser/sealing.js";

const bytesOf = (told, length) => unhex(told, length ?? told.length / 2);
const PREFIX = { statement: e.STATEMENT, manifest: e.BID, registration: e.REGISTRATION, withdrawal: e.WITHDRAWAL, release: "trading/release/v1\n" };
const READ = { statement: e.readStatement, manifest: e.readManifest, registration: e.readRegistration, withdrawal: e.readWithdrawal, keyset: e.readKeyset };
const ed25519 = async (seed) => {
  const pkcs8 = join(bytesOf("302e020100300506032b657004220420"), bytesOf(seed));
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", key);
  return e.signerOf(key, unbase64(`${x.replaceAll("-", "+").replaceAll("_", "/")}=`));
};
const fail = (why) => {
  throw new Error(why);
};
/** The payload of a recipe (bidding/envelope.md, test vectors). */
async function built({ plain, pad, salt, ck, ctx, flip }) {
  const content = unbase64(plain);
  const plaintext = join(content, new Uint8Array(e.padding(content.length) + (pad === "more" ? e.BLOCK : 0)));
  const { key, nonce, head } = await e.payloadKeys(bytesOf(ck), bytesOf(salt), bytesOf(ctx));
  const parts = [head];
  for (let at = 0; at <= plaintext.length; at += e.CHUNK)
    parts.push(new Uint8Array(await crypto.subtle.encrypt(nonce(parts.length - 1), key, plaintext.subarray(at, at + e.CHUNK))));
  const payload = join(...parts);
  if (flip !== null) payload[flip] ^= 1;
  return payload;
}
async function measured(payload) {
  const leaves = [];
  for (let at = 0; at < payload.length; at += e.SEGMENT) leaves.push(leafHash(payload.subarray(at, at + e.SEGMENT)));
  return { root: hex(rootOf(leaves)), size: payload.length, head: base64(payload.subarray(0, 56)) };
}

const handsWith = ({ openAsBlob, writeFileSync }) => ({
  sha256: ({ pieces64 }) => hex(pieces64.reduce((state, one) => state.update(unbase64(one)), new Sha256()).digest()),
  ctx: async ({ context }) => hex(await e.ctxOf(context)),
  payload: async (recipe) => {
    const { key, nonce, head } = await e.payloadKeys(bytesOf(recipe.ck), bytesOf(recipe.salt), bytesOf(recipe.ctx));
    return hex(join(head, new Uint8Array(await crypto.subtle.encrypt(nonce(0), key, utf8(recipe.text)))));
  },
  shares: async ({ ck, ctx, k: least, n }) => (await b.split(bytesOf(ck), bytesOf(ctx), least, n)).map(hex),
  combine: ({ shares }) => hex(b.combine(Object.entries(shares).map(([i, y]) => [Number(i), bytesOf(y)]))),
  pair: async ({ ikm }) => hex((await b.deriveKeyPair(bytesOf(ikm))).pub),
  ephemeral: async ({ ck, ctx, head, i }) => hex(await b.expand(bytesOf(ck), join("trading/ephemeral/v1\0", bytesOf(ctx), bytesOf(head), i), 32)),
  box: async ({ pub, ikm, ctx, i, head, share }) => hex(await b.seal(bytesOf(pub), bytesOf(ikm), b.boxInfo(bytesOf(ctx), i, bytesOf(head)), bytesOf(share))),
  hpkeSeal: async ({ pub, ikm, info, plain }) => hex(await b.seal(bytesOf(pub), bytesOf(ikm), bytesOf(info), bytesOf(plain))),
  hpkeOpen: async ({ ikm, info, sealed }) => hex(await b.open(await b.deriveKeyPair(bytesOf(ikm)), bytesOf(info), bytesOf(sealed))),
  unbox: async ({ ikm, ctx, i, head, box }) => hex(await b.open(await b.deriveKeyPair(bytesOf(ikm)), b.boxInfo(bytesOf(ctx), i, bytesOf(head)), bytesOf(box))),
  signed: async ({ kind, bytes, sig }) => {
    const data = utf8(bytes), message = join(PREFIX[kind], data);
    const read = READ[kind] ? await READ[kind](data) : { hash: await e.sha256Hex(data) };
    const signers = await e.checkSignatures(sig, message, kind);
    return { sha256: read.hash, signed: await e.sha256Hex(message), keys: signers.map((one) => one.key) };
  },
  sign: async ({ kind, bytes, seed }) => [await (await ed25519(seed)).sign(join(PREFIX[kind], utf8(bytes)))],
  register: async ({ seed, earlier, ...about }) => {
    const { registration, sig } = await e.register({ ...about, signer: await ed25519(seed), signedBy: earlier ? await ed25519(earlier) : null });
    return { bytes: new TextDecoder().decode(registration), sig };
  },
  withdraw: async ({ seed, ...about }) => {
    const { withdrawal, sig } = await e.withdraw(about, await ed25519(seed));
    return { bytes: new TextDecoder().decode(withdrawal), sig };
  },
  rehearse: async ({ statement, ikm, seed, challenge, sealed64 }) => {
    const made = await e.readStatement(utf8(statement));
    const answer = await c.answerRehearsal(made, await b.deriveKeyPair(bytesOf(ikm)), await ed25519(seed), bytesOf(challenge), unbase64(sealed64));
    return { ...answer, proof: hex(answer.proof) };
  },
  envelope: async ({ manifest, keyset, ck }) => {
    const read = await e.readManifest(utf8(manifest)), ctx = await e.ctxOf(read), guard = await e.readKeyset(utf8(keyset));
    const { shares, boxes } = await b.makeBoxes(bytesOf(ck), ctx, read.head, guard);
    return { ctx: hex(ctx), keyset: guard.hash, shares: shares.map(hex), boxes: boxes.map(base64) };
  },
  measure: async ({ recipe }) => measured(await built(recipe)),
  leaf: ({ record, nonce }) => {
    const entry = entryOf(nonce, utf8(record));
    return { entry: hex(entry), leaf: hex(leafHash(entry)) };
  },
  check: async (v) => {
    const manifest = v.manifest && v.check !== "canon" ? await e.readManifest(unbase64(v.manifest)) : null;
    const registrations = async () => new a.Keyring(await Promise.all(v.registrations.map((text) => e.readRegistration(utf8(text)))));
    const checks = {
      time: () => a.checkTime(v.now, v.deadline),
      canon: () => a.checkCanon(unbase64(v.manifest)),
      sequence: () => a.checkSequence(v.seq, v.prev, v.last),
      stages: () => a.checkStages(v.given, v.announced, v.first),
      keyset: () => e.readKeyset(unbase64(v.keyset)),
      signer: async () => a.checkSigner(v.bidder, v.sig, await registrations(), v.last === null ? [] : [{ key: unbase64(v.last), bidder: v.bidder }]),
      context: () => a.checkContext(manifest, v),
      boxes: () => a.checkBoxes(manifest, v.n),
      signature: () => a.checkSignature(manifest, v.sig),
      once: () => a.checkOnce(manifest, v.effective),
      unseen: () => a.checkUnseen(manifest, v.seen),
      payload: () => a.checkPayload(manifest, { ...v, head: unbase64(v.head) }),
    };
    await checks[v.check]();
    return null;
  },
  chain: async ({ chain }) => {
    const acts = new Map();
    for (const [at, told] of chain.manifests.entries()) {
      const made = await e.readManifest(utf8(told));
      acts.set(made.hash, { made, key: unbase64(chain.signers[at]) });
    }
    const ended = await e.readWithdrawal(utf8(chain.withdrawal.bytes));
    acts.set(ended.hash, { made: ended, key: unbase64(chain.withdrawal.signer) });
    const keyring = new a.Keyring(await Promise.all(chain.registrations.map((told) => e.readRegistration(utf8(told)))));
    const found = await a.tally(["form"], chain.events.map(utf8), acts, keyring, { tender: ended.tender, minBids: chain.min_bids });
    const { listed, ...form } = found.stages.form;
    return { ...form, opens: found.opens, listed: listed.map((one) => one.hash), superseded: [...found.superseded].sort(), unvouched: found.unvouched };
  },
  verdict: async ({ found, keyset, schema }) => {
    const released = Object.fromEntries(Object.entries(found.released).map(([i, y]) => [i, y === null ? null : unbase64(y)]));
    const payload = found.payload === null ? null : new Blob([await built(found.payload)]);
    const how = { schema, windowEnded: found.window_ended };
    return o.unseal(await e.readManifest(utf8(found.manifest)), payload, released, await e.readKeyset(utf8(keyset)), how);
  },
  /** Seal with given coins, or with none; the payload goes to `out`. */
  seal: async ({ context, keyset, files = [], coins, out, change, ...how }) => {
    const guard = await e.readKeyset(utf8(keyset));
    const given = await Promise.all(files.map(async ({ path, ...rest }) => ({ ...rest, blob: await openAsBlob(path) })));
    if (change === "before") writeFileSync(files[0].path, "changed");
    if (change === "between") how.progress = (done, all) => void (done === all / 2 && writeFileSync(files[0].path, "changed"));
    const drawn = coins && coins.map((one) => bytesOf(one)), segments = [];
    const sealed = await e.sealEnvelope(context, guard, {
      ...how, files: given, ...(drawn ? { entropy: () => drawn.shift() } : {}), sink: (bytes, n, leaf) => void segments.push([n, bytes.slice(), hex(leaf)]),
    });
    if (out) writeFileSync(out, join(...segments.map(([, bytes]) => bytes)));
    const leaves = segments.map(([, , leaf]) => leaf), inOrder = segments.every(([n], at) => n === at);
    return { manifest: new TextDecoder().decode(sealed.manifest), hash: sealed.hash, root: sealed.root, size: sealed.size, leaves, inOrder };
  },
  unseal: async ({ manifest, payload, released, keyset, schema }) => {
    const given = Object.fromEntries(Object.entries(released).map(([i, y]) => [i, y === null ? null : unbase64(y)]));
    return o.unseal(await e.readManifest(utf8(manifest)), await openAsBlob(payload), given, await e.readKeyset(utf8(keyset)), { schema });
  },
  beforeSealing: async ({ files, policy64, parties64, kept, ...how }) => {
    const kit = { names: Object.keys(files), read: async (name) => unbase64(files[name] ?? fail(`${name} is missing`)) };
    const trust = { policy: unbase64(policy64), parties: unbase64(parties64) };
    const { guards, deadline, checkpoint, tender } = await s.checkBeforeSealing(kit, trust, { ...how, kept });
    const shown = Object.entries(guards).map(([stage, { keyset, custodians, hour }]) => [stage, { keyset: keyset.hash, hour, custodians: custodians.map((one) => one.custodian) }]);
    return { tender, deadline, checkpoint, guards: Object.fromEntries(shown) };
  },
  checkClosing: async ({ files, policy64, parties64, own, receipts64 = [], pair = null, seed = null, ...how }) => {
    const read = async (name) => unbase64(files[name] ?? fail(`${name} is missing`));
    const kit = { names: Object.keys(files), read, blob: async (name) => new Blob([await read(name)]) };
    const statements = await Promise.all(own.map((one) => e.readStatement(utf8(one)))), trust = { policy: unbase64(policy64), parties: unbase64(parties64) };
    const checked = await r.checkClosing(kit, trust, { ...how, own: statements, receipts: receipts64.map((one) => unbase64(one)) });
    const made = pair && (await r.makeRelease(checked, await b.boxKey(bytesOf(pair)), await ed25519(seed)));
    const { i, closed, hour, findings, keyset, listed } = checked, decoded = (one) => new TextDecoder().decode(one);
    const release = made && { bytes: decoded(made.release), sig: made.sig };
    return { i, closed, hour, findings, keyset: keyset.hash, stage: keyset.stage, listed: listed.map((one) => decoded(one.data)), release };
  },
  consistency: async ({ old, size, tiles }) => (await s.consistencyProof(old, size, (...at) => unbase64(tiles[at.join(" ")]))).map(base64),
  openBox: async ({ manifest, ikm, i }) => {
    const share = await c.openBox(await b.deriveKeyPair(bytesOf(ikm)), await e.readManifest(utf8(manifest)), i);
    return share && hex(share);
  },
  makeKey: async ({ about, passphrase, iterations }) => {
    const { bytes, pub } = await k.makeKeyFile(about, passphrase, { iterations });
    return { bytes: new TextDecoder().decode(bytes), pub: hex(pub) };
  },
  openKey: async ({ file, passphrase, message, ...how }) => {
    const opened = await k.openKeyFile(utf8(file), passphrase, how);
    const sig = opened.signer && message ? await opened.signer.sign(utf8(message)) : null;
    return { kind: opened.kind, id: opened.id, origin: opened.origin, pub: hex(opened.pub), sig };
  },
});

/** Documents come in the message, or as so many zeros; the payload goes to `out`. */
const sealGiven = ({ writeFileSync }) => async ({ context, keyset, files, out, ...how }) => {
  const blob = ({ data64, zeros }) => new Blob([data64 === undefined ? new Uint8Array(zeros) : unbase64(data64)]);
  const given = files.map((one) => ({ name: one.name, media: one.media, blob: blob(one) })), parts = [];
  const sink = (bytes, n) => void (parts[n] = bytes.slice());
  const sealed = await e.sealEnvelope(context, await e.readKeyset(utf8(keyset)), { ...how, files: given, sink });
  await writeFileSync(out, join(...parts));
  return { manifest: new TextDecoder().decode(sealed.manifest), hash: sealed.hash };
};

/** (what, given) → {value}, {code, facts} or {bug}. */
export function answering(disk) {
  const hands = { ...handsWith(disk), sealGiven: sealGiven(disk) };
  return async (what, given) => {
    try {
      return { value: (await hands[what](given)) ?? null };
    } catch (why) {
      return typeof why.code === "string" && /^[A-Z]+-/.test(why.code) ? { code: why.code, facts: why.facts ?? {} } : { bug: why.stack ?? String(why) };
    }
  };
}
