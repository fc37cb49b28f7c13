/* Sealed envelope v1 in the browser: bidding/envelope.md §1–§5 and §7 in WebCrypto, with its section numbers. A plain ES module, served
 * as it lies; runs in a page, a worker and Node. Before sealing (§2a): sealing.js. Arrival and closing (§5, §6): arrival.js.
 *
 * Objects that were read carry `data` (their bytes) and `hash`; bytes are Uint8Array, hashes lower-case hex, times the stamp of §1,
 * which sorts as it reads. Payloads are Blobs and pass by in steps of 4 MiB: the whole of one is never in memory. */

import { Sha256, base64, digest, hex, join, same, unbase64, unhex } from "../../audit/browser/bytes.js";
import { canon, parse, text, utf8 } from "../../audit/browser/canon.js";
import { rootOf } from "../../audit/browser/log.js";
import { point, signers, when } from "../../audit/browser/trust.js";
import { expand, hmac, makeBoxes } from "./boxes.js";

/** A rule says no: `code` as in Python, with its sentence in trading/locale; `facts` fill it. */
export class Refused extends Error {
  constructor(code, facts = {}) {
    super(`${code} ${JSON.stringify(facts)}`);
    Object.assign(this, { name: "Refused", code, facts });
  }
}

// ---- §1 encoding

const ours = (why) => [TypeError, ReferenceError, RangeError].some((bug) => why instanceof bug);
const holds = (ok, why) => {
  if (!ok) throw new Error(why);
};
export const sha256Hex = async (bytes) => hex(await digest(bytes));
/** The stamp of a Date, in microseconds. */
export const stamp = (date) => `${date.toISOString().slice(0, 23)}000Z`;
/** Canonical bytes in NFC, which writers and the server on arrival demand (a quote composes with nothing). Throws. */
export function canonNfc(value) {
  const bytes = canon(value);
  holds(text(bytes).normalize("NFC") === text(bytes), "nfc");
  return bytes;
}
/** Readers of JSON values: each gives ours back or throws. */
export const is = {
  string: (value) => (holds(typeof value === "string", "not a text"), value),
  text: (value) => (holds(is.string(value), "empty"), value),
  name: (value) => (holds(/^[a-z0-9_]+$/.test(is.string(value)), "not of the form [a-z0-9_]+"), value),
  hash: (value) => (unhex(value), value),
  bid: (value) => (unhex(value, 16), value),
  time: (value) => (when(value), value),
  int: (least) => (value) => (holds(Number.isSafeInteger(value) && value >= least, `not an integer >= ${least}`), value),
  bytes: (length) => (value) => unbase64(value, length ?? null),
  maybe: (reader) => (value) => (value === null ? null : reader(value)),
  list: (reader) => (value) => (holds(Array.isArray(value), "not an array"), value.map((item) => reader(item))),
  object: (value) => (holds(typeof value === "object" && value !== null && !Array.isArray(value), "not an object"), value),
  keys: (fields) => (value) => {
    holds(Object.keys(is.object(value)).sort().join() === Object.keys(fields).sort().join(), "keys");
    return Object.fromEntries(Object.entries(fields).map(([name, reader]) => [name, reader(value[name])]));
  },
};
/** A signed object: canonical, of this type, exactly these keys. What is none is refused under `code`. */
export async function read(data, type, fields, code, { nfc = false } = {}) {
  try {
    const { type: found, ...rest } = is.object(parse(data));
    holds(found === type, "type");
    if (nfc) canonNfc({ ...rest, type });
    return { ...is.keys(fields)(rest), data, hash: await sha256Hex(data) };
  } catch (why) {
    if (ours(why)) throw why;
    throw new Refused(code, { why: why.message });
  }
}
/** Who signed, [{key, alg, x5c}]; every signature of a non-empty array verifies, else `E-SIG`. */
export async function checkSignatures(sigs, message, who) {
  try {
    return [...(await signers(sigs, message))].map(([key, one]) => ({ key, ...one }));
  } catch (why) {
    throw new Refused("E-SIG", { who, why: why.message });
  }
}
export const sigHash = (sigs) => sha256Hex(canon(sigs));
const ALGORITHM = { EdDSA: { name: "Ed25519" }, ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } };
/** Whatever makes signature records, of a private CryptoKey (Ed25519, ECDSA P-256) and its raw public key. */
export function signerOf(privateKey, key) {
  const alg = privateKey.algorithm.name === "ECDSA" ? "ES256" : "EdDSA";
  const sign = async (message) => {
    const sig = await crypto.subtle.sign(ALGORITHM[alg], privateKey, message);
    return { alg, key: base64(key), sig: base64(new Uint8Array(sig)) };
  };
  return { alg, key, sign };
}

// ---- §2 custodians' keys and key sets

export const STATEMENT = "trading/custodian-key/v1\n", REHEARSED = "trading/rehearsed/v1\n";
const isPoint = (pub) => point(pub).then(() => true, () => false);
const scope = (value) => (value?.period === true ? is.keys({ period: () => null })(value).period : is.keys({ tender: is.text })(value).tender);

/** A custodian's word about one key; `scope` is the tender it is made for, null for a period. `E-STATEMENT`. */
export async function readStatement(data) {
  const span = { valid_from: is.time, valid_to: is.time, scope };
  const fields = { origin: is.text, custodian: is.text, name: is.text, suite: is.text, pub: is.bytes(65), ...span };
  const made = await read(data, "trading.custodian-key/v1", fields, "E-STATEMENT");
  if (made.suite === "P256" && made.valid_from <= made.valid_to && (await isPoint(made.pub))) return made;
  throw new Refused("E-STATEMENT", { why: "suite, span or key" });
}
/** With the `boxInfo` of §4 the only two infos a custodian's private key is ever used for. */
export const rehearsalInfo = async (statement, challenge) => join("trading/rehearsal/v1\0", await digest(statement), challenge);
export const rehearsalProof = (challenge, r) => digest(join("trading/rehearsed/v1\0", challenge, r));
export const rehearsedBytes = (hash, challenge, proof) => join(REHEARSED, unhex(hash), challenge, proof);

const SEAT = { i: is.int(1), custodian: is.text, pub: is.bytes(65), statement: is.hash };
const KEYSET = { tender: is.text, stage: is.name, suite: is.text, k: is.int(2), n: is.int(2), opens_at: is.time };
/** Whose k of n keys open one stage; `hash` is its id. Checked as far as it can be by itself. `E-KEYSET`. */
export async function readKeyset(data) {
  const fields = { origin: is.text, ...KEYSET, custodians: is.list(is.keys(SEAT)) };
  const found = await read(data, "trading.keyset/v1", fields, "E-KEYSET");
  const { k, n, custodians } = found;
  const must = (ok, why) => {
    if (!ok) throw new Refused("E-KEYSET", { why });
  };
  must(found.suite === "P256", `suite ${found.suite}`);
  must(k <= n && n <= 9 && custodians.length === n && custodians.every((one, at) => one.i === at + 1), "k, n or the order of custodians");
  for (const of of [(one) => one.custodian, (one) => hex(one.pub), (one) => one.statement])
    must(new Set(custodians.map(of)).size === n, "a custodian, key or statement stands twice");
  for (const one of custodians) must(await isPoint(one.pub), `key of ${one.custodian} is no point`);
  return found;
}

// ---- §3 context, content key, payload

export const FORM = "form", CHUNK = 16_384, TAG = 16, BLOCK = 65_536, SEGMENT = 1 << 20, HEAD = 56, BOX = 113, HEADER_LIMIT = 1 << 20;
const STEP = 4 << 20; // plaintext bytes at a time: a whole number of chunks
const WHOLE = 16 << 20; // a file up to this is hashed at once by WebCrypto, which cannot go on with a hash
const CONTEXT = { tender: is.text, stage: is.name, keyset: is.hash, bidder: is.text, bid: is.bid, seq: is.int(1) };

/** ctx, the 32 bytes that bind everything in an envelope to what it is for. */
export async function ctxOf({ tender, stage, keyset, bidder, bid, seq }) {
  return digest(join("trading/envelope/v1\n", canon({ type: "trading.envelope/v1", tender, stage, keyset, bidder, bid, seq })));
}
export const newBid = () => hex(crypto.getRandomValues(new Uint8Array(16)));
/** The payload's AES key, its nonces and its head: salt || commitment. */
export async function payloadKeys(ck, salt, ctx) {
  const keys = await expand(ck, join("c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0", salt, ctx), 76);
  const key = await crypto.subtle.importKey("raw", keys.subarray(0, 32), "AES-GCM", false, ["encrypt", "decrypt"]);
  const base = keys.slice(32, 44), low = new DataView(base.buffer).getUint32(8);
  const nonce = (i) => {
    const iv = base.slice(); // chunks are counted in 32 bits: 64 TiB
    new DataView(iv.buffer).setUint32(8, low ^ i);
    return { name: "AES-GCM", iv };
  };
  return { key, nonce, head: join(salt, keys.subarray(44)) };
}
export const payloadSize = (plaintext) => 72 + 65_600 * (plaintext / BLOCK);
export const isPayloadSize = (size) => size >= 72 + 65_600 && (size - 72) % 65_600 === 0;
export const padding = (length) => (BLOCK - (length % BLOCK)) % BLOCK || (length ? 0 : BLOCK);

/* The bytes of a Blob in steps, the next one read ahead. Slices, because a BYOB reader of a Blob stalls in Chromium now and then. */
async function* steps(blob) {
  const part = (at) => blob.slice(at, at + STEP).arrayBuffer();
  let ahead = blob.size ? part(0) : null;
  for (let at = STEP; ahead; at += STEP) {
    const bytes = new Uint8Array(await ahead);
    ahead = at < blob.size ? part(at) : null;
    ahead?.catch(() => {}); // it is awaited in the next turn
    yield bytes;
  }
}
/** SHA-256 of a File; a page calls it when a file is chosen and hands the result on, so that nothing is hashed twice. */
export async function hashFile(blob, told = () => {}) {
  if (blob.size <= WHOLE) {
    const hash = await sha256Hex(new Uint8Array(await blob.arrayBuffer()));
    told(blob.size);
    return hash;
  }
  const state = new Sha256();
  for await (const bytes of steps(blob)) {
    state.update(bytes);
    told(bytes.length);
  }
  return hex(state.digest());
}

// ---- §3 container

const ENTRY = { name: is.text, size: is.int(0), sha256: is.hash, media: is.string };
const isDay = (value) => /^\d{4}-\d\d-\d\d$/.test(is.string(value)) && when(`${value}T00:00:00.000000Z`) !== null;
const MEASURE = {
  fen: is.int(-Number.MAX_SAFE_INTEGER),
  int: is.int(-Number.MAX_SAFE_INTEGER),
  text: (value) => [...is.string(value)].length,
  date: (value) => (holds(isDay(value), "no day"), value),
};
/** Exactly the keys of the notice's schema, each of its kind and within its bounds. Throws naming the key. */
export function checkOpening(opening, schema) {
  for (const key of Object.keys(opening)) holds(Object.hasOwn(schema, key), `${key} is not asked for`);
  for (const [key, rule] of Object.entries(schema)) {
    if (!Object.hasOwn(opening, key)) {
      holds(rule.optional === true, `${key} is missing`);
      continue;
    }
    const measured = MEASURE[rule.kind](opening[key]);
    holds(!("min" in rule) || measured >= rule.min, `${key} is below ${rule.min}`);
    holds(!("max" in rule) || measured <= rule.max, `${key} is above ${rule.max}`);
  }
}
function checkNames(files) {
  for (const { name } of files)
    holds(name && utf8(name).length <= 255 && name !== "." && name !== ".." && !/[/\\\0]/.test(name), `file name ${name}`);
  holds(new Set(files.map((one) => one.name)).size === files.length, "two files of one name");
}
/** The header of a container in these bytes fits this envelope and this notice. Throws. */
export function checkHeader({ ctx, files, opening }, expected, stage, schema) {
  holds(ctx === hex(expected), "ctx of another envelope");
  checkNames(files);
  if (stage === FORM) holds(!files.length, "files in the stage form");
  else holds(!Object.keys(opening).length, "fields read out outside the stage form");
  if (stage === FORM) checkOpening(opening, schema);
}
export const readHeader = (data) =>
  read(data, "trading.container/v1", { ctx: is.hash, files: is.list(is.keys(ENTRY)), opening: is.object }, "X-CONTAINER");
/** The bytes of a header. What would be X-CONTAINER after the opening is refused now, while it can be mended. */
function headerOf(ctx, files, opening, stage, schema) {
  const refused = (code, check) => {
    try {
      return check();
    } catch (why) {
      throw ours(why) ? why : new Refused(code, { name: "", why: why.message });
    }
  };
  const names = files.map((one) => one.name);
  refused("E-FILES", () => (checkNames(files), canonNfc(names)));
  refused("E-OPENING", () => (checkHeader({ ctx: hex(ctx), files, opening }, ctx, stage, schema), canonNfc(opening)));
  const data = canon({ type: "trading.container/v1", ctx: hex(ctx), files, opening });
  refused("E-FILES", () => holds(data.length <= HEADER_LIMIT, "header above 1 MiB"));
  return data;
}

// ---- §3 sealing

const lp4 = (bytes) => join(bytes.length >>> 24, (bytes.length >>> 16) & 255, (bytes.length >>> 8) & 255, bytes.length & 255, bytes);
const random = (count) => crypto.getRandomValues(new Uint8Array(count));
async function entriesOf(files, told) {
  const entries = [], queue = files.entries();
  const work = async () => {
    for (const [at, { blob, name, media, sha256 }] of queue) {
      const hash = sha256 ?? (await hashFile(blob, told));
      if (sha256) told(blob.size);
      entries[at] = { name: name ?? blob.name, size: blob.size, sha256: hash, media: media ?? (blob.type || "application/octet-stream") };
    }
  };
  await Promise.all([work(), work()]); // one reads while the other hashes
  return entries;
}
/** The payload cut into segments, each hashed once: its leaf is the tree's, and the digest of the upload. */
class Segments {
  constructor(sink) {
    Object.assign(this, { sink, leaves: [], behind: [], last: null, free: [] });
    this.fresh();
  }

  fresh() {
    this.buffer = this.free.pop() ?? new Uint8Array(1 + SEGMENT); // 00 || segment
    this.at = 1;
  }

  async take(bytes) {
    for (let from = 0; from < bytes.length; ) {
      const count = Math.min(bytes.length - from, this.buffer.length - this.at);
      this.buffer.set(bytes.subarray(from, from + count), this.at);
      from += count;
      this.at += count;
      if (this.at === this.buffer.length) await this.close();
    }
  }

  async all(parts) {
    for (const part of parts) await this.take(new Uint8Array(part));
  }

  async close() {
    const { buffer, last } = this, whole = buffer.subarray(0, this.at), n = this.leaves.length, leaf = digest(whole);
    this.leaves.push(leaf);
    const passOn = async () => {
      const [made] = await Promise.all([leaf, last]);
      await this.sink?.(whole.subarray(1), n, made);
      this.free.push(buffer);
    };
    this.last = passOn();
    this.last.catch(() => {}); // it is awaited below, or by `end`
    this.behind.push(this.last);
    this.fresh();
    if (this.behind.length > 3) await this.behind.shift(); // who writes slowly slows the sealing, not the memory
  }

  async end() {
    if (this.at > 1) await this.close();
    await this.last;
    return Promise.all(this.leaves);
  }
}
/** Seal one stage. `context`: tender, stage, keyset, bidder, bid, seq. `files`: [{blob, name?, media?, sha256?}], `opening` in stage form.
 * Each segment goes to `sink(bytes, n, leaf)` as it is made, in order, `leaf` being what the upload sends as its digest; the bytes are the
 * sink's until what it returns has settled. `progress(done, all)` counts bytes of both passes. `entropy` is for test vectors only: a repeated output repeats an envelope.
 * {manifest, hash, root, size, head, files, leaves}, nothing secret in it. Refused: E-CONTEXT, E-OPENING, E-FILES. */
export async function sealEnvelope(context, keyset, { files = [], opening = {}, schema = {}, prev = null, created, client, sink, progress, entropy = random }) {
  for (const [field, wanted] of Object.entries({ keyset: keyset.hash, tender: keyset.tender, stage: keyset.stage }))
    if (context[field] !== wanted) throw new Refused("E-CONTEXT", { field, found: context[field], wanted });
  const content = files.reduce((sum, one) => sum + one.blob.size, 0);
  let done = 0, all = 2 * content;
  const told = (count) => progress?.((done += count), all);
  const changed = (why) => (why instanceof Refused || ours(why) ? why : new Refused("E-FILES", { name: "", why: "changed while it was sealed" }));
  const ctx = await ctxOf(context);
  const entries = await entriesOf(files, told).catch((why) => Promise.reject(changed(why)));
  const header = headerOf(ctx, entries, opening, context.stage, schema);
  const ck = await hmac(entropy(32), join("trading/ck/v1\0", ctx, await digest(header)));
  const { key, nonce, head } = await payloadKeys(ck, entropy(24), ctx);
  const boxed = makeBoxes(ck, ctx, head, keyset);
  boxed.catch(() => {}); // it is awaited at the end
  const begin = lp4(header), filled = begin.length + content;
  const plaintext = new Blob([begin, ...files.map((one) => one.blob), new Uint8Array(padding(filled))]);
  all = content + plaintext.size;
  const out = new Segments(sink);
  await out.take(head);
  let chunk = 0, sealing = null;
  try {
    for await (const bytes of steps(plaintext)) {
      const parts = [];
      for (let at = 0; at < bytes.length; at += CHUNK) parts.push(crypto.subtle.encrypt(nonce(chunk++), key, bytes.subarray(at, at + CHUNK)));
      if (sealing) await out.all(await sealing); // the next step is being encrypted meanwhile
      sealing = Promise.all(parts);
      told(bytes.length);
    }
  } catch (why) { throw changed(why); }
  await out.all(await sealing);
  await out.all([await crypto.subtle.encrypt(nonce(chunk), key, new Uint8Array(0))]); // the last chunk is shorter: empty
  const leaves = await out.end();
  const [{ boxes }, root, size] = [await boxed, hex(rootOf(leaves)), payloadSize(plaintext.size)];
  const manifest = writeManifest(context, { head, boxes, root, size, prev, created, client });
  return { manifest, hash: await sha256Hex(manifest), root, size, head, files: entries, leaves };
}

// ---- §5 manifest, registration, withdrawal

export const BID = "trading/bid/v1\n", REGISTRATION = "trading/bidder-key/v1\n", WITHDRAWAL = "trading/withdraw/v1\n";
const CLIENT = { name: "trading-browser", version: "1" };
const MANIFEST = { ...CONTEXT, head: is.bytes(HEAD), boxes: is.list(is.bytes()), root: is.hash, size: is.int(1), prev: is.maybe(is.hash) };

function writeManifest(context, { head, boxes, root, size, prev, created, client = CLIENT }) {
  const of = Object.fromEntries(Object.keys(CONTEXT).map((name) => [name, context[name]]));
  const sealed = { head: base64(head), boxes: boxes.map(base64), root, size, prev };
  return canonNfc({ type: "trading.bid/v1", ...of, ...sealed, created: typeof created === "string" ? created : stamp(created), client });
}
/** A manifest in these bytes. `E-CANON`. */
export function readManifest(data, options) {
  const fields = { ...MANIFEST, created: is.time, client: is.keys({ name: is.text, version: is.text }) };
  return read(data, "trading.bid/v1", fields, "E-CANON", options);
}
/** `sig.json`: exactly one signature, or whoever carries it could add his own. */
export const signManifest = async (data, signer) => [await signer.sign(join(BID, data))];

const BY = { key: is.bytes(), x5c: (value) => (holds(value?.length, "no certificate"), is.list(is.bytes())(value)), authority: is.text };
const by = (value) => {
  const [name, ...more] = Object.keys(is.object(value));
  holds(Object.hasOwn(BY, name ?? "") && !more.length, "names neither a key, nor certificates, nor an authority");
  return { [name]: BY[name](value[name]) };
};
/** A bidder's word that a key is theirs; `by` null or one of {key}, {x5c}, {authority}. `E-REGISTRATION`. */
export function readRegistration(data, options) {
  const fields = { origin: is.text, bidder: is.text, alg: is.text, key: is.bytes(), by: is.maybe(by) };
  return read(data, "trading.bidder-key/v1", fields, "E-REGISTRATION", options);
}
/** Register a key: {registration, sig}, signed by the new key, then by whatever `signedBy` is: the earlier key's signer, or a certificate's
 * or an authority's, whose signatures over `REGISTRATION || registration` are brought. `by` as it stands in JSON. */
export async function register({ origin, bidder, signer, by = null, signedBy = null }) {
  const named = { alg: signer.alg, key: base64(signer.key), by };
  const registration = canonNfc({ type: "trading.bidder-key/v1", origin, bidder, ...named });
  const message = join(REGISTRATION, registration);
  return { registration, sig: [await signer.sign(message), ...(signedBy ? [await signedBy.sign(message)] : [])] };
}
/** Withdraw a whole bid: `lasts` is {stage: {seq, hash}} of its last manifests. {withdrawal, sig}. */
export async function withdraw({ tender, bidder, bid, lasts }, signer) {
  const stages = Object.fromEntries(Object.entries(lasts).map(([stage, { seq, hash }]) => [stage, { seq: seq + 1, prev: hash }]));
  const withdrawal = canonNfc({ type: "trading.withdraw/v1", tender, bidder, bid, stages });
  return { withdrawal, sig: [await signer.sign(join(WITHDRAWAL, withdrawal))] };
}
/** A withdrawal in these bytes. `E-CANON`. */
export function readWithdrawal(data, options) {
  const act = is.keys({ seq: is.int(2), prev: is.hash });
  const stages = (value) => {
    holds(Object.keys(is.object(value)).length, "no stage");
    return Object.fromEntries(Object.entries(value).map(([stage, one]) => [stage, act(one)]));
  };
  return read(data, "trading.withdraw/v1", { tender: is.text, bidder: is.text, bid: is.bid, stages }, "E-CANON", options);
}
