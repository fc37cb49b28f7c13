/* Bytes, how JSON writes them, and their SHA-256 (bidding/envelope.md §1). SHA-256 stands here because WebCrypto's can neither be fed
 * piece by piece nor be asked a hundred thousand times for forty bytes; large pieces go to WebCrypto all the same (`digest`). */

import { utf8 } from "./canon.js";
import { blocks } from "./sha256.js";

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

// the fractions of the square roots of the first eight primes (FIPS 180-4 §5.3.3)
const START = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

/** SHA-256, fed piece by piece. */
export class Sha256 {
  constructor() {
    this.state = Int32Array.from(START);
    this.rest = new Uint8Array(64);
    this.last = new DataView(this.rest.buffer);
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
      blocks(this.state, this.last, 0, 64);
      this.held = 0;
    }
    const whole = data.length - ((data.length - at) % 64);
    if (whole > at) blocks(this.state, new DataView(data.buffer, data.byteOffset, data.length), at, whole);
    at = whole;
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
