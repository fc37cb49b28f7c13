/* The verifier on a thread of its own, so that the page stays awake. It gets files and trust files and gives reports; one run at a time,
 * in the order asked. */

import { verify, verifyReceipt } from "./verify.js";

const OFTEN = 100; // milliseconds between two words on progress

async function run({ run: number, archives, receipts, trust }) {
  let last = 0;
  let step = "";
  const progress = (told) => {
    const now = Date.now();
    if (told.step === step && now - last < OFTEN) return;
    [last, step] = [now, told.step];
    postMessage({ run: number, progress: told });
  };
  const held = await Promise.all(receipts.map(async ({ name, blob }) => ({ name, bytes: new Uint8Array(await blob.arrayBuffer()) })));
  const reports = archives.length ? await verify(archives, { ...trust, receipts: held, progress }) : [];
  const alone = archives.length || !trust.policy ? [] : await Promise.all(held.map((one) => verifyReceipt(one, trust)));
  return { run: number, reports, alone };
}

let before = Promise.resolve();
onmessage = ({ data }) => {
  before = before.then(() => run(data)).then(postMessage, (error) => postMessage({ run: data.run, broke: String(error?.message ?? error) }));
};
postMessage({ ready: true });
