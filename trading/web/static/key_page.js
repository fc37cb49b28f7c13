/* `/b/key`: a key pair is made in the thread that may connect nowhere and comes out as a file that its passphrase opens, the same that the
 * command line reads. Registering opens the saved file again: what cannot be opened is not registered. */

import { api, ask, at, given, key, page, receipt, save, show, wrong } from "./desk.js";
import { enrol, keepWrapped } from "./prf.js";

const { bidder, origin } = given;
const chosen = () => document.querySelector("input[name=by]:checked").value;
function ways() {
  show("with-key", chosen() === "key");
  show("with-authority", chosen() === "authority");
  at("register-go").textContent = page(chosen() === "authority" ? "register.request" : "register.go");
}
for (const one of document.querySelectorAll("input[name=by]")) one.addEventListener("change", ways);
ways();

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
  const made = await ask("register", { key: own, earlier, authority: by === "authority" ? at("authority").value : null, bidder, origin });
  if (by !== "authority") return post(made);
  save(JSON.stringify({ registration: made.registration, sig: made.sig }), `${bidder}.registration.json`);
  return told("registered", page("requested", { authority: at("authority").value }));
});

doing("wrap", async () => {
  const file = at("wrap-key").files[0], passphrase = at("wrap-phrase").value;
  if (!file) throw refused("K-FILE", { path: page("key.none") });
  const bytes = new Uint8Array(await file.arrayBuffer()), { credential, input, prf } = await enrol(bidder);
  keepWrapped(bytes, { credential, input, ...(await ask("wrap", { key: { file: bytes, passphrase }, prf, bidder, origin })) });
  at("wrap-phrase").value = "";
  told("wrapped", page("wrapped"));
});

doing("bring", async () => {
  const file = at("signed").files[0];
  if (!file) throw refused("K-FILE", { path: page("key.none") });
  const { registration, sig } = JSON.parse(await file.text());
  await post({ registration, sig });
});
document.documentElement.dataset.ready = "1";
