/* Archives in the browser (audit/log.md §7): a zip of one framing, read by slices of the file, whatever its size. What another zip might
 * hold (deflated members, comments, extra fields, a second copy of a name) is refused before a byte of it is used, so there is nothing
 * here that unpacks, and no bomb. */

import { Sha256, digest, hex, join, same } from "./bytes.js";
import { parse, utf8 } from "./canon.js";
import { need } from "./trust.js";

const PIECE = 4 * 1024 * 1024;
const WHOLE = 64 * 1024 * 1024;
/** The largest member that is no payload, and the largest list of members: more than this no page should hold in memory. */
export const MOST = 256 * 1024 * 1024;

const TABLES = Array.from({ length: 8 }, () => new Uint32Array(256));
for (let n = 0; n < 256; n++) {
  let c = n;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  TABLES[0][n] = c;
}
for (let n = 0; n < 256; n++) for (let t = 1; t < 8; t++) TABLES[t][n] = (TABLES[t - 1][n] >>> 8) ^ TABLES[0][TABLES[t - 1][n] & 255];

/** CRC-32 of zip, going on from an earlier value. */
export function crc32(data, before) {
  let c = ~before;
  let at = 0;
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES;
  for (; at + 8 <= data.length; at += 8) {
    c ^= data[at] | (data[at + 1] << 8) | (data[at + 2] << 16) | (data[at + 3] << 24);
    c = t7[c & 255] ^ t6[(c >>> 8) & 255] ^ t5[(c >>> 16) & 255] ^ t4[c >>> 24] ^ t3[data[at + 4]] ^ t2[data[at + 5]] ^ t1[data[at + 6]] ^ t0[data[at + 7]];
  }
  for (; at < data.length; at++) c = t0[(c ^ data[at]) & 255] ^ (c >>> 8);
  return ~c >>> 0;
}

/* Little-endian numbers in a row: [[bytes, value], …]. */
function packed(...numbers) {
  const out = new Uint8Array(numbers.reduce((sum, [size]) => sum + size, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const [size, value] of numbers) {
    if (size === 2) view.setUint16(at, value, true);
    else if (size === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += size;
  }
  return out;
}

const FULL16 = 0xffff;
const FULL32 = 0xffffffff;
const fit = (value) => Math.min(value, FULL32);

function zip64(...values) {
  return values.length ? join(packed([2, 1], [2, 8 * values.length]), packed(...values.map((value) => [8, value]))) : new Uint8Array(0);
}

/* What local header and central directory have in common, from "version needed" to the length of the extra field. */
function shared(member, extra) {
  return packed([2, member.needed], [2, 0], [2, 0], [2, 0], [2, 33], [4, member.crc], [4, fit(member.size)], [4, fit(member.size)],
    [2, member.name.length], [2, extra.length]);
}

function localHeader(member) {
  const extra = member.size >= FULL32 ? zip64(member.size, member.size) : zip64();
  return join(packed([4, 0x04034b50]), shared({ ...member, needed: extra.length ? 45 : 20 }, extra), member.name, extra);
}

function centralHeader(member) {
  const extra = zip64(...(member.size >= FULL32 ? [member.size, member.size] : []), ...(member.offset >= FULL32 ? [member.offset] : []));
  const needed = extra.length ? 45 : 20;
  return join(packed([4, 0x02014b50], [2, (3 << 8) | needed]), shared({ ...member, needed }, extra),
    packed([2, 0], [2, 0], [2, 0], [4, 0x01a40000], [4, fit(member.offset)]), member.name, extra);
}

function ending(count, size, offset) {
  const long = count >= FULL16 || size >= FULL32 || offset >= FULL32;
  const record = packed([4, 0x06064b50], [8, 44], [2, (3 << 8) | 45], [2, 45], [4, 0], [4, 0], [8, count], [8, count], [8, size], [8, offset]);
  const locator = packed([4, 0x07064b50], [4, 0], [8, offset + size], [4, 1]);
  const short = Math.min(count, FULL16);
  const last = packed([4, 0x06054b50], [2, 0], [2, 0], [2, short], [2, short], [4, fit(size)], [4, fit(offset)], [2, 0]);
  return long ? join(record, locator, last) : last;
}

/** A zip in this framing, as a Blob: `files` are [path, bytes or Blob, CRC-32 of it], in the order they are to have. */
export function zipped(files) {
  const parts = [], members = [], encoder = new TextEncoder();
  let offset = 0;
  for (const [path, content, crc] of files) {
    const member = { name: encoder.encode(path), crc, size: content.size ?? content.length, offset }, header = localHeader(member);
    parts.push(header, content);
    members.push(centralHeader(member));
    offset += header.length + member.size;
  }
  const central = join(...members);
  return new Blob([...parts, central, ending(members.length, central.length, offset)], { type: "application/zip" });
}

const view = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
const slice = async (blob, from, to) => new Uint8Array(await blob.slice(from, to).arrayBuffer());

function sound(path) {
  return /^[!-[\]-~]+$/.test(path) && path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

/* The members as the central directory tells them, every byte of which is rebuilt. */
async function directory(blob) {
  need(blob.size >= 22, "VB-FRAMING");
  const last = view(await slice(blob, blob.size - 22, blob.size));
  let [count, size, offset, end] = [last.getUint16(10, true), last.getUint32(12, true), last.getUint32(16, true), blob.size - 22];
  if (count === FULL16 || size === FULL32 || offset === FULL32) {
    need(blob.size >= 98, "VB-FRAMING");
    const long = view(await slice(blob, blob.size - 98, blob.size - 42));
    [count, size, offset] = [32, 40, 48].map((at) => Number(long.getBigUint64(at, true)));
    end -= 76;
  }
  need(offset + size === end && same(await slice(blob, end, blob.size), ending(count, size, offset)), "VB-FRAMING");
  need(size <= MOST, "VB-TOO-LARGE");
  const bytes = await slice(blob, offset, end);
  const members = [];
  let low = 0;
  for (let at = 0; at < bytes.length;) {
    need(at + 46 <= bytes.length, "VB-FRAMING");
    const told = view(bytes.subarray(at));
    const length = told.getUint16(28, true);
    const member = { name: bytes.subarray(at + 46, at + 46 + length), crc: told.getUint32(16, true), size: told.getUint32(24, true), offset: low };
    if (member.size === FULL32) {
      need(at + 46 + length + 12 <= bytes.length, "VB-FRAMING");
      member.size = Number(told.getBigUint64(46 + length + 4, true));
    }
    const rebuilt = centralHeader(member);
    need(Number.isSafeInteger(member.size) && same(bytes.subarray(at, at + rebuilt.length), rebuilt), "VB-FRAMING");
    member.start = low + localHeader(member).length;
    low = member.start + member.size;
    at += rebuilt.length;
    member.path = String.fromCharCode(...member.name);
    need(sound(member.path), "VB-PATH", { at: member.path });
    members.push(member);
  }
  need(members.length === count && low === offset, "VB-FRAMING");
  need(members[0]?.path === "MANIFEST", "VB-FRAMING");
  for (let n = 2; n < members.length; n++) need(members[n - 1].path < members[n].path, "VB-FRAMING", { at: members[n].path });
  need(members.slice(1).every((member) => member.path !== "MANIFEST"), "VB-FRAMING");
  return members;
}

/** An archive whose framing and MANIFEST hold. */
export class Archive {
  constructor(blob, members) {
    this.blob = blob;
    this.members = new Map(members.slice(1).map((member) => [member.path, member]));
    this.kept = new Map();
    this.json = new Map();
  }

  /** Read it from end to end: framing, sums, MANIFEST. `keep(path)` says whose bytes stay in memory; `progress(done, total)` is told. */
  static async open(blob, keep, progress = () => {}) {
    const members = await directory(blob);
    const archive = new Archive(blob, members);
    const first = members[0];
    need(first.size <= MOST, "VB-TOO-LARGE");
    const lines = [];
    let at = 0;
    while (at < members.length) {
      let until = at + 1; // as many whole members as fit into a piece
      while (until < members.length && members[until].start + members[until].size - members[at].offset <= PIECE) until++;
      const run = members.slice(at, until);
      const whole = run.at(-1).start + run.at(-1).size - run[0].offset <= PIECE;
      const held = whole ? await slice(blob, run[0].offset, run.at(-1).start + run.at(-1).size) : null;
      for (const member of run) {
        const [from, to] = [member.start, member.start + member.size];
        const header = held ? held.subarray(member.offset - run[0].offset, from - run[0].offset) : await slice(blob, member.offset, from);
        need(same(header, localHeader(member)), "VB-FRAMING", { at: member.path });
        const bytes = held ? held.subarray(from - run[0].offset, to - run[0].offset) : null;
        const sums = await archive.#sums(member, bytes);
        need(sums.crc === member.crc, "VB-FRAMING", { at: member.path });
        if (member === first) archive.manifest = sums.bytes ?? await slice(blob, from, to);
        else lines.push(`${hex(sums.sha256)} ${member.size} ${member.path}\n`);
        if (member !== first && keep(member.path)) {
          need(member.size <= MOST, "VB-TOO-LARGE", { at: member.path });
          archive.kept.set(member.path, (sums.bytes ?? await slice(blob, from, to)).slice());
        }
        progress(to, blob.size);
      }
      at = until;
    }
    need(same(archive.manifest, utf8(lines.join(""))), "VB-MANIFEST", { at: "MANIFEST" });
    return archive;
  }

  /** A JSON file of an archive that nobody has checked. */
  static async peek(blob, path) {
    const member = (await directory(blob)).find((one) => one.path === path);
    return parse(await slice(blob, member.start, member.start + Math.min(member.size, 65_536)));
  }

  async #sums(member, given) {
    const bytes = given ?? (member.size <= WHOLE ? await slice(this.blob, member.start, member.start + member.size) : null);
    if (bytes) return { bytes, crc: crc32(bytes, 0), sha256: await digest(bytes) };
    const sum = new Sha256();
    let crc = 0;
    for await (const piece of this.pieces(member.path, PIECE, member)) {
      crc = crc32(piece, crc);
      sum.update(piece);
    }
    return { bytes: null, crc, sha256: sum.digest() };
  }

  has(path) {
    return this.members.has(path);
  }

  /** The paths that match, in order. */
  named(pattern) {
    return [...this.members.keys()].filter((path) => pattern.test(path));
  }

  size(path) {
    return this.members.get(path).size;
  }

  /** The bytes of a file; fails where it is missing. */
  async read(path) {
    const member = need(this.members.get(path), "VB-MISSING", { at: path });
    need(member.size <= MOST, "VB-TOO-LARGE", { at: path });
    return this.kept.get(path) ?? slice(this.blob, member.start, member.start + member.size);
  }

  /** A file's bytes as a Blob, unread. */
  blobOf(path) {
    const member = need(this.members.get(path), "VB-MISSING", { at: path });
    return this.blob.slice(member.start, member.start + member.size);
  }

  /** A file in pieces of one size (the last may be shorter). */
  async *pieces(path, size, member = this.members.get(path)) {
    for (let at = 0; at < member.size; at += size) {
      yield slice(this.blob, member.start + at, member.start + Math.min(at + size, member.size));
    }
  }
}

// ---- §7 rows: which paths there are, and the exact keys of their JSON (null: an object of which a later step asks)

const HASH = "[0-9a-f]{64}";
const NUMBER = "(?:0|[1-9][0-9]*)";
const ENVELOPE = `bids/[0-9a-f]{32}/[a-z0-9_]+/${NUMBER}`;
const ROWS = [
  [`policy\\.txt|parties\\.txt|checkpoint|checkpoints/${NUMBER}|proofs/${NUMBER}\\.tlog-proof|tsa/${NUMBER}\\.tsr|${ENVELOPE}/payload`, null],
  [`tile/entries/(?:x[0-9]{3}/)*[0-9]{3}(?:\\.p/${NUMBER})?`, null],
  [`rulebook\\.json|keysets/${HASH}\\.json|evaluation/totals\\.json|evaluation/sheets/${HASH}\\.json|${ENVELOPE}/(?:manifest|sig)\\.json`, null],
  ["draw/[^/]+/[1-9][0-9]*/(?:commit|nonces|secret|leaves|calls|names)\\.json", null],
  ["archive\\.json", "edition first origin size tender type"],
  ["frontier\\.json", "hashes size"],
  [`records/${NUMBER}\\.json`, "index nonce record"],
  [`statements/${HASH}\\.json`, "sig statement"],
  [`registrations/${HASH}\\.json`, "registration sig"],
  [`probes/${HASH}\\.json`, "probe sig"],
  [`${ENVELOPE}/opened\\.json`, "at files findings opening unvouched verdict"],
  ["bids/[0-9a-f]{32}/withdrawal\\.json", "sig withdrawal"],
  [`releases/[a-z0-9_]+/${NUMBER}\\.json`, "release sig"],
].map(([pattern, keys]) => [new RegExp(`^(?:${pattern})$`), keys]);

const SUPERVISION = /^(?:evaluation\/sheets\/.*|draw\/.*\/names\.json)$/;

/** Whether a file is kept in memory: all but ciphertext and the log's own tiles. */
export const kept = (path) => !path.endsWith("/payload") && !path.startsWith("tile/");

/** V1: framing and MANIFEST, rows, canonical JSON, and that `archive.json` fits `frontier.json` and the tender's id. */
export async function readArchive(blob, progress) {
  const archive = await Archive.open(blob, kept, progress);
  for (const path of archive.members.keys()) {
    const [, keys] = need(ROWS.find(([pattern]) => pattern.test(path)), "VB-SURPLUS", { at: path });
    if (!path.endsWith(".json")) continue;
    let value;
    try {
      value = parse(archive.kept.get(path));
    } catch {
      need(false, "VB-JSON", { at: path });
    }
    need(Array.isArray(value) === path.endsWith("/sig.json"), "VB-JSON", { at: path });
    const told = Object.keys(value).filter((one) => one !== "ck" || !path.endsWith("/opened.json")).sort().join(" ");
    need(keys === null || told === keys, "VB-JSON", { at: path });
    archive.json.set(path, value);
  }
  for (const path of ["archive.json", "policy.txt", "parties.txt", "checkpoint", "frontier.json", "rulebook.json"]) {
    need(archive.has(path), "VB-MISSING", { at: path });
  }
  const [about, frontier] = ["archive.json", "frontier.json"].map((path) => archive.json.get(path));
  const born = typeof about.tender === "string" && /^.+@(0|[1-9][0-9]*)$/s.exec(about.tender);
  const at = "archive.json";
  need(born && about.type === "trading.archive/v1" && ["public", "supervision"].includes(about.edition), "VB-FIELD", { at });
  need(typeof about.origin === "string" && [about.first, about.size].every((n) => Number.isInteger(n) && n >= 0), "VB-FIELD", { at });
  archive.about = { ...about, born: Number(born[1]), public: about.edition === "public" };
  need(frontier.size === about.first && about.first === Math.floor(archive.about.born / 256) * 256, "VB-FIELD", { at });
  need(archive.about.born < about.size, "VB-FIELD", { at });
  if (archive.about.public) for (const path of archive.named(SUPERVISION)) need(false, "VB-SURPLUS", { at: path });
  return archive;
}

