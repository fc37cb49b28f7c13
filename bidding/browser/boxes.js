/* Shares and boxes (bidding/envelope.md §4), and HKDF-Expand: RFC 9180 in base mode, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM,
 * with the ephemeral key derived from the content key, so that after the opening everybody recomputes every box. What is written here
 * any library of RFC 9180 opens. Nothing in this file is secret from timing: it splits on the bidder's own machine, once. */

import { hex, join, unbase64, unhex } from "../../audit/browser/bytes.js";

/** HMAC of a key that is not empty. */
export async function hmac(key, message, hash = "SHA-256") {
  const used = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", used, message));
}
/** HKDF-Expand (RFC 5869 §2.3), which WebCrypto does not have alone. */
export async function expand(prk, info, length, hash = "SHA-512") {
  let [output, block] = [new Uint8Array(0), new Uint8Array(0)];
  for (let counter = 1; output.length < length; counter++) {
    block = await hmac(prk, join(block, info, counter), hash);
    output = join(output, block);
  }
  return output.slice(0, length);
}

// ---- shares

const EXP = [], LOG = [];
for (let x = 1, at = 0; at < 255; at++) {
  EXP[at] = EXP[at + 255] = x;
  LOG[x] = at;
  x ^= (x << 1) ^ (x & 0x80 ? 0x11b : 0); // 3 generates the field's group
  x &= 0xff;
}
const times = (a, b) => (a && b ? EXP[LOG[a] + LOG[b]] : 0);
/** y_1 … y_n of CK, any k of which give it back. */
export async function split(ck, ctx, k, n) {
  const parts = [ck];
  for (let j = 1; j < k; j++) parts.push(await expand(ck, join("trading/share/v1\0", ctx, j), 32));
  const at = (i) => ck.map((_, byte) => parts.reduceRight((sum, part) => times(sum, i) ^ part[byte], 0));
  return Array.from({ length: n }, (_, i) => at(i + 1));
}
/** The value at 0 of the polynomial through [[i, y_i]]; only the commitment says whether it is CK. */
export function combine(shares) {
  const secret = new Uint8Array(32);
  for (const [i, y] of shares) {
    const weight = shares.reduce((w, [j]) => (j === i ? w : times(w, EXP[LOG[j] - LOG[i ^ j] + 255])), 1);
    y.forEach((byte, at) => (secret[at] ^= times(byte, weight)));
  }
  return secret;
}

// ---- HPKE

const KEM = join("KEM", 0, 0x10), SUITE = join("HPKE", 0, 0x10, 0, 1, 0, 2);
const extract = (suite, salt, label, ikm) => hmac(salt.length ? salt : new Uint8Array(32), join("HPKE-v1", suite, label, ikm));
const labeled = (suite, prk, label, info, length) => expand(prk, join(0, length, "HPKE-v1", suite, label, info), length, "SHA-256");
const ORDER = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
/** {key, pub} of a P-256 scalar: the point is what WebCrypto makes of a PKCS #8 key that names none. */
export async function boxKey(scalar) {
  const pkcs8 = join(unhex("3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420", 35), scalar);
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, { name: "ECDH", namedCurve: "P-256" }, true, ["deriveBits"]);
  const { x, y } = await crypto.subtle.exportKey("jwk", key);
  const bytes = (part) => unbase64(part.replaceAll("-", "+").replaceAll("_", "/") + "=", 32);
  return { key, pub: join(4, bytes(x), bytes(y)) };
}
/** RFC 9180 §7.1.3: the same key from the same bytes. */
export async function deriveKeyPair(ikm) {
  const prk = await extract(KEM, "", "dkp_prk", ikm);
  for (let counter = 0; counter < 256; counter++) {
    const scalar = await labeled(KEM, prk, "candidate", Uint8Array.of(counter), 32);
    if (hex(scalar) < ORDER && scalar.some((byte) => byte)) return boxKey(scalar);
  }
  throw new Error("DeriveKeyPair found no scalar");
}
async function schedule(own, other, enc, pub, info) {
  const theirs = await crypto.subtle.importKey("raw", other, { name: "ECDH", namedCurve: "P-256" }, false, []);
  const shared = new Uint8Array(await crypto.subtle.deriveBits({ name: "ECDH", public: theirs }, own.key, 256));
  const secret = await labeled(KEM, await extract(KEM, "", "eae_prk", shared), "shared_secret", join(enc, pub), 32);
  const psk = await extract(SUITE, "", "psk_id_hash", ""), told = await extract(SUITE, "", "info_hash", info);
  const prk = await extract(SUITE, secret, "secret", ""), context = join(0, psk, told);
  const [key, iv] = await Promise.all([labeled(SUITE, prk, "key", context, 32), labeled(SUITE, prk, "base_nonce", context, 12)]);
  return [{ name: "AES-GCM", iv }, await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"])];
}
/** HPKE base mode: enc(65) || ciphertext to `pub`, the ephemeral key derived from `ikm`. */
export async function seal(pub, ikm, info, plaintext) {
  const own = await deriveKeyPair(ikm);
  return join(own.pub, new Uint8Array(await crypto.subtle.encrypt(...(await schedule(own, pub, own.pub, pub, info)), plaintext)));
}
/** What was sealed to {key, pub}; rejects where it does not open. */
export async function open(own, info, sealed) {
  const enc = sealed.slice(0, 65);
  return new Uint8Array(await crypto.subtle.decrypt(...(await schedule(own, enc, enc, own.pub, info)), sealed.slice(65)));
}
export const boxInfo = (ctx, i, head) => join("trading/box/v1\0", ctx, i, head);
/** Shares and boxes: a function of what is sealed, recomputed by everybody after the opening. */
export async function makeBoxes(ck, ctx, head, keyset) {
  const shares = await split(ck, ctx, keyset.k, keyset.n);
  const box = async ({ i, pub }) =>
    seal(pub, await expand(ck, join("trading/ephemeral/v1\0", ctx, head, i), 32), boxInfo(ctx, i, head), shares[i - 1]);
  return { shares, boxes: await Promise.all(keyset.custodians.map(box)) };
}
