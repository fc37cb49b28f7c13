/* The log in the browser (audit/log.md): trees, entries, bundles, proofs, receipts. Written from the text, with its section numbers;
 * shares nothing with the Python code. Trust files, signatures and signed notes stand in trust.js. */

import { hex, join, same, sha256, unbase64, unhex } from "./bytes.js";
import { parse, text, utf8 } from "./canon.js";
import { eddsa, need } from "./trust.js";

// ---- §4 trees

/** The hash of a leaf. */
export const leafHash = (entry) => sha256(0, entry);

/** The hash over two others. */
export const nodeHash = (left, right) => sha256(1, left, right);

/** The widths of the complete subtrees of the first `size` leaves, widest first. */
export function widths(size) {
  const out = [];
  for (let width = 2 ** 52; width >= 1; width /= 2) if (Math.floor(size / width) % 2) out.push(width);
  return out;
}

/** The root over leaf hashes: how lists and events are summed up. */
export function rootOf(hashes) {
  return new Tree(0, [], hashes).root(hashes.length);
}

/** A tree of which the first `first` leaves are known by the roots of their complete subtrees alone (`frontier.json`). */
export class Tree {
  constructor(first, frontier, leaves) {
    this.known = new Map(); // width → Map(place → hash)
    this.first = first;
    this.leaves = leaves;
    const given = widths(first);
    need(given.length === frontier.length, "VB-FIELD");
    let low = 0;
    given.forEach((width, n) => {
      this.#keep(width, low / width, frontier[n]);
      low += width;
    });
  }

  #keep(width, place, hash) {
    if (!this.known.has(width)) this.known.set(width, new Map());
    this.known.get(width).set(place, hash);
    return hash;
  }

  #node(width, place) {
    const known = this.known.get(width)?.get(place);
    if (known) return known;
    if (width === 1) return need(this.leaves[place - this.first], "VB-ROOT");
    return this.#keep(width, place, nodeHash(this.#node(width / 2, 2 * place), this.#node(width / 2, 2 * place + 1)));
  }

  /** The root of the first `size` leaves, `first` ≤ `size`. */
  root(size) {
    let low = size;
    let sum = null;
    for (const width of widths(size).reverse()) {
      low -= width;
      const left = this.#node(width, low / width);
      sum = sum ? nodeHash(left, sum) : left;
    }
    return sum ?? sha256(utf8(""));
  }
}

/** The root that an inclusion proof leads to (RFC 6962 §2.1.1), of leaf `index` of `size`. */
export function climb(leaf, index, size, path) {
  need(Number.isSafeInteger(index) && index >= 0 && index < size, "VB-PROOF");
  let hash = leaf;
  let last = size - 1;
  let at = index;
  for (const other of path) {
    need(last > 0, "VB-PROOF");
    if (at % 2 || at === last) {
      hash = nodeHash(other, hash);
      while (at % 2 === 0 && at > 0) {
        at /= 2;
        last = Math.floor(last / 2);
      }
    } else hash = nodeHash(hash, other);
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  need(last === 0, "VB-PROOF");
  return hash;
}

/** Fails unless a consistency proof (RFC 6962 §2.1.2) leads from one root to a later one. */
export function checkConsistency(oldSize, oldRoot, size, root, path) {
  need(oldSize >= 0 && oldSize <= size, "VB-PROOF");
  if (oldSize === 0 || oldSize === size) {
    need(path.length === 0 && (oldSize === 0 ? same(oldRoot, sha256(utf8(""))) : same(oldRoot, root)), "VB-PROOF");
    return;
  }
  let at = oldSize - 1;
  let last = size - 1;
  while (at % 2) {
    at = (at - 1) / 2;
    last = Math.floor(last / 2);
  }
  const rest = [...path];
  let before = at ? need(rest.shift(), "VB-PROOF") : oldRoot;
  let after = before;
  for (const other of rest) {
    need(last > 0, "VB-PROOF");
    if (at % 2 || at === last) {
      before = nodeHash(other, before);
      after = nodeHash(other, after);
      while (at % 2 === 0 && at > 0) {
        at /= 2;
        last = Math.floor(last / 2);
      }
    } else after = nodeHash(after, other);
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  need(last === 0 && same(before, oldRoot) && same(after, root), "VB-PROOF");
}

// ---- §2 entries

export const BLINDED = 1;
export const CLEAR = 2;
export const MARKER = 3;

/** The entry of a record: in clear, or blinded by a nonce (base64). */
export const entryOf = (nonce, record) =>
  nonce === null ? join(CLEAR, record) : join(BLINDED, sha256("trading/record/v1\0", unbase64(nonce, 32), record));

/** Whether an entry is of one of the three kinds. */
export const ofAKind = (entry) =>
  (entry[0] === BLINDED && entry.length === 33) || (entry[0] === CLEAR && entry.length > 1) || (entry[0] === MARKER && entry.length === 9);

// ---- §4 tiles and bundles

/** The path of the bundle with entries 256·n … of a log of `size`. */
export function bundlePath(n, size) {
  const digits = String(n).padStart(Math.ceil(String(n).length / 3) * 3, "0").match(/.../g);
  const width = Math.min(256, size - 256 * n);
  return `tile/entries/${digits.map((part, at) => (at < digits.length - 1 ? `x${part}` : part)).join("/")}${width < 256 ? `.p/${width}` : ""}`;
}

/** The entries of a bundle that must hold `count`. */
export function bundle(bytes, count) {
  const out = [];
  for (let at = 0; at < bytes.length; at += 2 + out.at(-1).length) {
    need(at + 2 <= bytes.length, "VB-BUNDLE");
    const length = bytes[at] * 256 + bytes[at + 1];
    need(at + 2 + length <= bytes.length, "VB-BUNDLE");
    out.push(bytes.subarray(at + 2, at + 2 + length));
  }
  need(out.length === count, "VB-BUNDLE");
  return out;
}

// ---- §4 proofs

/** index, path and checkpoint (bytes) of a tlog-proof. */
export function readProof(bytes) {
  const all = text(bytes);
  const split = need(all.indexOf("\n\n") + 1, "VB-PROOF");
  const [magic, ...lines] = all.slice(0, split - 1).split("\n");
  need(magic === "c2sp.org/tlog-proof@v1", "VB-PROOF");
  if (lines[0]?.startsWith("extra ")) unbase64(lines.shift().slice(6));
  const index = need(/^index (0|[1-9][0-9]*)$/.exec(lines.shift()), "VB-PROOF");
  return { index: Number(index[1]), path: lines.map((line) => unbase64(line, 32)), note: utf8(all.slice(split + 1)) };
}

/** {index, size, time, note} of a tlog-proof for an entry, its checkpoint with quorum; fails otherwise. */
export async function checkProof(bytes, entry, policy) {
  const { index, path, note } = readProof(bytes);
  const { size, root, time } = await policy.note(note);
  need(time !== null, "VB-QUORUM");
  need(same(climb(leafHash(entry), index, size, path), root), "VB-PROOF");
  return { index, size, root, time, note };
}

// ---- §6 receipts

const RECEIPT = ["type", "manifest", "nonce", "record", "promise"];

/** What a receipt says, its form checked and the log key's promise verified: {receipt, record, raw, entry}. */
export async function checkPromise(bytes, policy) {
  let receipt;
  try {
    receipt = JSON.parse(text(bytes));
  } catch {
    need(false, "VB-RECEIPT");
  }
  need(typeof receipt === "object" && receipt !== null && receipt.type === "trading.receipt/v1", "VB-RECEIPT");
  const fields = Object.keys(receipt);
  need(RECEIPT.every((f) => fields.includes(f)) && fields.every((f) => [...RECEIPT, "proof", "listed"].includes(f)), "VB-RECEIPT");
  const raw = unbase64(receipt.record);
  const record = parse(raw);
  need(receipt.manifest === (record.manifest ?? null), "VB-RECEIPT");
  const entry = entryOf(receipt.nonce, raw);
  const message = join("trading/promise/v1\n", entry);
  const held = await Promise.all(policy.logs.map((pub) => eddsa(pub, unbase64(receipt.promise), message).then(() => true, () => false)));
  need(held.some((one) => one), "VB-PROMISE"); // an old key stays, so that what it signed verifies
  return { receipt, record, raw, entry };
}

/** Fails unless `listed` of a receipt leads from a manifest's hash to the list of a `closed` record. */
export function checkListed(listed, manifest, closed) {
  const root = climb(unhex(manifest), listed.index, closed.count, listed.path.map((one) => unhex(one)));
  need(hex(root) === closed.list_root, "VB-DROPPED");
}
