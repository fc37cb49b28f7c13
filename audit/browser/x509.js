/* Certificates of bidders (bidding/envelope.md §1, §5): the least of X.509 that a chain to a `ca` line needs. Each of them valid at the
 * time, each issued by the next, which may issue; the last by itself. RSA (PKCS #1), ECDSA and Ed25519. */

import { hex, same } from "./bytes.js";
import { text } from "./canon.js";

class BadCertificate extends Error {}

function need(ok) {
  if (!ok) throw new BadCertificate("certificate");
  return ok;
}

/* One DER value: its tag, its content, its bytes with tag and length, and where it ends. */
function read(bytes, at = 0) {
  const tag = bytes[at];
  let length = bytes[at + 1];
  let start = at + 2;
  need(at + 2 <= bytes.length && (tag & 0x1f) !== 0x1f && length !== 0x80);
  if (length > 0x80) {
    const count = length & 0x7f;
    need(count < 5);
    length = 0;
    for (let n = 0; n < count; n++) length = length * 256 + bytes[start + n];
    start += count;
  }
  const end = start + length;
  need(end <= bytes.length);
  return { tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end), end };
}

/** The values inside one. */
export function inside(value) {
  const out = [];
  for (let at = 0; at < value.content.length; at = out.at(-1).end) out.push(read(value.content, at));
  return out;
}

/** The one DER value that these bytes are. */
export const one = (bytes) => {
  const value = read(bytes);
  need(value.end === bytes.length);
  return value;
};

const OID = {
  "2a8648ce3d040302": ["ECDSA", "SHA-256"],
  "2a8648ce3d040303": ["ECDSA", "SHA-384"],
  "2a8648ce3d040304": ["ECDSA", "SHA-512"],
  "2a864886f70d01010b": ["RSASSA-PKCS1-v1_5", "SHA-256"],
  "2a864886f70d01010c": ["RSASSA-PKCS1-v1_5", "SHA-384"],
  "2a864886f70d01010d": ["RSASSA-PKCS1-v1_5", "SHA-512"],
  "2b6570": ["Ed25519", null],
};
const CURVE = { "2a8648ce3d030107": ["P-256", 32], "2b81040022": ["P-384", 48], "2b81040023": ["P-521", 66] };
const SERIAL_NUMBER = "550405";
const BASIC_CONSTRAINTS = "551d13";

function moment(value) {
  const told = text(value.content);
  const found = need(value.tag === 0x17 ? /^(\d\d)(\d{10})Z$/.exec(told) : /^(\d{4})(\d{10})Z$/.exec(told));
  const year = value.tag === 0x17 ? (Number(found[1]) < 50 ? 2000 : 1900) + Number(found[1]) : Number(found[1]);
  const [month, day, hour, minute, second] = found[2].match(/../g).map(Number);
  return BigInt(new Date(0).setUTCFullYear(year, month - 1, day)) * 1000n + BigInt((hour * 60 + minute) * 60 + second) * 1_000_000n;
}

/** A certificate of DER bytes: what is signed, names, validity (microseconds), subject `serialNumber`s, key, whether it may issue. */
export function certificate(der) {
  const [signed, algorithm, signature] = inside(one(der));
  const fields = inside(signed).filter((value, n) => n > 0 || value.tag !== 0xa0); // a version is there or not
  const [, inner, issuer, validity, subject, spki, ...others] = fields;
  need(same(inner.whole, algorithm.whole) && signature.tag === 3 && signature.content[0] === 0);
  const [from, until] = inside(validity).map(moment);
  const serials = inside(subject).flatMap(inside).map(inside).filter(([type]) => hex(type.content) === SERIAL_NUMBER);
  const extensions = others.filter((value) => value.tag === 0xa3).flatMap(inside).flatMap(inside).map(inside);
  const basic = extensions.filter(([id]) => hex(id.content) === BASIC_CONSTRAINTS);
  need(basic.length < 2);
  const ca = basic.length === 1 && inside(one(basic[0].at(-1).content)).some((v) => v.tag === 1 && v.content[0] === 0xff);
  const [kind, bits] = inside(spki);
  const [type, curve] = inside(kind);
  return {
    signed: signed.whole, algorithm: hex(inside(algorithm)[0].content), signature: signature.content.subarray(1),
    issuer: issuer.whole, subject: subject.whole, from, until, ca, serials: serials.map(([, value]) => text(value.content)),
    spki: spki.whole, type: hex(type.content), curve: curve ? hex(curve.content) : null, key: bits.content.subarray(1),
  };
}

/** The public key in a certificate: 32 bytes of Ed25519 or an uncompressed point. */
export function certificateKey(der) {
  const { type, curve, key } = certificate(der);
  need(type === "2b6570" ? key.length === 32 : CURVE[curve]?.[0] === "P-256" && key.length === 65);
  return key;
}

/** r || s of an ECDSA signature in DER. */
export function raw(der, size) {
  const out = new Uint8Array(2 * size);
  inside(one(der)).forEach((value, n) => {
    const number = value.content.subarray(value.content.findIndex((byte) => byte) >>> 0);
    need(n < 2 && number.length <= size && value.tag === 2);
    out.set(number, (n + 1) * size - number.length);
  });
  return out;
}

async function issued(below, above) {
  const [name, hash] = need(OID[below.algorithm]);
  need(above.ca && same(below.issuer, above.subject));
  const curve = name === "ECDSA" ? need(CURVE[above.curve]) : null;
  const algorithm = curve ? { name, namedCurve: curve[0] } : name === "Ed25519" ? { name } : { name, hash };
  const key = await crypto.subtle.importKey("spki", above.spki, algorithm, false, ["verify"]);
  const signature = curve ? raw(below.signature, curve[1]) : below.signature;
  need(await crypto.subtle.verify(curve ? { name, hash } : algorithm, key, signature, below.signed));
}

/** Fails unless the chain (DER, leaf first, root included) holds at `time` (microseconds) and its leaf is `bidder`'s. */
export async function checkChain(chain, bidder, time) {
  const certificates = chain.map(certificate);
  need(certificates.length && certificates.every((c) => c.from <= time && time <= c.until));
  need(certificates[0].serials.length === 1 && certificates[0].serials[0] === bidder);
  for (const [n, below] of certificates.entries()) await issued(below, certificates[n + 1] ?? below);
}
