/* `/b/key`: a key pair is made in the thread that may connect nowhere and comes out as a file that its passphrase opens, the same that the
 * command line reads. Registering opens the saved file again: what cannot be opened is not registered. */

import { api, ask, at, given, key, page, receipt, save, show, wrong } from "./desk.js";
import { enrol, keepWrapped } from "./prf.js";

const { bidder, origin } = given;
const chosen = () => document.querySelector("input[name=by]:checked").value;
function ways() {
  show("with-key", chosen() === "key");
  show("with-authority", chosen() === "authority");
  show("with-certificate", chosen() === "certificate");
  const elsewhere = chosen() === "authority" || (chosen() === "certificate" && !at("secret").files.length);
  at("register-go").textContent = page(elsewhere ? "register.request" : "register.go");
}
for (const one of document.querySelectorAll("input[name=by]")) one.addEventListener("change", ways);
at("secret").addEventListener("change", ways);
ways();

async function bytesOf(id) {
  const file = at(id).files[0];
  return file ? new Uint8Array(await file.arrayBuffer()) : null;
}

/* One form at a time; what went wrong is said above, what went well below it. */
function doing(form, act) {
  at(form).addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = at(form).querySelector("button");
    show("wrong", false);
    button.disabled = true;
    try {
      await act();
    } catch (why) {
      wrong(why);
    }
    button.disabled = false;
  });
}
function told(id, sentence) {
  at(id).textContent = at("aloud").textContent = sentence;
  show(id, true);
}
const refused = (code, facts) => Object.assign(new Error(code), { code, facts });

doing("make", async () => {
  const [phrase, twice] = ["phrase-new", "phrase-twice"].map((id) => at(id).value);
  if (phrase !== twice) throw refused("K-TWICE", {});
  const { bytes, name } = await ask("make", { id: bidder, origin, passphrase: phrase });
  save(bytes, name);
  for (const id of ["phrase-new", "phrase-twice"]) at(id).value = "";
  told("made", page("made", { name }));
  at("key").focus();
});

async function post({ registration, sig }) {
  save(receipt(await api.post("/registrations", { registration, sig })), `${bidder}.registration.receipt.json`);
  told("registered", page("registered"));
  setTimeout(() => location.assign(`/b/key${given.query}`), 2500);
}

doing("register", async () => {
  const own = await key("key", "phrase"), by = chosen();
  if (!own) throw refused("K-FILE", { path: page("key.none") });
  const earlier = by === "key" ? await key("earlier", "earlier-phrase") : null;
  if (by === "key" && !earlier) throw refused("K-FILE", { path: page("key.none") });
  const [chain, secret] = by === "certificate" ? [await bytesOf("chain"), await bytesOf("secret")] : [null, null];
  if (by === "certificate" && !chain) throw refused("K-FILE", { path: page("chain.none") });
  const made = await ask("register", {
    key: own, earlier, authority: by === "authority" ? at("authority").value : null, bidder, origin, chain, time: given.now,
    secret: secret && { file: secret, passphrase: at("secret-phrase").value }, roots: given.cas.map((one) => one.sha256),
  });
  at("secret-phrase").value = "";
  if (by !== "authority" && !(chain && !secret)) return post(made);
  save(JSON.stringify({ registration: made.registration, sig: made.sig }), `${bidder}.registration.json`);
  return told("registered", chain ? page("requested.certificate") : page("requested", { authority: at("authority").value }));
});

doing("wrap", async () => {
  const file = at("wrap-key").files[0], passphrase = at("wrap-phrase").value;
  if (!file) throw refused("K-FILE", { path: page("key.none") });
  const bytes = new Uint8Array(await file.arrayBuffer()), { credential, input, prf } = await enrol(bidder);
  keepWrapped(bytes, { credential, input, ...(await ask("wrap", { key: { file: bytes, passphrase }, prf, bidder, origin })) });
  at("wrap-phrase").value = "";
  told("wrapped", page("wrapped"));
});

/* What was saved to be signed elsewhere: {registration, sig}. */
async function brought() {
  const file = at("signed").files[0];
  if (!file) throw refused("K-FILE", { path: page("key.none") });
  try {
    const { registration, sig } = JSON.parse(await file.text());
    if (typeof registration === "string" && Array.isArray(sig)) return { registration, sig };
  } catch {
    // said below
  }
  throw refused("E-REGISTRATION", { why: "unreadable" });
}
doing("bring", async () => {
  const request = await brought(), signature = await bytesOf("signature");
  await post(signature ? await ask("complete", { request, signature }) : request);
});
at("to-sign").addEventListener("click", async () => {
  show("wrong", false);
  try {
    save(await ask("toSign", { request: await brought() }), `${bidder}.to-sign.bin`);
  } catch (why) {
    wrong(why);
  }
});
document.documentElement.dataset.ready = "1";
