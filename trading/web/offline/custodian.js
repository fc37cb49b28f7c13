/* `custodian.html`: a custodian makes a key, states it, answers a rehearsal, and at the hour checks a closing and signs its release, on a machine
 * without a network (envelope.md §2, §6.2). What it signs for a closing it keeps first and signs once: a repetition is the same bytes. */

import { Archive } from "../../../audit/browser/archive.js";
import { base64, hex, join, same, unbase64, unhex } from "../../../audit/browser/bytes.js";
import { canon, parse } from "../../../audit/browser/canon.js";
import { answerRehearsal } from "../../../bidding/browser/custody.js";
import { STATEMENT, checkSignatures, is, readKeyset, readStatement } from "../../../bidding/browser/envelope.js";
import { makeKeyFile, openKeyFile } from "../../../bidding/browser/keyfile.js";
import { checkClosing, checkOnceForEver, makeRelease, makeStatement } from "../../../bidding/browser/release.js";
import { at, beijing, begin, bytesOf, doing, element, groups, memory, named, page, refused, save, see, seen, show, tell, trust, trustCard } from "./shared.js";

let keys = null, kit = null, about = null, found = null, lacking = [];
const needed = (ok, code, facts) => {
  if (!ok) throw refused(code, facts);
  return ok;
};
const trusted = () => needed(trust(), "W-FAULT", { trace: page("trust.none") });

// ---- step 2: the keys, in memory until the page is closed

doing(at("unlock"), "submit", async () => {
  const [identity] = at("identity").files, [box] = at("box").files, { origin } = trusted(), phrase = at("phrase").value;
  needed(identity && box, "K-FILE", { path: page("key.none") });
  const own = await openKeyFile(await bytesOf(identity), phrase, { kind: "identity", origin });
  const pair = await openKeyFile(await bytesOf(box), phrase, { kind: "custodian", origin });
  needed(pair.id === own.id, "C-KEYSET", { why: `a box key of ${pair.id} beside the identity of ${own.id}` });
  keys = { id: own.id, identity: own.signer, pub: own.pub, pair: pair.pair };
  at("phrase").value = "";
  told();
});
at("lock").addEventListener("click", () => {
  keys = found = null;
  told();
});
function told() {
  at("keys").classList.toggle("done", Boolean(keys));
  if (keys) tell(at("unlocked"), "c.unlocked", { id: keys.id, print: groups(hex(keys.pair.pub).slice(2, 18)) });
  else tell(at("unlocked"), "c.locked");
  drawn();
}
const opened = () => needed(keys, "W-FAULT", { trace: page("c.locked") });

/* This custodian's statements in the kit: of its box key, signed by its own identity key, whatever the platform says of them. */
async function ownStatements({ id, pub, pair }) {
  const own = [];
  for (const path of kit.named(/^statements\//)) {
    const { statement, sig } = is.keys({ statement: is.bytes(), sig: is.list((one) => one) })(parse(await kit.read(path)));
    const made = await readStatement(statement);
    if (made.custodian !== id || !same(made.pub, pair.pub)) continue;
    const signed = await checkSignatures(sig, join(STATEMENT, statement), id);
    if (signed.some((one) => one.key === hex(pub))) own.push(made);
  }
  return own;
}

// ---- step 3: the closing, computed

doing(at("kit"), "change", async () => {
  const [file] = at("kit").files;
  kit = found = null;
  lacking = [];
  at("stage").replaceChildren();
  at("stage").disabled = true;
  drawn();
  if (!file) return;
  kit = await Archive.open(file, (path) => !path.endsWith("/payload"));
  about = parse(await kit.read("archive.json"));
  const stages = [];
  for (const path of kit.named(/^keysets\//)) stages.push((await readKeyset(await kit.read(path))).stage);
  const withPayloads = stages.filter((one) => kit.named(new RegExp(`^bids/[^/]+/${one}/\\d+/payload$`)).length);
  at("stage").replaceChildren(...stages.sort().map((one) => Object.assign(element("option", named("stage", one)), { value: one })));
  at("stage").value = withPayloads[0] ?? stages[0] ?? "";
  at("stage").disabled = false;
});
at("stage").addEventListener("change", () => {
  found = null;
  drawn();
});
const receipts = (origin) => JSON.parse(memory(`receipts-${origin}`) ?? "[]");
doing(at("receipts"), "change", async () => {
  const { origin } = trusted(), held = new Set(receipts(origin));
  for (const file of at("receipts").files) held.add(base64(await bytesOf(file)));
  needed(memory(`receipts-${origin}`, JSON.stringify([...held])), "W-FAULT", { trace: page("keeps.nothing") });
  found = null;
  drawn();
});
/* What another tool of this custodian has signed: {closed, release, sig}, as the command line keeps it too. */
doing(at("earlier"), "change", async () => {
  for (const file of at("earlier").files) {
    const bytes = await bytesOf(file), { release, closed } = is.keys({ closed: is.hash, release: is.bytes(), sig: is.list((one) => one) })(parse(bytes));
    const { keyset } = parse(release), before = kept(keyset);
    checkOnceForEver(before, { keyset: { hash: keyset }, closed });
    needed(memory(`release-${is.hash(keyset)}`, base64(bytes)), "W-FAULT", { trace: page("keeps.nothing") });
  }
  drawn();
});
const kept = (keyset) => {
  const bytes = memory(`release-${keyset}`);
  return bytes && { ...parse(unbase64(bytes)), bytes: unbase64(bytes) };
};

async function look() {
  found = null;
  drawn();
  const own = trusted(), mine = opened();
  needed(kit, "W-FAULT", { trace: page("c.kit.none") });
  const last = seen(own.origin), files = { names: [...kit.members.keys()], read: (name) => kit.read(name), blob: (name) => kit.blobOf(name) };
  const shown = receipts(own.origin).map((one) => unbase64(one)), without = at("without").checked ? lacking : [];
  const how = { tender: about.tender, stage: at("stage").value, own: await ownStatements(mine), receipts: shown, without, kept: last };
  try {
    found = await checkClosing(files, own, how);
  } catch (why) {
    if (why.code === "C-PAYLOAD" && !lacking.includes(why.facts.manifest)) lacking.push(why.facts.manifest);
    drawn();
    throw why;
  }
  checkOnceForEver(kept(found.keyset.hash), found);
  see(own.origin, found.checkpoint);
  drawn();
}
doing(at("check"), "click", look);

function drawn() {
  for (const id of ["found", "missing"]) show(id, id === "found" ? Boolean(found) : lacking.length > 0);
  const own = trust(), last = own && seen(own.origin);
  show("seen", Boolean(last) && !found);
  if (last) tell(at("seen"), "kit.seen", { size: last.size });
  if (own) tell(at("receipts-held"), "c.receipts.held", { count: receipts(own.origin).length });
  if (lacking.length) tell(at("without-text"), "c.without", { manifests: lacking });
  for (const one of at("stage").options) one.textContent = named("stage", one.value);
  if (!found) return;
  const { keyset, i, listed, hour, closed, findings } = found;
  at("found-tender").textContent = keyset.tender;
  at("found-stage").textContent = named("stage", keyset.stage);
  tell(at("found-count"), "c.count", { count: listed.length });
  at("found-hour").textContent = beijing(hour);
  tell(at("found-seat"), "c.seat.of", { i, n: keyset.n, k: keyset.k });
  at("found-closed").textContent = groups(closed);
  at("found-findings").replaceChildren(...findings.map((why) => element("li", page("c.finding", { why }))));
}

doing(at("sign"), "click", async () => {
  await look(); // at this hour, not at that of the last look
  const { keyset, closed } = found, before = kept(keyset.hash);
  let bytes = before?.bytes;
  if (!bytes) {
    const { release, sig } = await makeRelease(found, keys.pair, keys.identity);
    bytes = canon({ closed, release: base64(release), sig });
    needed(memory(`release-${keyset.hash}`, base64(bytes)) && kept(keyset.hash), "W-FAULT", { trace: page("keeps.nothing") });
  }
  const name = `${keyset.tender.replace(/[^A-Za-z0-9._-]/g, "_")}-${keyset.stage}-${found.i}.release.json`;
  save(bytes, name);
  show("made", true);
  tell(at("made-name"), "c.released", { name });
  tell(at("aloud"), "c.released", { name });
  at("made-cli").textContent = `trading custodian bring ${name} --url https://… --token …`;
  at("release").classList.add("done");
  at("made").focus();
});

// ---- preparing: keys, statement, rehearsal

const prepared = (code, facts) => {
  show("prepared", true);
  tell(at("prepared"), code, facts);
  tell(at("aloud"), code, facts);
};
doing(at("make"), "submit", async () => {
  const { origin } = trusted(), phrase = at("make-phrase").value;
  needed(phrase === at("make-twice").value, "K-TWICE", {});
  const { bytes, name } = await makeKeyFile({ kind: at("make-kind").value, id: at("make-id").value.trim(), origin }, phrase);
  const file = `${at("make-kind").value}-${name}`;
  save(bytes, file);
  for (const id of ["make-phrase", "make-twice"]) at(id).value = "";
  prepared("c.made.key", { name: file });
});
/* What is typed as Beijing time, as a stamp. */
const typed = (id) => `${new Date(Date.parse(`${at(id).value}Z`) - 8 * 3_600_000).toISOString().slice(0, 19)}.000000Z`;
doing(at("state"), "submit", async () => {
  const { origin } = trusted(), { id, pair, identity } = opened();
  const span = { valid_from: typed("state-from"), valid_to: typed("state-until") };
  const about = { origin, custodian: id, name: at("state-name").value.trim(), pub: pair.pub, ...span, tender: at("state-tender").value.trim() || null };
  const { statement, sig } = await makeStatement(about, identity), name = `${id}.statement.json`;
  save(canon({ statement: base64(statement), sig }), name);
  prepared("c.stated", { name });
});
doing(at("rehearse"), "submit", async () => {
  const { identity, pair } = opened(), [file] = at("statement").files, [asked] = at("challenge").files;
  needed(file && asked, "K-FILE", { path: page("key.none") });
  const { statement } = is.keys({ statement: is.bytes(), sig: is.list((one) => one) })(parse(await bytesOf(file))), made = await readStatement(statement);
  needed(made.origin === trusted().origin, "C-KEYSET", { why: "this key was made for another log or tender" });
  const { challenge, sealed } = JSON.parse(await asked.text()), answer = await answerRehearsal(made, pair, identity, unhex(challenge), unbase64(sealed));
  const name = `${made.custodian}.rehearsal.json`;
  save(canon({ statement: made.hash, challenge, proof: hex(answer.proof), sig: answer.sig }), name);
  prepared("c.rehearsed", { name });
});
addEventListener("beforeunload", (event) => {
  if (document.documentElement.dataset.busy) event.preventDefault();
});

begin("custodian", drawn);
trustCard(async () => {
  keys = found = null;
  told();
});
told();
document.documentElement.dataset.ready = "1";
