/* Keys at rest in the browser: the files of trading/keyfiles.py, read and written alike. One JSON object per key, opened by a passphrase
 * with PBKDF2-HMAC-SHA-512 and AES-256-GCM, which every browser has; all the rest of the object is the associated data, so whoever edits
 * it makes the file unreadable. Nothing is stored here: a page hands the bytes to its user, who saves them. */

import { base64, hex, same, unbase64 } from "../../audit/browser/bytes.js";
import { canon, parse, utf8 } from "../../audit/browser/canon.js";
import { boxKey } from "./boxes.js";
import { Refused, is, signerOf } from "./envelope.js";

export const ITERATIONS = 600_000; // of a new file; an old one keeps its own number
const MOST = 20_000_000; // a file that asks for more would hang the page
const HEADER = { type: is.text, kind: is.text, id: is.string, origin: is.text, algorithm: is.text, public: is.bytes(), salt: is.bytes(), nonce: is.bytes(12) };
const PKCS8 = { Ed25519: "302e020100300506032b657004220420", P256: "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420" };
const NAMES = { Ed25519: { name: "Ed25519" }, P256: { name: "ECDSA", namedCurve: "P-256" } };

async function stretch(passphrase, salt, iterations) {
  const typed = await crypto.subtle.importKey("raw", utf8(passphrase), "PBKDF2", false, ["deriveKey"]);
  const how = { name: "PBKDF2", hash: "SHA-512", salt, iterations };
  return crypto.subtle.deriveKey(how, typed, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}
const bytesOf = (told) => Uint8Array.from(told.match(/../g), (pair) => parseInt(pair, 16));
const fromUrl = (part) => unbase64(part.replaceAll("-", "+").replaceAll("_", "/").padEnd(4 * Math.ceil(part.length / 4), "="));

/* A private CryptoKey and its raw public key, of the 32 secret bytes. The signing key of the result cannot be exported. */
async function keyOf(algorithm, raw) {
  const pkcs8 = Uint8Array.from([...bytesOf(PKCS8[algorithm]), ...raw]);
  const open = await crypto.subtle.importKey("pkcs8", pkcs8, NAMES[algorithm], true, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", open);
  const pub = algorithm === "P256" ? (await boxKey(raw)).pub : fromUrl(x);
  return { pub, privateKey: await crypto.subtle.importKey("pkcs8", pkcs8, NAMES[algorithm], false, ["sign"]) };
}

/** What a file says of itself, without a passphrase. `K-FILE`. */
export function peek(bytes) {
  try {
    const found = parse(bytes);
    is.keys({ ...HEADER, iterations: is.int(1), sealed: is.bytes() })(found);
    if (found.type === "trading.keyfile/v1" && found.iterations <= MOST) return found;
  } catch {
    // said below
  }
  throw new Refused("K-FILE", { path: "" });
}

/** Open a key file: {kind, id, origin, algorithm, pub, signer} and, of a custodian, `pair` for its boxes instead of a signer.
 * Refused: K-FILE, K-KIND, K-ORIGIN, K-PASSPHRASE (wrong, or the file was altered). */
export async function openKeyFile(bytes, passphrase, { kind = null, origin = null } = {}) {
  const found = peek(bytes), { sealed, ...header } = found;
  if (found.kind === "vault" || (kind && found.kind !== kind)) throw new Refused("K-KIND", { path: "", kind: found.kind, wanted: kind ?? "identity" });
  if (origin && found.origin !== origin) throw new Refused("K-ORIGIN", { path: "", origin: found.origin, wanted: origin });
  if (!Object.hasOwn(NAMES, found.algorithm)) throw new Refused("K-FILE", { path: "" });
  const key = await stretch(passphrase, unbase64(found.salt), found.iterations);
  const how = { name: "AES-GCM", iv: unbase64(found.nonce), additionalData: canon({ ...header }) };
  const raw = await crypto.subtle.decrypt(how, key, unbase64(sealed)).then((all) => new Uint8Array(all), () => null);
  if (!raw) throw new Refused("K-PASSPHRASE", { path: "" });
  const about = { kind: found.kind, id: found.id, origin: found.origin, algorithm: found.algorithm };
  if (found.kind === "custodian") {
    const pair = await boxKey(raw);
    return { ...about, pub: pair.pub, pair };
  }
  const { pub, privateKey } = await keyOf(found.algorithm, raw);
  if (!same(pub, unbase64(found.public))) throw new Refused("K-FILE", { path: "" });
  return { ...about, pub, signer: signerOf(privateKey, pub) };
}

/** Make a key and its file: {bytes, pub, name}, to be saved by the user before the key is registered. An Ed25519 key; `P256` where a
 * custodian's, or told. Refused: K-PASSPHRASE-EMPTY, K-ALGORITHM. */
export async function makeKeyFile({ kind, id, origin, algorithm }, passphrase, { iterations = ITERATIONS } = {}) {
  const chosen = algorithm ?? (kind === "custodian" ? "P256" : "Ed25519");
  if (!passphrase) throw new Refused("K-PASSPHRASE-EMPTY");
  if (!Object.hasOwn(NAMES, chosen) || (kind === "custodian" && chosen !== "P256")) throw new Refused("K-ALGORITHM", { algorithm: chosen, kind });
  const { privateKey } = await crypto.subtle.generateKey(NAMES[chosen], true, ["sign", "verify"]);
  const raw = fromUrl((await crypto.subtle.exportKey("jwk", privateKey)).d);
  const { pub } = await keyOf(chosen, raw);
  const salt = crypto.getRandomValues(new Uint8Array(16)), nonce = crypto.getRandomValues(new Uint8Array(12));
  const about = { type: "trading.keyfile/v1", kind, id, origin, algorithm: chosen, public: base64(pub) };
  const header = { ...about, iterations, salt: base64(salt), nonce: base64(nonce) };
  const how = { name: "AES-GCM", iv: nonce, additionalData: canon(header) };
  const sealed = await crypto.subtle.encrypt(how, await stretch(passphrase, salt, iterations), raw);
  return { bytes: canon({ ...header, sealed: base64(new Uint8Array(sealed)) }), pub, name: `${id}-${hex(pub).slice(0, 8)}.key` };
}
