/* Bytes, how JSON writes them, and their SHA-256 (bidding/envelope.md §1). SHA-256 stands here because WebCrypto's can neither be fed
 * piece by piece nor be asked a hundred thousand times for forty bytes; large pieces go to WebCrypto all the same (`digest`). */

import { utf8 } from "./canon.js";

const HEX = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, "0"));

/** Lower-case hex of bytes. */
export function hex(bytes) {
  let out = "";
  for (const byte of bytes) out += HEX[byte];
  return out;
}

/** The bytes of lower-case hex, of the given length; throws on anything else. */
export function unhex(text, length = 32) {
  if (typeof text !== "string" || text.length !== 2 * length || !/^[0-9a-f]*$/.test(text)) throw new Error("not hex");
  return Uint8Array.from({ length }, (_, n) => parseInt(text.slice(2 * n, 2 * n + 2), 16));
}

/** Padded base64 of bytes. */
export function base64(bytes) {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 0x8000) binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(binary);
}

/** The bytes of padded base64, perhaps of one length; throws unless they are written exactly so. */
export function unbase64(text, length = null) {
  if (typeof text !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new Error("not base64");
  const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  if (base64(bytes) !== text || (length !== null && bytes.length !== length)) throw new Error("not base64");
  return bytes;
}

/** Byte arrays, numbers (one byte) and texts (UTF-8) in a row. */
export function join(...parts) {
  const all = parts.map((part) => (typeof part === "string" ? utf8(part) : typeof part === "number" ? Uint8Array.of(part) : part));
  const out = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of all) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Whether two byte arrays are equal. */
export const same = (a, b) => a.length === b.length && a.every((byte, n) => byte === b[n]);

/** The order of byte arrays. */
export function order(a, b) {
  for (let n = 0; n < a.length && n < b.length; n++) if (a[n] !== b[n]) return a[n] - b[n];
  return a.length - b.length;
}

/** Eight bytes, big-endian, as a BigInt. */
export const uint64 = (bytes, at = 0) => new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at);

/* The fractions of the square and cube roots of the first primes (FIPS 180-4 §4.2.2, §5.3.3), computed with whole numbers. */
const primes = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
function fraction(prime, power) {
  const wanted = BigInt(prime) << BigInt(32 * power);
  let low = 0n;
  for (let bit = 1n << 40n; bit; bit >>= 1n) if ((low + bit) ** BigInt(power) <= wanted) low += bit;
  return Number(low & 0xffffffffn) | 0;
}
const START = Int32Array.from(primes.slice(0, 8), (p) => fraction(p, 2));
const ROUND = Int32Array.from(primes, (p) => fraction(p, 3));
const W = new Int32Array(64);

function compress(h, data, at) {
  for (let t = 0; t < 16; t++, at += 4) W[t] = (data[at] << 24) | (data[at + 1] << 16) | (data[at + 2] << 8) | data[at + 3];
  for (let t = 16; t < 64; t++) {
    const x = W[t - 15];
    const y = W[t - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    W[t] = (W[t - 16] + s0 + W[t - 7] + s1) | 0;
  }
  let a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], z = h[7];
  for (let t = 0; t < 64; t++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (z + s1 + ((e & f) ^ (~e & g)) + ROUND[t] + W[t]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    z = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
  }
  h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e; h[5] += f; h[6] += g; h[7] += z;
}

/** SHA-256, fed piece by piece. */
export class Sha256 {
  constructor() {
    this.state = Int32Array.from(START);
    this.rest = new Uint8Array(64);
    this.held = 0;
    this.length = 0;
  }

  update(data) {
    let at = 0;
    this.length += data.length;
    if (this.held) {
      at = Math.min(64 - this.held, data.length);
      this.rest.set(data.subarray(0, at), this.held);
      this.held += at;
      if (this.held < 64) return this;
      compress(this.state, this.rest, 0);
      this.held = 0;
    }
    for (; at + 64 <= data.length; at += 64) compress(this.state, data, at);
    this.rest.set(data.subarray(at));
    this.held = data.length - at;
    return this;
  }

  digest() {
    const length = this.length;
    const padding = new Uint8Array(((this.held < 56 ? 56 : 120) - this.held) + 8);
    padding[0] = 0x80;
    new DataView(padding.buffer).setBigUint64(padding.length - 8, BigInt(length) * 8n);
    this.update(padding);
    const out = new Uint8Array(32);
    this.state.forEach((word, n) => new DataView(out.buffer).setInt32(4 * n, word));
    return out;
  }
}

/** SHA-256 of byte arrays, numbers (one byte) and texts in a row. */
export const sha256 = (...parts) => new Sha256().update(parts.length === 1 && parts[0] instanceof Uint8Array ? parts[0] : join(...parts)).digest();

/** SHA-256 of many bytes, by WebCrypto. */
export const digest = async (bytes) =>
  bytes.length < 4096 ? sha256(bytes) : new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
