/* Sentences of the catalogue by their code, details (`why`) too, as trading/messages.py says them. Pure: pages, offline pages and Node. */

const WHY = "why: ";
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/* Every phrase as a pattern, those that say most first. */
function phrases(words) {
  const made = [];
  for (const [code, sentence] of Object.entries(words)) {
    if (!code.startsWith(WHY)) continue;
    const parts = code.slice(WHY.length).split(/\{(\w+)\}/), names = parts.filter((_, n) => n % 2);
    const pattern = new RegExp(`^${parts.map((part, n) => (n % 2 ? "(.*)" : escaped(part))).join("")}$`, "s");
    made.push({ length: parts.filter((_, n) => n % 2 === 0).join("").length, pattern, names, sentence });
  }
  return made.sort((a, b) => b.length - a.length);
}

/** Whatever says the sentences of one language: say(code, facts); a code without one as it stands, a missing fact as `…`. */
export function speaker(words) {
  const known = phrases(words);
  const fill = (sentence, facts) => sentence.replace(/\{(\w+)\}/g, (_, name) => facts[name] ?? "…");
  const reason = (told) => {
    for (const { pattern, names, sentence } of known) {
      const found = pattern.exec(told);
      if (found) return fill(sentence, Object.fromEntries(names.map((name, n) => [name, name === "why" ? reason(found[n + 1]) : found[n + 1]])));
    }
    return words[told] ? fill(words[told], {}) : told;
  };
  return function say(code, given = {}) {
    const facts = typeof given.role === "string" && words[`page.role.${given.role}`] ? { ...given, role: words[`page.role.${given.role}`] } : given;
    const { cause, why } = facts;
    const plain = cause?.code && words[cause.code] ? say(cause.code, cause.facts) : typeof why === "string" ? reason(why) : why;
    return fill(words[code] ?? code, why === undefined && !cause ? facts : { ...facts, why: plain });
  };
}
