/* The browser's verifier under Node: one process for a whole run of tests. A line of JSON in (paths), a line of JSON out (reports). */

import { openAsBlob } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import { verify } from "../../trading/web/static/verify.js";

const bytes = async (path) => (path ? new Uint8Array(await readFile(path)) : null);

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  const started = performance.now();
  try {
    const archives = await Promise.all(asked.paths.map(async (path) => ({ name: basename(path), blob: await openAsBlob(path) })));
    const receipts = await Promise.all(asked.receipts.map(async (path) => ({ name: basename(path), bytes: await bytes(path) })));
    const [policy, parties, since] = await Promise.all([asked.policy, asked.parties, asked.since].map(bytes));
    const reports = await verify(archives, { policy, parties, since, receipts });
    process.stdout.write(`${JSON.stringify({ reports, milliseconds: performance.now() - started })}\n`);
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ error: String(error.stack) })}\n`);
  }
}
