/* Who signed: signature arrays (bidding/envelope.md §1), trust files (envelope.md §2, log.md §4), signed notes (log.md §4).
 * Written from the texts; shares nothing with the Python code. Everything throws a Fault where it does not hold. */

import { hex, same, sha256, uint64, unbase64, unhex } from "./bytes.js";
import { text, utf8 } from "./canon.js";
import { certificateKey } from "./x509.js";

/** What does not hold: a code with a sentence in trading/locale/verify.toml, and facts. */
export class Fault extends Error {
  constructor(code, facts = {}) {
    super(code);
    this.name = "Fault";
    this.code = code;
    this.facts = facts;
  }
}

/** Throw a Fault unless something holds; give it back if it does. */
export function need(ok, code, facts) {
  if (!ok) throw new Fault(code, facts);
  return ok;
}

/** No end: later than every time a record can tell. */
export const NEVER = 1n << 62n;

/** Microseconds since 1970 of `YYYY-MM-DDTHH:MM:SS.ffffffZ` (envelope.md §1). */
export function when(told) {
  const found = typeof told === "string" && /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{6})Z$/.exec(told);
  need(found && found[1] !== "0000", "VB-FIELD");
  const moment = Date.parse(`${told.slice(0, 19)}.000Z`);
  need(Number.isFinite(moment) && new Date(moment).toISOString().slice(0, 19) === told.slice(0, 19), "VB-FIELD");
  return BigInt(moment) * 1000n + BigInt(found[7]);
}

// ---- signatures: envelope.md §1

const P = (1n << 255n) - 19n;
const SMALL = new Set([
  0n, 1n, P - 1n, // the y of every point of small order
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd83d3d706a17c7n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
]);

function sound(point) {
  const y = BigInt(`0x${hex(Uint8Array.from(point).reverse())}`) & ((1n << 255n) - 1n);
  return y < P && !SMALL.has(y);
}

const imported = new Map();
function key(name, pub) {
  const known = `${name} ${hex(pub)}`;
  if (!imported.has(known)) {
    const algorithm = name === "Ed25519" ? { name } : { name: "ECDSA", namedCurve: "P-256" };
    imported.set(known, crypto.subtle.importKey("raw", pub, algorithm, false, ["verify"]));
  }
  return imported.get(known);
}

/** Fails unless a key is an Ed25519 one that may be used at all. */
export const edwards = (pub) => need(pub.length === 32 && sound(pub), "VB-KEY") && pub;

/** Fails unless 65 bytes are an uncompressed point of P-256. */
export async function point(pub) {
  need(pub.length === 65 && pub[0] === 4, "VB-KEY");
  await key("P-256", pub).catch(() => need(false, "VB-KEY"));
  return pub;
}

/* What has verified once: a note is read under two policies, and lies in many archives. */
const proved = new Set();
const MOST = 50_000;

/** Fails unless `sig` is the Ed25519 signature of a sound key, with a sound R. */
export async function eddsa(pub, sig, message) {
  edwards(pub);
  need(sig.length === 64 && sound(sig.subarray(0, 32)), "VB-SIGNATURE");
  const known = hex(sha256(pub, sig, message));
  if (proved.has(known)) return;
  const held = await key("Ed25519", pub).then((one) => crypto.subtle.verify("Ed25519", one, sig, message)).catch(() => false);
  need(held, "VB-SIGNATURE");
  if (proved.size >= MOST) proved.clear();
  proved.add(known);
}

async function es256(pub, sig, message) {
  await point(pub);
  need(sig.length === 64, "VB-SIGNATURE");
  need(await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, await key("P-256", pub), sig, message), "VB-SIGNATURE");
}

/** The keys (hex → {alg, x5c}) behind a non-empty signature array, every one of which must verify. */
export async function signers(sigs, message) {
  const out = new Map();
  need(Array.isArray(sigs) && sigs.length > 0, "VB-SIGNATURE");
  for (const one of sigs) {
    const fields = Object.keys(one).sort().join(" ");
    need(fields === "alg key sig" || fields === "alg sig x5c", "VB-SIGNATURE");
    const pub = one.x5c ? certificateKey(unbase64(one.x5c[0])) : unbase64(one.key);
    const sig = unbase64(one.sig, 64);
    if (one.alg === "EdDSA") await eddsa(pub, sig, message);
    else if (one.alg === "ES256") await es256(pub, sig, message);
    else need(false, "VB-SIGNATURE");
    need(!out.has(hex(pub)), "VB-SIGNATURE");
    out.set(hex(pub), { alg: one.alg, x5c: one.x5c ?? null });
  }
  return out;
}

// ---- trust files: envelope.md §2, log.md §4

/** name, key id and public key of a vkey of one type (1 a signer, 4 a witness). */
export function vkey(told, type) {
  const [, name, id, coded] = need(/^([^+\s]+)\+([0-9a-f]{8})\+(.+)$/.exec(told), "VB-TRUST");
  const raw = unbase64(coded, 33);
  need(raw[0] === type && hex(sha256(name, "\n", raw).subarray(0, 4)) === id, "VB-TRUST");
  return { name, id, pub: edwards(raw.subarray(1)) };
}

function lines(bytes) {
  const all = text(bytes);
  need(all.endsWith("\n"), "VB-TRUST");
  return all.slice(0, -1).split("\n").map((line) => line.split(/[ \t]+/).filter((word) => word));
}

/** The lines of `parties.txt`: [{id, role, key (hex), from, until}]. */
export function parties(bytes) {
  const ids = lines(bytes).map((words) => {
    const [role, id, coded, from, until] = words;
    need(words.length === 5 && ["authority", "custodian", "party", "ca"].includes(role), "VB-TRUST");
    const named = role === "ca" ? { name: id, pub: unhex(coded) } : vkey(coded, 1);
    need(named.name === id, "VB-TRUST");
    return { id, role, key: hex(named.pub), from: when(from), until: until === "-" ? NEVER : when(until) };
  });
  ids.forEach((p, n) => ids.slice(0, n).forEach((q) => {
    if (p.key === q.key) need(p.id === q.id, "VB-TRUST");
    else if (p.id === q.id && p.role === q.role) need(p.until <= q.from || q.until <= p.from, "VB-TRUST");
  }));
  return ids;
}

const LAST = 253402300799n; // 9999-12-31T23:59:59Z

/** A `policy.txt`: the log's keys, its witnesses and what makes a quorum of them. */
export class Policy {
  constructor(bytes) {
    this.keys = new Map(); // "name id" → {witness: name or null, pub}
    this.members = new Map(); // witness or group → null or {n, of}
    this.logs = []; // public keys, the last one signs now
    this.origin = null;
    this.quorum = null;
    const grouped = new Set();
    const pubs = new Set();
    const take = (name, told, type) => {
      const { name: signer, id, pub } = vkey(told, type);
      need(!pubs.has(hex(pub)), "VB-TRUST");
      pubs.add(hex(pub));
      this.keys.set(`${signer} ${id}`, { witness: name, pub });
      return { signer, pub };
    };
    for (const words of lines(bytes)) {
      const [kind, name, ...rest] = words;
      if (!kind || kind.startsWith("#")) continue;
      if (kind === "log" && name && rest.length < 2) {
        const { signer, pub } = take(null, name, 1);
        need(this.origin === null || this.origin === signer, "VB-TRUST");
        this.origin = signer;
        this.logs.push(pub);
      } else if (kind === "witness" && rest.length > 0 && rest.length < 3) {
        need(!this.members.has(name), "VB-TRUST");
        take(name, rest[0], 4);
        this.members.set(name, null);
      } else if (kind === "group" && rest.length > 1) {
        const [count, ...of] = rest;
        const n = count === "all" ? of.length : count === "any" ? 1 : Number(/^[1-9][0-9]*$/.exec(count)?.[0]);
        need(n <= of.length && !this.members.has(name), "VB-TRUST");
        for (const one of of) {
          need(this.members.has(one) && !grouped.has(one), "VB-TRUST");
          grouped.add(one);
        }
        this.members.set(name, { n, of });
      } else {
        need(kind === "quorum" && name && !rest.length && this.members.has(name) && this.quorum === null, "VB-TRUST");
        this.quorum = name;
      }
    }
    need(this.origin !== null && this.quorum !== null, "VB-TRUST");
  }

  /** Whose keys these are, as lines for people. */
  named() {
    return [...this.keys].map(([signer, { witness }]) => `${witness === null ? "log" : "witness"} ${signer.split(" ")[0]}`);
  }

  /** The public keys (hex) of its witnesses. */
  witnesses() {
    return new Set([...this.keys.values()].filter((one) => one.witness !== null).map((one) => hex(one.pub)));
  }

  #met(name, have) {
    const group = this.members.get(name);
    if (group === null) return have.has(name);
    return group.of.filter((one) => this.#met(one, have)).length >= group.n;
  }

  /** size, root and time of a signed note of this log; the time (microseconds) is null where the quorum has not signed. `strict`, as in
   * an archive: every line is of a key known here, and each witness has one. */
  async note(bytes, strict = false) {
    const all = text(bytes);
    const split = all.lastIndexOf("\n\n");
    const body = all.slice(0, split + 1);
    const told = /^([^\n]+)\n(0|[1-9][0-9]*)\n([^\n]+)\n$/.exec(body);
    need(split > 0 && told && all.endsWith("\n"), "VB-NOTE");
    need(told[1] === this.origin, "VB-ORIGIN");
    const message = utf8(body);
    const times = new Map();
    const logs = new Set();
    for (const line of all.slice(split + 2, -1).split("\n")) {
      const [, name, coded] = need(/^— ([^ ]+) ([^ ]+)$/.exec(line), "VB-NOTE");
      const raw = unbase64(coded);
      const known = this.keys.get(`${name} ${hex(raw.subarray(0, 4))}`);
      need(known || !strict, "VB-UNKNOWN-KEY");
      if (!known) continue;
      if (known.witness === null) {
        await eddsa(known.pub, raw.subarray(4), message);
        need(!strict || !logs.has(hex(known.pub)), "VB-NOTE");
        logs.add(hex(known.pub));
        continue;
      }
      need(raw.length === 76, "VB-SIGNATURE");
      const time = uint64(raw, 4);
      need(time >= 1n && time <= LAST, "VB-NOTE");
      need(!strict || !times.has(known.witness), "VB-NOTE");
      await eddsa(known.pub, raw.subarray(12), utf8(`cosignature/v1\ntime ${time}\n${body}`));
      if (!(times.get(known.witness) <= time)) times.set(known.witness, time);
    }
    need(logs.size, "VB-SIGNATURE");
    const size = Number(told[2]);
    need(Number.isSafeInteger(size), "VB-NOTE");
    const met = [...times.values()].sort((a, b) => (a < b ? -1 : 1)).find((t) =>
      this.#met(this.quorum, new Set([...times].filter(([, u]) => u <= t).map(([name]) => name))));
    const earliest = [...times.values()].reduce((a, b) => (a === null || b < a ? b : a), null); // of those that are counted
    return { size, root: unbase64(told[3], 32), time: met === undefined ? null : met * 1_000_000n, earliest: earliest === null ? null : earliest * 1_000_000n };
  }
}

