/* hands.js in Node: one question a line, one answer a line. */

import { openAsBlob, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { answering } from "./hands.js";

const answer = answering({ openAsBlob, writeFileSync });
for await (const line of createInterface({ input: process.stdin })) process.stdout.write(`${JSON.stringify(await answer(...JSON.parse(line)))}\n`);
