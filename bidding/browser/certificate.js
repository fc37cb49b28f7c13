/* A bidder's certificate vouches for its new key (bidding/envelope.md §5): the chain as its owner has it, in PEM or DER, in any order; the
 * leaf's private key from a PKCS #8 file, or, where it never leaves its token, a signature that was made there and brought. §1 knows EdDSA
 * and ES256, so a leaf with another key (RSA, SM2) vouches for nothing here. Nothing is stored; the server and every verifier check again. */

import { base64, hex, join, same, unbase64, unhex } from "../../audit/browser/bytes.js";
import { utf8 } from "../../audit/browser/canon.js";
import { certificate, certificateKey, checkChain, inside, one, raw } from "../../audit/browser/x509.js";
import { REGISTRATION, Refused, checkSignatures, readRegistration } from "./envelope.js";

const LONGEST = 8; // certificates of a chain, as the server takes them
const MOST = 20_000_000; // a file that asks for more rounds would hang the page
const PBES2 = "2a864886f70d01050d", PBKDF2 = "2a864886f70d01050c", P256 = "301306072a8648ce3d020106082a8648ce3d030107";
const PRF = { "2a864886f70d0207": "SHA-1", "2a864886f70d0209": "SHA-256", "2a864886f70d020a": "SHA-384", "2a864886f70d020b": "SHA-512" };
const AES = { "60864801650304012a": 256, "608648016503040116": 192, "608648016503040102": 128 };

const ascii = (bytes) => String.fromCharCode(...bytes.subarray(0, 65_536));
/* The PEM blocks of a file, [{label, der}]; none: it is DER. */
function blocks(bytes) {
  const found = [...ascii(bytes).matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----/g)];
  return found.map(([, label, body]) => ({ label, der: unbase64(body.replaceAll(/\s/g, "")) }));
}

/* DER values that stand one after another. */
function values(bytes) {
  const found = [];
  for (let rest = bytes; rest.length; rest = rest.subarray(found.at(-1).length)) found.push(inside({ content: rest })[0].whole);
  return found;
}

/** The chain of a file, [DER], leaf first and root last, that holds at `time` (microseconds) and is `bidder`'s; `roots`: SHA-256 of the roots
 * that `ca` lines in force name. `K-CERT`: unreadable, owner, algorithm, chain, root. */
export async function readChain(bytes, { bidder, time, roots = null }) {
  const no = (why) => new Refused("K-CERT", { why });
  let all;
  try {
    const pem = blocks(bytes).filter((block) => block.label.endsWith("CERTIFICATE"));
    all = (pem.length ? pem.map((block) => block.der) : values(bytes)).map((der) => ({ der, ...certificate(der) }));
  } catch {
    throw no("certificate: unreadable");
  }
  const chain = all.filter((each) => each.serials.length === 1 && each.serials[0] === bidder && !each.ca).slice(0, 1);
  if (!chain.length) throw no("certificate: owner");
  while (chain.length < LONGEST && !same(chain.at(-1).issuer, chain.at(-1).subject)) {
    const above = all.find((each) => each.ca && !chain.includes(each) && same(each.subject, chain.at(-1).issuer));
    if (!above) throw no("certificate: incomplete");
    chain.push(above);
  }
  try {
    certificateKey(chain[0].der);
  } catch {
    throw no("certificate: algorithm");
  }
  const found = chain.map((each) => each.der);
  await checkChain(found, bidder, time).catch(() => {
    throw no("certificate: chain");
  });
  const root = hex(new Uint8Array(await crypto.subtle.digest("SHA-256", found.at(-1))));
  if (roots && !roots.includes(root)) throw no("certificate: root");
  return found;
}

/** Which signatures the leaf makes. */
export const algorithmOf = (chain) => (certificateKey(chain[0]).length === 32 ? "EdDSA" : "ES256");
const WEB = { EdDSA: { name: "Ed25519" }, ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } };

async function unlocked(der, passphrase) {
  const [how, sealed] = inside(one(der)), [scheme, given] = inside(how);
  const [kdf, cipher] = inside(given), [, derived] = inside(kdf), [salt, rounds, ...more] = inside(derived), [aes, iv] = inside(cipher);
  const prf = more.filter((value) => value.tag === 0x30).map((value) => hex(inside(value)[0].content))[0] ?? "2a864886f70d0207";
  const iterations = parseInt(hex(rounds.content), 16), length = AES[hex(aes.content)];
  const known = hex(scheme.content) === PBES2 && hex(inside(kdf)[0].content) === PBKDF2 && PRF[prf] && length && iterations <= MOST;
  if (!known) throw new Refused("K-CERT-KEY", { why: "key: encryption" });
  const typed = await crypto.subtle.importKey("raw", utf8(passphrase), "PBKDF2", false, ["deriveKey"]);
  const from = { name: "PBKDF2", hash: PRF[prf], salt: salt.content, iterations };
  const key = await crypto.subtle.deriveKey(from, typed, { name: "AES-CBC", length }, false, ["decrypt"]);
  return crypto.subtle.decrypt({ name: "AES-CBC", iv: iv.content }, key, sealed.content).then((plain) => new Uint8Array(plain), () => {
    throw new Refused("K-CERT-KEY", { why: "key: passphrase" });
  });
}

/** What signs as the leaf of a chain, {sign}: its private key from a PKCS #8 file (PEM or DER; encrypted by PBES2, as openssl writes it), or
 * an EC PRIVATE KEY. `K-CERT-KEY`: unreadable, encryption, passphrase, other. */
export async function openCertificateKey(bytes, passphrase, chain) {
  const alg = algorithmOf(chain);
  try {
    let { label, der } = blocks(bytes).find((block) => block.label.endsWith("PRIVATE KEY")) ?? { label: "", der: bytes };
    if (label === "ENCRYPTED PRIVATE KEY") der = await unlocked(der, passphrase);
    if (label === "EC PRIVATE KEY") der = pkcs8(der);
    const key = await crypto.subtle.importKey("pkcs8", der, WEB[alg], false, ["sign"]);
    return { sign: async (message) => signatureOf(new Uint8Array(await crypto.subtle.sign(WEB[alg], key, message)), message, chain) };
  } catch (why) {
    if (why instanceof Refused) throw why;
    throw new Refused("K-CERT-KEY", { why: "key: unreadable" });
  }
}

/* An EC key of P-256 with the frame that WebCrypto wants around it. */
function pkcs8(der) {
  const wrap = (tag, content) => join(Uint8Array.of(tag, ...(content.length < 128 ? [content.length] : [0x81, content.length])), content);
  return wrap(0x30, join(Uint8Array.of(2, 1, 0), unhex(P256, P256.length / 2), wrap(4, der)));
}

/** The signature record of §1, {alg, x5c, sig}, of a signature over `message` that the leaf's key made: raw, or DER as tokens and openssl
 * give it, in base64 or hex as well. `K-CERT-SIG`: it is none of this key over these bytes. */
export async function signatureOf(given, message, chain) {
  const alg = algorithmOf(chain), x5c = chain.map(base64);
  for (const bytes of spellings(given)) {
    for (const sig of [bytes, alg === "ES256" ? plain(bytes) : null]) {
      if (sig?.length !== 64) continue;
      const record = { alg, x5c, sig: base64(sig) };
      if (await checkSignatures([record], message, "").then(() => true, () => false)) return record;
    }
  }
  throw new Refused("K-CERT-SIG", {});
}
function plain(der) {
  try {
    return raw(der, 32);
  } catch {
    return null;
  }
}
function* spellings(given) {
  yield given;
  const told = ascii(given).replaceAll(/\s/g, "");
  for (const read of [() => unbase64(told), () => unhex(told.toLowerCase(), told.length / 2)]) {
    try {
      yield read();
    } catch {
      // not written so
    }
  }
}

/** What a token signs: the bytes of a request that a page saved. `E-REGISTRATION`. */
export async function toSign({ registration }) {
  const made = await readRegistration(unbase64(registration));
  if (!made.by?.x5c) throw new Refused("E-REGISTRATION", { why: "names no certificate" });
  return { made, message: join(REGISTRATION, made.data) };
}

/** A request with the token's signature, ready to be brought. `E-REGISTRATION`, `E-SIG` (the new key's own), `K-CERT-SIG`. */
export async function complete(request, given) {
  const { made, message } = await toSign(request), own = request.sig.slice(0, 1);
  await checkSignatures(own, message, made.bidder);
  return { registration: request.registration, sig: [...own, await signatureOf(given, message, made.by.x5c)] };
}
