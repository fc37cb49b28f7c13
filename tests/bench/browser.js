/* `browser`: the sealing of bidding/browser/envelope.js, and beside it the least that WebCrypto can do with the same bytes in the same page:
 * the documents' hash, because the key is bound to it, then AES-GCM and the ciphertext's hash side by side. */

import { utf8 } from "../../audit/browser/canon.js";
import { readKeyset, sealEnvelope } from "../../bidding/browser/envelope.js";

const MIB = 1 << 20;
const chosen = () => [...document.querySelector("#files").files];

export async function code({ context, keyset, created }) {
  const guard = await readKeyset(utf8(keyset)), files = chosen().map((blob) => ({ blob })), begun = performance.now();
  await sealEnvelope(context, guard, { files, created, sink: () => {} });
  return performance.now() - begun;
}

export async function limit() {
  const files = chosen(), begun = performance.now(), key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt"]);
  for (const file of files) await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  const doing = [];
  let count = 0;
  const piece = async (bytes, iv) => crypto.subtle.digest("SHA-256", await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, bytes));
  for (const file of files)
    for (let at = 0; at < file.size; at += MIB) {
      doing.push(piece(await file.slice(at, at + MIB).arrayBuffer(), new Uint8Array(new Uint32Array([count++, 0, 0]).buffer)));
      if (doing.length > 4) await doing.shift();
    }
  await Promise.all(doing);
  return performance.now() - begun;
}
