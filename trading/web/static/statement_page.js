/* The chart of a statement to ask: what a bar says exactly, which months, which trades are behind it. The picture and the
   table stay; this loads when somebody wants it. Nothing is computed here but what is drawn. */

const LIBRARY = "/static/echarts.common.min.js";
const given = JSON.parse(document.getElementById("given").textContent);
const button = document.getElementById("explore");
const plot = document.getElementById("plot");
const status = document.getElementById("plot-status");
const wide = matchMedia("(min-width: 640px)");
const looks = ["(prefers-color-scheme: dark)", "(prefers-contrast: more)", "(forced-colors: active)"].map((one) => matchMedia(one));
let drawn = null;

// The library empties elements by giving them no markup; under Trusted Types that alone is let through.
globalThis.trustedTypes?.createPolicy("default", {
  createHTML: (text) => {
    if (text !== "") throw new TypeError("no markup from a text");
    return text;
  },
});

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const TONES = { deal: "sky", saved: "jade", added: "amber" };
const ROW = 30;
const HEAD = 44;
const FOOT = 34;
const MONTHS = 240;

/* One part of the chart for each measure, one below the other: they are of different sizes. */
function options() {
  const ink = colour("ink-2");
  const label = { color: ink, fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 13 };
  const line = { lineStyle: { color: colour("line-2") } };
  const high = given.line ? MONTHS : given.rows.length * ROW;
  const made = { grid: [], xAxis: [], yAxis: [], series: [], title: [] };
  given.measures.forEach((measure, n) => {
    const top = HEAD + n * (high + HEAD + FOOT);
    made.title.push({ text: `${measure.head} (${given.unit})`, left: 0, top: top - HEAD + 6, textStyle: { ...label, color: colour("ink"), fontSize: 15 } });
    made.grid.push({ top, height: high, left: 8, right: 28, containLabel: true });
    const groups = {
      type: "category", gridIndex: n, data: given.rows.map((row) => row.name), axisLine: line, axisTick: { show: false },
      axisLabel: { ...label, width: wide.matches ? 220 : 96, overflow: "truncate" }, inverse: !given.line, triggerEvent: false,
    };
    const sums = { type: "value", gridIndex: n, splitNumber: wide.matches ? 5 : 3, axisLabel: label, splitLine: line };
    made.xAxis.push(given.line ? groups : sums);
    made.yAxis.push(given.line ? sums : groups);
    made.series.push({
      type: given.line ? "line" : "bar", name: measure.head, xAxisIndex: n, yAxisIndex: n, data: measure.amounts,
      barMaxWidth: 18, symbolSize: 7, cursor: "pointer", color: colour(TONES[measure.tone]), connectNulls: false,
    });
  });
  const zoomed = given.line && given.rows.length > 12;
  const all = given.measures.map((_, n) => n);
  return {
    ...made,
    animation: false,
    aria: { enabled: true, decal: { show: true } },
    axisPointer: { link: [{ [given.line ? "xAxisIndex" : "yAxisIndex"]: "all" }] },
    tooltip: {
      trigger: "axis", renderMode: "richText", confine: true, axisPointer: { type: given.line ? "line" : "shadow" },
      backgroundColor: colour("card"), borderColor: colour("line-2"), textStyle: { ...label, color: colour("ink") },
      formatter: ([{ dataIndex }]) => told(dataIndex),
    },
    dataZoom: zoomed ? [{ type: "slider", xAxisIndex: all, bottom: 4, height: 26, textStyle: label }] : [],
    rooms: given.measures.length * (high + HEAD + FOOT) + (zoomed ? 40 : 0),
  };
}

/* What the table says of a row, as it says it. */
const told = (place) =>
  [given.rows[place].name, ...given.measures.map((one) => `${one.head}  ${one.texts[place]}`)].join("\n");

function draw() {
  drawn?.dispose();
  const { rooms, ...made } = options();
  plot.style.height = `${rooms}px`;
  drawn = globalThis.echarts.init(plot, null, { renderer: "canvas" });
  drawn.setOption(made);
  drawn.on("click", ({ dataIndex }) => given.rows[dataIndex].to && location.assign(given.rows[dataIndex].to));
}

async function explore() {
  button.disabled = true;
  status.textContent = given.words.loading;
  try {
    await import(LIBRARY);
  } catch {
    button.disabled = false;
    status.textContent = given.words.failed;
    return;
  }
  document.getElementById("picture").hidden = true;
  button.hidden = true;
  plot.hidden = false;
  status.textContent = given.words.use;
  draw();
  looks.forEach((one) => one.addEventListener("change", draw));
  wide.addEventListener("change", draw);
  new ResizeObserver(() => drawn.resize()).observe(plot);
}

button.hidden = false;
button.addEventListener("click", explore);
