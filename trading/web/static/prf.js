/* Asking an authenticator for its PRF of one salt, and what this browser keeps of a wrapped passphrase. */

import { base64, hex, unbase64 } from "../../../audit/browser/bytes.js";
import { Refused } from "../../../bidding/browser/envelope.js";
import { peek } from "../../../bidding/browser/keyfile.js";

const KEPT = "wrapped-";
const random = (count) => crypto.getRandomValues(new Uint8Array(count));
const PATIENCE = 120_000; // milliseconds

/** The public key a key file tells of itself. K-FILE. */
export const pubOf = (file) => unbase64(peek(file).public);
/** What was wrapped for this key file: {credential, input, salt, nonce, wrapped}, or null. */
export function wrappedFor(file) {
  try {
    return JSON.parse(localStorage.getItem(KEPT + hex(pubOf(file))));
  } catch {
    return null; // no key file, or a browser that lets no page remember anything
  }
}
export const keepWrapped = (file, value) => localStorage.setItem(KEPT + hex(pubOf(file)), JSON.stringify(value));
export const forgetWrapped = (file) => localStorage.removeItem(KEPT + hex(pubOf(file)));

/** The PRF (32 bytes) of a credential for an input, a person having touched the authenticator. K-PRF where it gives none. */
export async function evaluate({ credential, input }) {
  const prf = { eval: { first: unbase64(input, 32) } }, allowCredentials = [{ type: "public-key", id: unbase64(credential) }];
  const asked = { challenge: random(32), allowCredentials, userVerification: "required", timeout: PATIENCE, extensions: { prf } };
  const used = await navigator.credentials.get({ publicKey: asked }).catch(() => null);
  const found = used?.getClientExtensionResults().prf?.results?.first;
  if (!found) throw new Refused("K-PRF");
  return new Uint8Array(found);
}

/** A new credential for nothing but this: {credential, input, prf}. K-PRF-NONE where browser or authenticator has no PRF. */
export async function enrol(name) {
  if (!globalThis.PublicKeyCredential) throw new Refused("K-PRF-NONE");
  const user = { id: random(16), name, displayName: name }, pubKeyCredParams = [{ type: "public-key", alg: -7 }, { type: "public-key", alg: -8 }];
  const authenticatorSelection = { userVerification: "required", residentKey: "discouraged" };
  const asked = { rp: { name: location.hostname }, user, challenge: random(32), pubKeyCredParams, authenticatorSelection, timeout: PATIENCE, extensions: { prf: {} } };
  const made = await navigator.credentials.create({ publicKey: asked }).catch(() => null);
  if (!made?.getClientExtensionResults().prf?.enabled) throw new Refused("K-PRF-NONE");
  const credential = base64(new Uint8Array(made.rawId)), input = base64(random(32));
  return { credential, input, prf: await evaluate({ credential, input }) };
}
