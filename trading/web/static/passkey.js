// Passkeys: asks this site what to sign, the browser to sign it, and hands the answer back. Nothing else, and to nobody else.
// A form with data-passkey="use" or "make" names two addresses; without this file or its browser the form stays hidden.

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function ask(form, path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Form-Token": form.elements.form_token.value,
      "Accept-Language": document.documentElement.lang },
    body: JSON.stringify(body),
    credentials: "same-origin",
    redirect: "error",
  });
  const said = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(said.detail || said.title), { code: said.code });
  return said;
}

const descriptors = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

async function make(options) {
  const made = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: descriptors(options.excludeCredentials),
    },
  });
  const { clientDataJSON, attestationObject } = made.response;
  return { id: made.id, rawId: text(made.rawId), type: made.type,
    response: { clientDataJSON: text(clientDataJSON), attestationObject: text(attestationObject) } };
}

async function use(options) {
  const used = await navigator.credentials.get({
    publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: descriptors(options.allowCredentials) },
  });
  const { clientDataJSON, authenticatorData, signature, userHandle } = used.response;
  return { id: used.id, rawId: text(used.rawId), type: used.type,
    response: { clientDataJSON: text(clientDataJSON), authenticatorData: text(authenticatorData), signature: text(signature),
      userHandle: userHandle ? text(userHandle) : null } };
}

async function run(form) {
  const more = form.elements.code ? { code: form.elements.code.value } : {};
  const options = await ask(form, form.dataset.options, more);
  const signed = await (form.dataset.passkey === "make" ? make(options) : use(options));
  const next = form.elements.next ? `?next=${encodeURIComponent(form.elements.next.value)}` : "";
  const answer = await ask(form, form.dataset.answer + next, { ...signed, ...more });
  location.assign(answer.next);
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  form.hidden = false;
  const said = form.querySelector("[role=status]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    said.textContent = form.dataset.waiting;
    try {
      await run(form);
    } catch (error) {
      const ours = typeof error.code === "string"; // a DOMException has a number there
      if (error.code === "W-FRESH") return location.assign("/signin/again?next=/me");
      said.textContent = ours ? error.message : form.dataset[error.name === "InvalidStateError" ? "known" : "failed"];
      button.disabled = false;
    }
  });
}
