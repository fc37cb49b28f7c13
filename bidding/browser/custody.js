/* What a custodian's tool does with its private key, and nothing else ever does: answer a rehearsal (bidding/envelope.md §2) and open the boxes
 * of manifests that are listed (§4, §6). For the offline page; the platform serves no page that touches such a key. */

import { same } from "../../audit/browser/bytes.js";
import { boxInfo, open } from "./boxes.js";
import { Refused, ctxOf, rehearsalInfo, rehearsalProof, rehearsedBytes } from "./envelope.js";

/** Custodian's side; the info comes from the tool's own statement, and r stays here. `E-REHEARSAL`. */
export async function answerRehearsal(statement, pair, signer, challenge, sealed) {
  const refused = (why) => new Refused("E-REHEARSAL", { why });
  if (!same(pair.pub, statement.pub) || challenge.length !== 32) throw refused("not the key of this statement");
  const r = await open(pair, await rehearsalInfo(statement.data, challenge), sealed).catch(() => null);
  if (!r) throw refused("the challenge does not open under this key");
  const proof = await rehearsalProof(challenge, r);
  return { proof, sig: [await signer.sign(rehearsedBytes(statement.hash, challenge, proof))] };
}

/** A custodian's share of a manifest, or null: the box does not open, or does not hold 32 bytes. */
export async function openBox(pair, manifest, i) {
  const info = boxInfo(await ctxOf(manifest), i, manifest.head);
  const share = await open(pair, info, manifest.boxes[i - 1] ?? new Uint8Array(0)).catch(() => null);
  return share?.length === 32 ? share : null;
}
