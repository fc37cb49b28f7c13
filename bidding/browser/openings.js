/* V10–V12 of audit/log.md §8: releases, every opened envelope recomputed, the verdicts that were recorded. What an envelope must say is
 * opening.js (envelope.md §7); here stands who may release what, when, and which envelopes are owed. */

import { digest, hex, same, sha256, unbase64 } from "../../audit/browser/bytes.js";
import { canon } from "../../audit/browser/canon.js";
import { rootOf } from "../../audit/browser/log.js";
import { alike, exactly, whole } from "../../audit/browser/steps.js";
import { need, when } from "../../audit/browser/trust.js";
import { readKeyset, readManifest } from "./envelope.js";
import { unseal } from "./opening.js";
import { bound } from "./steps.js";

const SEGMENT = 1 << 20;
const VERDICT = /^(?:OK|PENDING|X-(?:STORE|PAYLOAD|QUORUM|COMMIT|BOX|CONTAINER))$/;

/* A stage whose files the edition holds. */
const held = (r, stage) => !r.public || r.notice.public_stages.includes(stage);
const opensAt = (r, stage) => when(r.keysets.get(stage).opens_at);
/* envelope.md §1: one whose key set opens later than another's. */
const isLater = (r, stage) => r.stages.some((other) => opensAt(r, other) < opensAt(r, stage));
const told = (r, stage, bid) => r.list("unsealed").filter((x) => x.body.stage === stage && x.body.bid === bid);
const ended = (r, stage, before) => r.list("window-ended").some((x) => x.body.stage === stage && x.n < before);

/* The envelopes to be released for: the effective ones, in a later stage those admitted of them. */
function released(r, stage) {
  const list = [...r.effective.get(stage)];
  if (!isLater(r, stage)) return list;
  const admitted = r.list("stage-settled").find((x) => x.body.stage === stage)?.body.admitted ?? [];
  return list.filter(([bid]) => admitted.includes(bid));
}

/* Those to be opened: of a tender that ended before, only what an `unsealed` tells of. */
function listed(r, stage) {
  const over = r.list("tender-terminated", ...(isLater(r, stage) ? ["tender-failed"] : [])).length > 0;
  return released(r, stage).filter(([bid]) => !over || told(r, stage, bid).length);
}

// ---- V10

async function settled(r, x) {
  const signers = await r.behind(x, "tenderee", "authority");
  need(["tenderee", "authority"].every((role) => signers.some((one) => one.role === role)), "VB-SIGNER");
  const { stage, admitted } = x.body;
  need(r.stages.includes(stage) && isLater(r, stage) && Array.isArray(admitted), "VB-ADMITTED");
  for (const earlier of r.stages.filter((one) => !isLater(r, one))) {
    for (const bid of new Set([...r.effective.get(earlier).keys(), ...admitted])) {
      const last = told(r, earlier, bid).at(-1);
      need(last ? last.n < x.n : !admitted.includes(bid), "VB-ADMITTED");
      need(!admitted.includes(bid) || last.body.verdict === "OK", "VB-ADMITTED");
    }
  }
}

async function release(r, x) {
  const { stage, i } = x.body;
  const at = `record ${x.n} (released)`;
  const custodian = need(r.keysets.get(stage)?.custodians[i - 1], "VB-FIELD").custodian;
  const shut = r.closed.get(stage);
  need(r.opens && whole(i, 1) && !r.released.get(stage).has(i), "VB-RELEASE");
  need(shut.n < x.n && x.body.actor.id === custodian, "VB-RELEASE");
  need(!isLater(r, stage) || r.list("stage-settled").some((y) => y.body.stage === stage && y.n < x.n), "VB-RELEASE");
  r.released.get(stage).set(i, { n: x.n, shares: null });
  if (!held(r, stage)) return null;
  const path = `releases/${stage}/${i}.json`;
  const { value, keys } = await bound(r, x, "release", "release", "tender stage keyset i closed shares", path);
  need(value.stage === stage && value.i === i && value.keyset === r.notice.keysets[stage], "VB-RELEASE");
  need(value.closed === hex(sha256(shut.raw)), "VB-RELEASE");
  for (const key of keys.keys()) need(r.known(key, x.since, "custodian").some((one) => one.id === custodian), "VB-SIGNER", { at });
  need(value.shares.every((one) => exactly(one, "bid seq y")), "VB-FIELD");
  const owed = released(r, stage).map(([bid, one]) => `${bid} ${one.seq}`);
  need(value.shares.map((one) => `${one.bid} ${one.seq}`).join("\n") === owed.join("\n"), "VB-RELEASE-LIST");
  const shares = new Map(value.shares.map((one) => [one.bid, one.y === null ? null : unbase64(one.y, 32)]));
  r.released.get(stage).set(i, { n: x.n, shares });
  return path;
}

/** V10: who released, for what, after which closing. */
export async function releases(r) {
  r.released = new Map(r.stages.map((stage) => [stage, new Map()]));
  const owed = new Set();
  for (const x of r.of("window-ended")) {
    const ids = new Set((await r.behind(x, "authority")).map((one) => one.id));
    need(ids.size > 1, "VB-SIGNER");
    const there = r.list("released").filter((y) => y.body.stage === x.body.stage && y.n < x.n).map((y) => y.body.i);
    const missing = r.keysets.get(x.body.stage).custodians.map((c) => c.i).filter((i) => !there.includes(i));
    need(alike([...x.body.missing].sort((a, b) => a - b), missing), "VB-WINDOW");
  }
  for (const x of r.of("stage-settled")) await settled(r, x);
  for (const x of r.of("released")) {
    const path = await release(r, x);
    if (path) owed.add(path);
  }
  r.owes(/^releases\//, owed);
}

// ---- V11

async function payloadRoot(blob) {
  const leaves = [];
  for (let at = 0; at < blob.size; at += SEGMENT) {
    const whole = new Uint8Array(1 + Math.min(SEGMENT, blob.size - at));
    whole.set(new Uint8Array(await blob.slice(at, at + SEGMENT).arrayBuffer()), 1);
    leaves.push(await digest(whole));
  }
  return hex(rootOf(leaves));
}

/* What `opened.json` must hold: the releases and the end of the window count that lie below the envelope's last `unsealed`. */
async function recomputed(r, stage, bid, envelope) {
  const last = told(r, stage, bid).at(-1)?.n ?? Infinity;
  const path = `bids/${bid}/${stage}/${envelope.seq}/payload`;
  const shares = {};
  for (const [i, one] of r.released.get(stage)) if (one.n < last) shares[i] = one.shares.get(bid);
  const payload = r.archive.has(path) ? r.archive.blobOf(path) : null;
  r.at = path;
  const manifest = await readManifest(envelope.raw);
  const keyset = await readKeyset(await r.archive.read(`keysets/${r.notice.keysets[stage]}.json`));
  const windowEnded = ended(r, stage, last);
  const got = await unseal(manifest, payload, shares, keyset, { schema: r.notice.opening_schema, windowEnded });
  if (payload && ["PENDING", "X-STORE"].includes(got.verdict)) need(await payloadRoot(payload) === envelope.manifest.root, "VB-ROOT");
  return { ...got, unvouched: !r.counted.has(bid) };
}

/** V11: every envelope the edition can open, recomputed from its releases and compared with `opened.json`. */
export async function envelopes(r) {
  r.got = new Map();
  const owed = new Set();
  const stages = r.opens ? r.stages.filter((stage) => held(r, stage)) : [];
  const all = stages.flatMap((stage) => listed(r, stage).map(([bid, one]) => [stage, bid, one]));
  let done = 0;
  for (const [stage, bid, envelope] of all) {
    const base = `bids/${bid}/${stage}/${envelope.seq}/`;
    const got = await recomputed(r, stage, bid, envelope);
    r.got.set(`${stage} ${bid}`, got);
    r.at = `${base}opened.json`;
    need(same(canon(got), await r.archive.read(r.at)), "VB-OPENED");
    owed.add(r.at);
    if (got.verdict !== "X-STORE") owed.add(`${base}payload`);
    r.progress({ done: ++done, total: all.length });
  }
  r.owes(/^bids\/.*\/(?:payload|opened\.json)$/, owed);
}

// ---- V12

/** V12: each `unsealed` record says what was recomputed; none is PENDING under a ranking. */
export async function verdicts(r) {
  const fields = ["at", "findings", "opening", "unvouched", "verdict"];
  for (const x of r.of("unsealed")) {
    const { stage, bid, seq, verdict, opening, unvouched } = x.body;
    const envelope = new Map(listed(r, stage)).get(bid);
    const final = told(r, stage, bid).at(-1) === x;
    r.at = `record ${x.n} (unsealed)`;
    need(r.opens && envelope && seq === envelope.seq, "VB-UNSEALED");
    const below = [...r.released.get(stage).values()].filter((one) => one.n < x.n).length;
    const over = ended(r, stage, x.n);
    need(below >= r.keysets.get(stage).k || over, "VB-UNSEALED");
    need(VERDICT.test(verdict) && (final || verdict === "PENDING"), "VB-VERDICT");
    need(!["X-STORE", "X-QUORUM"].includes(verdict) || over, "VB-WINDOW");
    need(unvouched === !r.counted.has(bid), "VB-VERDICT");
    need(verdict === "OK" ? stage === "form" || alike(opening, {}) : opening === null, "VB-VERDICT");
    if (!final || !held(r, stage)) continue;
    const got = r.got.get(`${stage} ${bid}`);
    for (const field of fields) need(alike(got[field], x.body[field]), "VB-VERDICT");
  }
  r.at = "unsealed";
  const last = r.opens ? r.stages.flatMap((stage) => listed(r, stage).map(([bid]) => [stage, bid, told(r, stage, bid).at(-1)])) : [];
  for (const [stage, bid, x] of last) need(x, "VB-MISSING", { at: `unsealed: ${stage} ${bid}` });
  need(!r.list("candidates-published").length || last.every(([, , x]) => x.body.verdict !== "PENDING"), "VB-PENDING");
}
