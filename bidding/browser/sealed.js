/* The `.sealed` file (bidding/envelope.py, SealedFile): a zip of stored members, per stage `stages/<stage>/{payload,manifest.json,sig.json}`
 * and beside them `keysets/<id>.json`. What one machine seals another hands in, and the bidder keeps for the case of X-STORE (§7). It is
 * ciphertext, manifests and signatures: nothing in it is secret, and nothing in it is trusted. */

import { crc32, zipped } from "../../audit/browser/archive.js";
import { digest, hex, join } from "../../audit/browser/bytes.js";
import { canon, parse, text } from "../../audit/browser/canon.js";
import { rootOf } from "../../audit/browser/log.js";
import { Refused, SEGMENT, readManifest } from "./envelope.js";

const MOST = 4 << 20; // bytes of a member that is no payload, and of the list of members

/** Where a payload gathers as it is sealed: `sink` is sealEnvelope's, `done()` gives {blob, crc}. Parts go to the browser's own store. */
export function gathering() {
  const parts = [];
  let crc = 0;
  return {
    sink: (bytes) => {
      crc = crc32(bytes, crc);
      parts.push(new Blob([bytes]));
    },
    done: () => ({ blob: new Blob(parts), crc }),
  };
}

/** The file of a whole bid, as a Blob. `stages`: {stage: {manifest (bytes), sig, payload: {blob, crc}, keyset: what readKeyset gave}}. */
export function writeSealed(stages) {
  const files = [];
  const add = (path, bytes) => files.push([path, bytes, crc32(bytes, 0)]);
  for (const [stage, { manifest, sig, payload, keyset }] of Object.entries(stages)) {
    files.push([`stages/${stage}/payload`, payload.blob, payload.crc]);
    add(`stages/${stage}/manifest.json`, manifest);
    add(`stages/${stage}/sig.json`, canon(sig));
    add(`keysets/${keyset.hash}.json`, keyset.data);
  }
  return zipped(files);
}

/** The segments of a payload that came as a file: each to `sink` as sealEnvelope gives it. {leaves, root}; E-PAYLOAD where the bytes are not
 * those of the manifest. */
export async function segmented(payload, manifest, sink) {
  const leaves = [];
  for (let at = 0; at < payload.size; at += SEGMENT) {
    const bytes = new Uint8Array(await payload.slice(at, at + SEGMENT).arrayBuffer());
    leaves.push(await digest(join(0, bytes)));
    await sink(bytes, leaves.length - 1, leaves.at(-1));
  }
  const root = hex(rootOf(leaves));
  if (root !== manifest.root) throw new Refused("E-PAYLOAD", { field: "root", found: root, wanted: manifest.root });
  return { leaves, root };
}

// ---- reading: another program's zip may have dates, extra fields and 64-bit sizes, but no compression

const view = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
const slice = async (blob, from, to) => new Uint8Array(await blob.slice(from, to).arrayBuffer());
const must = (ok, why) => {
  if (!ok) throw new Error(why);
  return ok;
};

async function ending(blob) {
  const tail = await slice(blob, Math.max(0, blob.size - 98), blob.size), at = tail.length - 22;
  must(at >= 0 && view(tail).getUint32(at, true) === 0x06054b50, "not a zip");
  const told = view(tail);
  const found = { count: told.getUint16(at + 10, true), size: told.getUint32(at + 12, true), offset: told.getUint32(at + 16, true) };
  if (at < 76 || told.getUint32(at - 76, true) !== 0x06064b50) return found;
  const [count, size, offset] = [32, 40, 48].map((place) => Number(told.getBigUint64(at - 76 + place, true)));
  return { count, size, offset };
}

async function members(blob) {
  const { count, size, offset } = await ending(blob);
  must(size <= MOST && offset + size <= blob.size, "zip");
  const bytes = await slice(blob, offset, offset + size), told = view(bytes), found = new Map();
  for (let at = 0, n = 0; n < count; n++) {
    must(at + 46 <= bytes.length && told.getUint32(at, true) === 0x02014b50, "zip");
    const [name, extra, comment] = [28, 30, 32].map((place) => told.getUint16(at + place, true)), start = at + 46;
    const one = { method: told.getUint16(at + 10, true), size: told.getUint32(at + 24, true), at: told.getUint32(at + 42, true) };
    must(start + name + extra + comment <= bytes.length, "zip");
    for (let place = start + name; place + 4 <= start + name + extra; place += 4 + told.getUint16(place + 2, true)) {
      if (told.getUint16(place, true) !== 1) continue;
      let wide = place + 4; // size, packed size, offset: those that did not fit
      const next = () => Number(told.getBigUint64((wide += 8) - 8, true));
      if (one.size === 0xffffffff) one.size = next();
      if (told.getUint32(at + 20, true) === 0xffffffff) next();
      if (one.at === 0xffffffff) one.at = next();
    }
    const path = text(bytes.subarray(start, start + name));
    must(!found.has(path) && one.method === 0, "payload");
    found.set(path, one);
    at = start + name + extra + comment;
  }
  return found;
}

async function content(blob, { at, size }) {
  const header = view(await slice(blob, at, at + 30));
  must(header.byteLength === 30 && header.getUint32(0, true) === 0x04034b50, "zip");
  const from = at + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  must(from + size <= blob.size, "zip");
  return blob.slice(from, from + size);
}

/** What a `.sealed` file holds: {tender, bidder, bid, stages: {stage: {manifest, sig, payload (a Blob)}}}. Refused: E-SEALED-FILE. */
export async function readSealed(blob, name = blob.name ?? "") {
  try {
    const all = await members(blob), stages = {};
    const small = async (path) => {
      const one = must(all.get(path), path);
      must(one.size <= MOST, path);
      return new Uint8Array(await (await content(blob, one)).arrayBuffer());
    };
    for (const path of all.keys()) {
      const [, stage] = /^stages\/([a-z0-9_]+)\/manifest\.json$/.exec(path) ?? [];
      if (!stage) continue;
      const manifest = await readManifest(await small(path)), sig = parse(await small(`stages/${stage}/sig.json`));
      const payload = await content(blob, must(all.get(`stages/${stage}/payload`), "payload"));
      must(payload.size === manifest.size && manifest.stage === stage, "payload");
      stages[stage] = { manifest, sig, payload };
    }
    const [first, ...more] = Object.values(stages).map(({ manifest: { tender, bidder, bid } }) => ({ tender, bidder, bid }));
    must(first && more.every((one) => Object.keys(first).every((key) => one[key] === first[key])), "stages of different bids");
    return { ...first, stages };
  } catch (why) {
    if (why instanceof ReferenceError || why instanceof TypeError) throw why;
    throw new Refused("E-SEALED-FILE", { name, why: why.message });
  }
}
