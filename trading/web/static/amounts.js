/* Amounts as people type and read them; whole fen between. Pure. */

/** Whole fen of a decimal that was typed, separators and full-width digits as people type them; null where it is none. */
export function amount(typed, decimals = 2) {
  const plain = typed.normalize("NFKC").replace(/[,\s]/g, "");
  const found = /^(\d{1,13})(?:\.(\d*?)0*)?$/.exec(plain);
  if (!found || (found[2] ?? "").length > decimals) return null;
  const value = Number(found[1] + (found[2] ?? "").padEnd(decimals, "0"));
  return Number.isSafeInteger(value) ? value : null;
}

const DIGITS = [..."零壹贰叁肆伍陆柒捌玖"], PLACES = ["仟", "佰", "拾", ""], GROUPS = ["", "万", "亿", "万亿"];
/** Whole fen in capitals, as forms need it: 5287000000 → 伍仟贰佰捌拾柒万元整. */
export function upper(fen) {
  const yuan = Math.floor(fen / 100), [jiao, cents] = [Math.floor(fen / 10) % 10, fen % 10];
  const four = (value) => [...String(value).padStart(4, "0")].map((digit, at) => (digit === "0" ? "零" : DIGITS[digit] + PLACES[at])).join("");
  let told = "";
  for (let group = 3; group >= 0; group--) {
    const value = Math.floor(yuan / 10_000 ** group) % 10_000;
    told += value ? four(value) + "零".repeat(value % 10 ? 0 : 1) + `|${GROUPS[group]}` : "零";
  }
  told = told.replace(/零*\|/g, "").replace(/零+/g, "零").replace(/^零|零$/g, "").replace(/零(?=[万亿])/g, "");
  const small = (jiao ? `${DIGITS[jiao]}角` : cents && yuan ? "零" : "") + (cents ? `${DIGITS[cents]}分` : "");
  return (told ? `${told}元` : small ? "" : "零元") + (small || "整");
}
