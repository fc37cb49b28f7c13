/* Canonical JSON (bidding/envelope.md §1): the one place of it in the browser. Plain ES module, nothing imported; runs in a page,
 * a worker and Node.
 *
 * An object or array, UTF-8, keys `[a-z0-9_]+` sorted, no white space, whole numbers with |n| < 2^53, no duplicate keys, nesting at
 * most 16, strings without lone surrogates, escapes as RFC 8785. What is parsed has no prototype: a key that a record lacks is
 * undefined, whatever it is called. */

const KEY = /^[a-z0-9_]+$/;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 bytes of a text. */
export const utf8 = (text) => encoder.encode(text);

/** The text of UTF-8 bytes; throws where they are none (a byte order mark stays a character). */
export const text = (bytes) => decoder.decode(bytes);

/** An Error whose `code` says what is not canonical. */
export class NotCanonical extends Error {
  constructor(why) {
    super(`E-CANON: ${why}`);
    this.name = "NotCanonical";
    this.code = "E-CANON";
  }
}

function write(value, depth) {
  if (value === null || value === true || value === false) return String(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new NotCanonical("number");
    return String(value);
  }
  if (typeof value === "string") {
    if (!value.isWellFormed()) throw new NotCanonical("lone surrogate");
    return JSON.stringify(value);
  }
  if (typeof value !== "object") throw new NotCanonical("type");
  if (depth > 16) throw new NotCanonical("nesting");
  if (Array.isArray(value)) return `[${value.map((one) => write(one, depth + 1)).join(",")}]`;
  const keys = Object.keys(value).sort();
  if (!keys.every((key) => KEY.test(key))) throw new NotCanonical("key");
  return `{${keys.map((key) => `"${key}":${write(value[key], depth + 1)}`).join(",")}}`;
}

/** The canonical text of an object or array; throws NotCanonical. */
export function canonText(value) {
  if (typeof value !== "object" || value === null) throw new NotCanonical("neither object nor array");
  return write(value, 1);
}

/** The canonical bytes of an object or array; throws NotCanonical. */
export const canon = (value) => utf8(canonText(value));

function bare(value) {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(bare);
  const out = Object.create(null);
  for (const key of Object.keys(value)) out[key] = bare(value[key]);
  return out;
}

/** The value of canonical JSON, given as bytes or text; throws NotCanonical unless it is written exactly as `canon` writes it. */
export function parse(given) {
  let read;
  let value;
  try {
    read = typeof given === "string" ? given : text(given);
    value = bare(JSON.parse(read));
  } catch (error) {
    throw new NotCanonical(error.message);
  }
  if (canonText(value) !== read) throw new NotCanonical("not as written");
  return value;
}
