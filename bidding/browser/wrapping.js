/* A key file's passphrase, wrapped by a passkey's PRF (WebAuthn extension `prf`): 32 bytes that the authenticator alone computes, for one
 * credential and one salt. The key file stays what it is, for the command line and for the day the passkey is lost; what is kept here is of no
 * use without the authenticator, and the file is of no use without one of the two. Pure; the page asks the authenticator. */

import { base64, join, unbase64 } from "../../audit/browser/bytes.js";
import { text, utf8 } from "../../audit/browser/canon.js";
import { Refused } from "./envelope.js";

const INFO = "trading/prf/v1\0";

async function keyOf(prf, salt, pub) {
  const secret = await crypto.subtle.importKey("raw", prf, "HKDF", false, ["deriveKey"]);
  const how = { name: "HKDF", hash: "SHA-256", salt, info: join(INFO, pub) };
  return crypto.subtle.deriveKey(how, secret, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

/** {salt, nonce, wrapped} (base64) of a passphrase that opens the key with this public key. `K-PRF` for a PRF that is none. */
export async function wrap(prf, pub, passphrase) {
  if (prf?.length !== 32) throw new Refused("K-PRF");
  const salt = crypto.getRandomValues(new Uint8Array(32)), nonce = crypto.getRandomValues(new Uint8Array(12));
  const wrapped = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData: pub }, await keyOf(prf, salt, pub), utf8(passphrase));
  return { salt: base64(salt), nonce: base64(nonce), wrapped: base64(new Uint8Array(wrapped)) };
}

/** The passphrase again. `K-PRF`: another passkey, another key, or what was kept has been altered. */
export async function unwrap(prf, pub, { salt, nonce, wrapped }) {
  if (prf?.length !== 32) throw new Refused("K-PRF");
  const how = { name: "AES-GCM", iv: unbase64(nonce, 12), additionalData: pub }, key = await keyOf(prf, unbase64(salt, 32), pub);
  const bytes = await crypto.subtle.decrypt(how, key, unbase64(wrapped)).then((all) => new Uint8Array(all), () => null);
  if (!bytes) throw new Refused("K-PRF");
  return text(bytes);
}
