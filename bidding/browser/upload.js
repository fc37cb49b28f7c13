/* A sealed payload on its way (bidding/uploads.py): segments of 1 MiB that are named by what they hold, a few at once, each sent again until
 * it is acknowledged; a pause, a reload or a lost network costs what was under way. No DOM: runs in a page, a worker and Node.
 *
 * Uploading is not submitting: `submit` is a small request of its own, and nothing counts before its receipts are here. What is kept for a
 * reload is ciphertext, manifests and signatures, which the platform is to have anyway; no plaintext and no key ever reaches a store. */

import { base64, hex, join, unbase64 } from "../../audit/browser/bytes.js";
import { Refused, SEGMENT, sha256Hex } from "./envelope.js";

const PATIENCE = [200, 500, 1000, 2000, 4000, 8000, 15_000]; // milliseconds between tries; the last one for ever
const STUMBLES = new Set([408, 425, 429, 500, 502, 503, 504]); // the server's trouble, not a rule's
const LONGEST = 120_000; // milliseconds a segment may take: 1 MiB on a line of 70 kbit/s
const PARALLEL = 4;

/** The network or the server stumbled; whoever is asked again may answer. */
export class Stumbled extends Error {
  constructor(why, wait = 0) {
    super(why);
    Object.assign(this, { name: "Stumbled", wait });
  }
}

/** The platform's API of one origin. `headers()` gives what identifies the caller; a cookie of the page's own session goes along by itself. */
export class Api {
  constructor({ base = "/api/v1", headers = () => ({}), fetch = (...all) => globalThis.fetch(...all) } = {}) {
    Object.assign(this, { base, headers, fetch });
  }

  /** One request, once: its Response. Refused with the platform's code and `problem` (its sentence is `problem.detail`, a signed refusal
   * `problem.receipt` or `problem.slip`); Stumbled where trying again may help. */
  async once(method, path, { body, headers = {}, signal, longest = LONGEST } = {}) {
    const ended = AbortSignal.any([AbortSignal.timeout(longest), ...(signal ? [signal] : [])]);
    let response;
    try {
      const sent = { ...this.headers(), ...headers };
      response = await this.fetch(this.base + path, { method, body, headers: sent, signal: ended, credentials: "same-origin", redirect: "error", cache: "no-store" });
    } catch (why) {
      signal?.throwIfAborted();
      throw new Stumbled(why.name === "TimeoutError" ? "timeout" : "network");
    }
    if (response.ok) return response;
    const problem = await response.json().catch(() => ({}));
    if (STUMBLES.has(response.status)) throw new Stumbled(problem.code ?? `HTTP-${response.status}`, 1000 * (Number(response.headers.get("retry-after")) || 0));
    throw Object.assign(new Refused(problem.code ?? `HTTP-${response.status}`, problem.facts ?? {}), { status: response.status, problem });
  }

  /** The same, again and again until it is answered; `told({state: "waiting", why, again})` before each wait, in milliseconds. */
  async request(method, path, { told = () => {}, ...how } = {}) {
    for (let tries = 0; ; tries++) {
      try {
        return await this.once(method, path, how);
      } catch (why) {
        if (!(why instanceof Stumbled)) throw why;
        const wait = Math.max(why.wait, PATIENCE[Math.min(tries, PATIENCE.length - 1)]), again = Math.round(wait * (0.8 + 0.4 * Math.random()));
        told({ state: "waiting", why: why.message, again });
        await pause(again, how.signal);
      }
    }
  }

  /** An act; its key is the hash of what is asked, so that asking twice does it once. */
  async post(path, value, { key, ...how } = {}) {
    const body = JSON.stringify(value), named = key ?? (await sha256Hex(join(path, 0, body)));
    const headers = { "Content-Type": "application/json", "Idempotency-Key": named };
    return (await this.request("POST", path, { ...how, body, headers })).json();
  }
}

/* Wait, but no longer than until the network is back or somebody gives up. */
function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const end = (finish) => () => {
      clearTimeout(timer);
      globalThis.removeEventListener?.("online", back);
      signal?.removeEventListener("abort", gone);
      finish();
    };
    const back = end(resolve), gone = end(() => reject(signal.reason)), timer = setTimeout(back, milliseconds);
    globalThis.addEventListener?.("online", back);
    signal?.addEventListener("abort", gone);
    if (signal?.aborted) gone();
  });
}

// ---- one payload

/** One payload's upload. `source`: {size, leaves: [bytes], read(n)}, where read gives segment n as bytes or Blob. `told` hears
 * {state, done, size, …}: "sending", "paused", "waiting" (with why and again), "complete"; `done` is what the platform has acknowledged. */
export class Upload {
  constructor(api, tender, source, { id = null, told = () => {}, begun = () => {}, parallel = PARALLEL, signal } = {}) {
    Object.assign(this, { api, tender, source, id, begun, parallel, signal, done: 0, paused: false, resumed: [] });
    this.told = (event) => told({ done: this.done, size: source.size, ...event });
  }

  /** Let what is under way arrive, and begin nothing new. */
  pause() {
    this.paused = true;
    this.told({ state: "paused" });
  }

  resume() {
    this.paused = false;
    this.told({ state: "sending" });
    this.resumed.splice(0).forEach((go) => go());
  }

  /** Send what the platform lacks: {id, root}. Refused as the platform refuses; U-RESUME where the upload is of another size. */
  async run() {
    const ask = { signal: this.signal, told: this.told };
    let state = await this.#state(ask);
    if (state.size !== this.source.size) throw new Refused("U-RESUME", { upload: this.id, size: state.size, wanted: this.source.size });
    while (!state.complete) {
      this.done = this.#held(state); // a list of missing segments is capped: ask again until none is left
      this.told({ state: this.paused ? "paused" : "sending" });
      const waiting = state.missing.values(), stop = new AbortController();
      const signal = AbortSignal.any([stop.signal, ...(this.signal ? [this.signal] : [])]);
      const lane = async () => {
        for (const n of waiting) await this.#send(n, signal);
      };
      const lanes = Array.from({ length: this.parallel }, lane);
      try {
        await Promise.all(lanes);
      } catch (why) {
        stop.abort(why);
        await Promise.allSettled(lanes);
        throw why;
      }
      state = await this.#state(ask);
    }
    this.done = this.source.size;
    this.told({ state: "complete" });
    return { id: this.id, root: state.root };
  }

  async #state(ask) {
    const found = this.id && (await this.api.request("GET", `/uploads/${this.id}`, ask).catch((why) => {
      if (why.code !== "E-UPLOAD") throw why; // forgotten after a day: begin again
    }));
    if (found) return found.json();
    const key = hex(crypto.getRandomValues(new Uint8Array(16))); // two uploads of one size are two uploads
    const made = await this.api.post(`/tenders/${this.tender}/uploads`, { size: this.source.size }, { ...ask, key });
    this.id = made.id;
    await this.begun(made.id); // kept before the first byte leaves
    return made;
  }

  #held({ missing, segments, held }) {
    const last = this.source.size - SEGMENT * (segments - 1);
    const lacking = segments - held, short = missing.at(-1) === segments - 1 && missing.length === lacking;
    return this.source.size - (SEGMENT * (lacking - (short ? 1 : 0)) + (short ? last : 0));
  }

  async #send(n, signal) {
    while (this.paused) await new Promise((go, no) => (this.resumed.push(go), signal.addEventListener("abort", () => no(signal.reason), { once: true })));
    signal.throwIfAborted();
    const body = await this.source.read(n), size = body.size ?? body.length;
    const headers = { "Content-Digest": `rfc6962-sha-256=:${base64(this.source.leaves[n])}:`, "Content-Type": "application/octet-stream" };
    await this.api.request("PUT", `/uploads/${this.id}/segments/${n}`, { body, headers, signal, told: this.told });
    this.done += size;
    this.told({ state: this.paused ? "paused" : "sending" });
  }
}

// ---- the last request

/** Hand in a bid whose payloads are there: `stages` is {stage: {manifest, sig, upload}}. {stage: receipt}; a refusal carries the signed
 * refusal in its `problem`. */
export async function submit(api, tender, bid, stages, how) {
  const told = Object.entries(stages).map(([stage, { manifest, sig, upload }]) => [stage, { manifest: base64(manifest), sig, upload }]);
  return (await api.post(`/tenders/${tender}/bids/${bid}`, { stages: Object.fromEntries(told) }, how)).receipts;
}

// ---- what time it is there

/** The platform's clock: now() is its time as a Date, however the user's own clock is set, `within` the milliseconds it may be off. The best
 * of a few tries; without `/time` from the Date header, in whole seconds. `factor`: seconds of a demonstration's log in one of ours. */
export async function serverClock(api, { tries = 3, signal } = {}) {
  let best = null;
  for (let turn = 0; turn < tries; turn++) {
    const sent = performance.now(), response = await api.once("GET", "/time", { signal, longest: 10_000 }).catch((why) => why), got = performance.now();
    if (response instanceof Stumbled && turn < tries - 1) continue;
    let found;
    if (response instanceof Error) {
      if (response.status !== 404) throw response;
      const plain = await api.fetch(`${api.base}/time`, { cache: "no-store" }), again = performance.now();
      found = { time: Date.parse(plain.headers.get("date")) + 500, at: again, within: 500 + (again - got), factor: 1 };
    } else {
      const { time, factor } = await response.json();
      found = { time: Date.parse(time), at: (sent + got) / 2, within: (factor * (got - sent)) / 2, factor };
    }
    if (!best || found.within < best.within) best = found;
  }
  return { ...best, now: () => new Date(best.time + best.factor * (performance.now() - best.at)) };
}

// ---- what survives a reload: ciphertext and what is said of it

/** Where sealed payloads wait: the browser's private files, else its database, else (with `lasting` false: a reload begins anew, and the page
 * says so) memory. begin(name), write(name, n, bytes), end(name); read(name, n); put(name, value), get(name), names(), remove(name). */
export async function openStore(folder = "sealed") {
  for (const open of [privateFiles, database])
    try {
      const store = await open(folder);
      await store.put("probe", { ok: true });
      await store.remove("probe");
      return store;
    } catch {
      // private windows and old browsers lack one or both
    }
  const kept = new Map(), values = new Map();
  return keeper(false, {
    write: (name, n, bytes) => void kept.set(`${name} ${n}`, new Blob([bytes])),
    read: (name, n) => kept.get(`${name} ${n}`),
    put: (name, value) => void values.set(name, JSON.stringify(value)),
    get: (name) => JSON.parse(values.get(name) ?? "null"),
    names: () => [...values.keys()],
    remove: (name) => [kept, values].forEach((map) => [...map.keys()].forEach((key) => (key === name || key.startsWith(`${name} `)) && map.delete(key))),
  });
}
const keeper = (lasting, how) => ({ lasting, begin: async () => {}, end: async () => {}, ...how });

async function privateFiles(folder) {
  const root = await (await navigator.storage.getDirectory()).getDirectoryHandle(folder, { create: true }), writing = new Map();
  const file = (name, create = false) => root.getFileHandle(encodeURIComponent(name), { create });
  const whole = async (name, content) => {
    const out = await (await file(name, true)).createWritable();
    await out.write(content);
    await out.close();
  };
  return keeper(true, {
    begin: async (name) => void writing.set(name, await (await file(`${name}.payload`, true)).createWritable()),
    write: (name, n, bytes) => writing.get(name).write({ type: "write", position: n * SEGMENT, data: bytes }),
    end: async (name) => {
      await writing.get(name).close(); // until then a reload finds nothing, and the sealing begins anew
      writing.delete(name);
    },
    read: async (name, n) => (await (await file(`${name}.payload`)).getFile()).slice(n * SEGMENT, (n + 1) * SEGMENT),
    put: (name, value) => whole(`${name}.json`, JSON.stringify(value)),
    get: async (name) => file(`${name}.json`).then(async (found) => JSON.parse(await (await found.getFile()).text()), () => null),
    names: async () => {
      const found = [];
      for await (const name of root.keys()) if (name.endsWith(".json")) found.push(decodeURIComponent(name.slice(0, -5)));
      return found.sort();
    },
    remove: async (name) => {
      for (const kind of ["payload", "json"]) await root.removeEntry(encodeURIComponent(`${name}.${kind}`)).catch(() => {});
    },
  });
}

async function database(folder) {
  const done = (request) => new Promise((yes, no) => ((request.onsuccess = () => yes(request.result)), (request.onerror = () => no(request.error))));
  const opening = indexedDB.open(`trading-${folder}`, 1);
  opening.onupgradeneeded = () => ["segments", "values"].forEach((one) => opening.result.createObjectStore(one));
  const db = await done(opening), at = (store, mode = "readwrite") => db.transaction(store, mode).objectStore(store);
  return keeper(true, {
    write: (name, n, bytes) => done(at("segments").put(new Blob([bytes]), [name, n])),
    read: (name, n) => done(at("segments", "readonly").get([name, n])),
    put: (name, value) => done(at("values").put(JSON.stringify(value), name)),
    get: async (name) => JSON.parse((await done(at("values", "readonly").get(name))) ?? "null"),
    names: () => done(at("values", "readonly").getAllKeys()),
    remove: async (name) => {
      await done(at("segments").delete(IDBKeyRange.bound([name], [name, Infinity])));
      await done(at("values").delete(name));
    },
  });
}

// ---- a sealed stage in a store

/** Keep a stage as it is sealed: `sink` is sealEnvelope's. `name` is the page's, one for a bid's stage. */
export async function keeping(store, name) {
  await store.remove(name);
  await store.begin(name);
  return { sink: (bytes, n) => store.write(name, n, bytes) };
}
/** What `sealEnvelope` gave and its signature, now that the payload is whole: from here on a reload goes on. */
export async function kept(store, name, { manifest, root, size, leaves }, sig, more = {}) {
  await store.end(name);
  await store.put(name, { ...more, manifest: base64(manifest), sig, root, size, leaves: leaves.map(base64), upload: null });
}
/** Upload a kept stage, from where it was left: {manifest, sig, upload} for `submit`. `control` is handed the Upload, for pause and resume. */
export async function send(store, api, tender, name, { control = () => {}, ...how } = {}) {
  const found = await store.get(name), source = { size: found.size, leaves: found.leaves.map((leaf) => unbase64(leaf)), read: (n) => store.read(name, n) };
  const begun = (id) => store.put(name, { ...found, upload: id }), upload = new Upload(api, tender, source, { ...how, id: found.upload, begun });
  control(upload);
  const { id, root } = await upload.run();
  if (root !== found.root) throw new Refused("E-PAYLOAD", { field: "root", found: root, wanted: found.root });
  return { manifest: unbase64(found.manifest), sig: found.sig, upload: id };
}
