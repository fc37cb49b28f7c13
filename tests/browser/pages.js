/* What the browser's tests run in a page: what a sealing page will do, without its looks. */

import { hex } from "../../audit/browser/bytes.js";
import { utf8 } from "../../audit/browser/canon.js";
import { openKeyFile } from "../../bidding/browser/keyfile.js";
import { readKeyset, sealEnvelope, signManifest } from "../../bidding/browser/envelope.js";
import { Api, kept, keeping, openStore, send, serverClock, submit } from "../../bidding/browser/upload.js";

const text = (bytes) => new TextDecoder().decode(bytes);

/** Seal the chosen files and PUT the payload; the largest step and what the manifest says. */
export async function sealChosen({ context, keyset, created }) {
  const files = [...document.querySelector("#files").files].map((blob) => ({ blob }));
  const guard = await readKeyset(utf8(keyset)), parts = [], progress = [];
  const sealed = await sealEnvelope(context, guard, {
    files, created, sink: (bytes, n) => void (parts[n] = new Blob([bytes])), progress: (done, all) => progress.push([done, all]),
  });
  await fetch("/took/payload", { method: "PUT", body: new Blob(parts) });
  const rising = progress.every(([done], at) => !at || done >= progress[at - 1][0]);
  return { manifest: text(sealed.manifest), hash: sealed.hash, progress: progress.at(-1), rising };
}

/** Seal without keeping anything: for memory. */
export async function sealAway({ context, keyset, created }) {
  const files = [...document.querySelector("#files").files].map((blob) => ({ blob }));
  const { size } = await sealEnvelope(context, await readKeyset(utf8(keyset)), { files, created, sink: () => {} });
  return size;
}

const api = (token) => new Api({ headers: () => ({ Authorization: `Bearer ${token}` }) });

/** Seal every stage into the store, signed with the bidder's key file. */
export async function sealBid({ bid, bidder, tender, keysets, opening, schema, created, file, passphrase }) {
  const { signer } = await openKeyFile(utf8(file), passphrase, { kind: "bidder" });
  const store = await openStore(), found = {};
  for (const [stage, told] of Object.entries(keysets)) {
    const guard = await readKeyset(utf8(told)), name = `${bid} ${stage}`;
    const files = stage === "form" ? [] : [...document.querySelector("#files").files].map((blob) => ({ blob }));
    const context = { tender, stage, keyset: guard.hash, bidder, bid, seq: 1 };
    const { sink } = await keeping(store, name);
    const sealed = await sealEnvelope(context, guard, { files, opening: stage === "form" ? opening : {}, schema, created, sink });
    await kept(store, name, sealed, await signManifest(sealed.manifest, signer), { stage });
    found[stage] = sealed.hash;
  }
  return { lasting: store.lasting, names: await store.names(), found };
}

/** Upload what lies in the store, and say as one goes: `window.said` is what the page would show. */
export async function sendBid({ bid, tender, token, pauseAt = null }) {
  const store = await openStore(), stages = {};
  window.said = [];
  for (const name of (await store.names()).filter((one) => one.startsWith(bid))) {
    const { stage } = await store.get(name);
    let upload = null;
    const told = (event) => {
      window.said.push({ stage, ...event });
      if (pauseAt !== null && event.state === "sending" && event.done >= pauseAt && upload && !window.paused) {
        window.paused = true;
        upload.pause();
        setTimeout(() => upload.resume(), 300);
      }
    };
    stages[stage] = await send(store, api(token), tender, name, { told, control: (made) => (upload = made) });
  }
  window.ready = stages;
  return Object.keys(stages);
}

/** The last request. */
export async function submitBid({ bid, tender, token }) {
  const receipts = await submit(api(token), tender, bid, window.ready);
  const store = await openStore();
  for (const name of await store.names()) await store.remove(name);
  return receipts;
}

/** What a refusal of the last request says. */
export async function refusal(given) {
  const why = await submitBid(given).catch((found) => found);
  return { code: why.code, status: why.status, receipt: why.problem.receipt, said: why.problem.detail };
}

/** What waits in the store. */
export const names = async () => (await openStore()).names();

export async function clock() {
  const found = await serverClock(new Api());
  return { time: found.now().getTime(), within: found.within, factor: found.factor };
}

/** Every byte that the browser has kept for this site, as hex-free text: what a thief of the disk would read. */
export async function everythingKept() {
  const root = await navigator.storage.getDirectory(), found = [];
  const walk = async (folder) => {
    for await (const [name, handle] of folder.entries()) {
      if (handle.kind === "directory") await walk(handle);
      else found.push([name, hex(new Uint8Array(await (await handle.getFile()).arrayBuffer()))]);
    }
  };
  await walk(root);
  return { files: found, local: JSON.stringify({ ...localStorage }), session: JSON.stringify({ ...sessionStorage }), databases: (await indexedDB.databases()).length };
}
