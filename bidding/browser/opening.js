/* Opening one envelope (bidding/envelope.md §7): the table of verdicts, in its order, the same for whoever turns up. The payload passes by
 * once, in steps; nothing of it is shown before its last byte is authenticated. */

import { Sha256, digest, hex, same } from "../../audit/browser/bytes.js";
import { rootOf } from "../../audit/browser/log.js";
import { combine, makeBoxes } from "./boxes.js";
import { CHUNK, HEAD, HEADER_LIMIT, SEGMENT, TAG, checkHeader, ctxOf, padding, payloadKeys, readHeader } from "./envelope.js";

/** Whether this is the key of an envelope with this head: a wrong key is told from damage. */
export async function meets(ck, head, ctx) {
  return same((await payloadKeys(ck, head.slice(0, 24), ctx)).head, head);
}

function* subsets(items, k, from = 0) {
  if (!k) yield [];
  else for (let at = from; at <= items.length - k; at++) for (const rest of subsets(items, k - 1, at + 1)) yield [items[at], ...rest];
}
/** CK of the first k-subset of {i: y or null} that meets the commitment; null where there is none (yet). */
export async function recover(released, k, head, ctx) {
  const given = [...released].filter(([, y]) => y?.length === 32).sort(([a], [b]) => a - b);
  for (const chosen of subsets(given, k)) {
    const ck = combine(chosen);
    if (await meets(ck, head, ctx)) return ck;
  }
  return null;
}

/* A container read as its plaintext arrives; `finish` gives its header or throws, after everything has been authenticated. */
class Reading {
  constructor() {
    Object.assign(this, { start: new Uint8Array(0), total: 0, header: null, index: 0, left: 0, state: null, bad: null });
  }

  async update(bytes) {
    this.total += bytes.length;
    if (this.bad) return;
    try {
      const rest = this.header ? bytes : await this.begin(bytes);
      if (this.header) this.pass(rest);
    } catch (why) {
      this.bad = why;
    }
  }

  async begin(bytes) {
    const held = new Uint8Array(this.start.length + bytes.length);
    held.set(this.start);
    held.set(bytes, this.start.length);
    this.start = held;
    if (held.length < 4) return null;
    const end = 4 + new DataView(held.buffer).getUint32(0);
    if (end === 4 || end - 4 > HEADER_LIMIT) throw new Error("length of the header");
    if (held.length < end) return null;
    this.header = await readHeader(held.slice(4, end));
    this.length = end + this.header.files.reduce((sum, one) => sum + one.size, 0);
    this.next(0);
    return held.subarray(end);
  }

  next(index) {
    for (this.index = index; this.index < this.header.files.length; this.index++) {
      this.left = this.header.files[this.index].size;
      this.state = new Sha256();
      if (this.left) return;
      this.check();
    }
  }

  check() {
    const { sha256, name } = this.header.files[this.index];
    if (hex(this.state.digest()) !== sha256) throw new Error(`hash of ${name}`);
  }

  pass(bytes) {
    while (bytes.length && this.index < this.header.files.length) {
      const piece = bytes.subarray(0, this.left);
      this.state.update(piece);
      this.left -= piece.length;
      bytes = bytes.subarray(piece.length);
      if (this.left) continue;
      this.check();
      this.next(this.index + 1);
    }
    if (bytes.some((byte) => byte)) throw new Error("padding is not zero");
  }

  finish() {
    if (this.bad) throw this.bad;
    if (!this.header || this.index < this.header.files.length) throw new Error("shorter than its header or files");
    if (this.total !== this.length + padding(this.length)) throw new Error("padding is not the least");
    return this.header;
  }
}

/* One pass over the stored bytes: root, head, length, whether a chunk is wrong, what the container says. */
async function pass(payload, ck, ctx) {
  const leaves = [], reading = new Reading(), sealed = CHUNK + TAG;
  let head = new Uint8Array(0), keys = null, bad = false, rest = new Uint8Array(0), chunk = 0;
  const decrypt = async (bytes) => {
    if (bad) return;
    const parts = [];
    for (let at = 0; at < bytes.length; at += sealed) parts.push(crypto.subtle.decrypt(keys.nonce(chunk++), keys.key, bytes.subarray(at, at + sealed)));
    for (const part of await Promise.allSettled(parts)) {
      if (part.status === "rejected") bad = true;
      else if (!bad) await reading.update(new Uint8Array(part.value));
    }
  };
  for (let at = 0; at < payload.size; at += SEGMENT) {
    const whole = new Uint8Array(1 + Math.min(SEGMENT, payload.size - at)); // 00 || segment
    whole.set(new Uint8Array(await payload.slice(at, at + SEGMENT).arrayBuffer()), 1);
    leaves.push(digest(whole));
    let bytes = whole.subarray(1);
    if (!at) head = bytes.slice(0, HEAD);
    if (ck && !bad) {
      keys ??= await payloadKeys(ck, head.slice(0, 24), ctx);
      if (!at) bytes = bytes.subarray(HEAD);
      const held = new Uint8Array(rest.length + bytes.length);
      held.set(rest);
      held.set(bytes, rest.length);
      const full = held.length - (held.length % sealed);
      rest = held.slice(full);
      await decrypt(held.subarray(0, full));
    }
    await leaves.at(-1);
  }
  if (ck) {
    keys ??= await payloadKeys(ck, new Uint8Array(24), ctx);
    if (rest.length < TAG) bad = true; // the last chunk is shorter than the others, never missing
    else await decrypt(rest);
  }
  let header = null;
  try {
    if (ck && !bad) header = reading.finish();
  } catch (why) {
    if (why instanceof TypeError) throw why;
  }
  return { root: hex(rootOf(await Promise.all(leaves))), head, size: payload.size, bad, header };
}

/** The verdict on one listed envelope: the first row of §7's table that holds. `payload`: a Blob, or null where the bytes are gone.
 * `released`: {i: y or null} of the custodians whose release is in. The value of `opened.json`, without `unvouched`. */
export async function unseal(manifest, payload, released, keyset, { schema, windowEnded = false }) {
  const { head } = manifest, ctx = await ctxOf(manifest), given = new Map(Object.entries(released).map(([i, y]) => [Number(i), y]));
  const ck = await recover(given, keyset.k, head, ctx);
  const indexes = keyset.custodians.map((one) => one.i);
  let at = [], findings = [];
  if (ck) {
    const { shares, boxes } = await makeBoxes(ck, ctx, head, keyset);
    const right = (i) => same(manifest.boxes[i - 1] ?? new Uint8Array(0), boxes[i - 1]);
    at = indexes.filter((i) => !right(i));
    findings = indexes.filter((i) => given.has(i) && right(i) && !same(given.get(i) ?? new Uint8Array(0), shares[i - 1]));
  }
  const verdict = (word, more = {}) => ({ verdict: word, at: [], opening: null, files: [], findings, ...more, ...(ck ? { ck: hex(ck) } : {}) });
  const stored = await pass(payload ?? new Blob([]), ck, ctx);
  if (stored.root !== manifest.root) return verdict(windowEnded ? "X-STORE" : "PENDING");
  if (!same(stored.head, head) || stored.size !== manifest.size) return verdict("X-PAYLOAD");
  if (!ck) {
    const missing = indexes.filter((i) => !given.has(i));
    if (missing.length && windowEnded) return verdict("X-QUORUM", { at: missing });
    return verdict(missing.length ? "PENDING" : "X-COMMIT");
  }
  if (stored.bad) return verdict("X-PAYLOAD");
  if (at.length) return verdict("X-BOX", { at });
  try {
    if (!stored.header) throw new Error("no container");
    checkHeader(stored.header, ctx, manifest.stage, schema);
  } catch (why) {
    if (why instanceof TypeError) throw why;
    return verdict("X-CONTAINER");
  }
  const { opening, files } = stored.header;
  return verdict("OK", { opening, files });
}
