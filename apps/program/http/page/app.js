// Asks the program once a second, one question at a time, and shows what it answers.

import {condition, markOf, shapeOf, troubles} from "./condition.js";
import {attribute, byId, text} from "./dom.js";
import {Flow} from "./flow.js";
import {count, rate, span} from "./format.js";
import {Graph, notesOf} from "./graph.js";
import {LineChart} from "./line_chart.js";
import * as panels from "./panels.js";
import {WindowChart} from "./window_chart.js";
import {Windows} from "./windows.js";

const EVERY = 1_000, HIDDEN_EVERY = 10_000, SOON = 150;  // ms; hidden: in a tab behind others
const PATIENCE = 5_000;  // ms for an answer
const OPEN_WINDOWS = 100;  // asked for

const flow = new Flow(), windows = new Windows();
const charts = {
  windows: new WindowChart(byId("window-chart")),
  throughput: new LineChart(byId("throughput-chart"), {title: "Throughput", unit: "records/s", write: rate}),
  lag: new LineChart(byId("lag-chart"), {title: "Lag", unit: "records", write: count}),
  graph: new Graph(byId("topology")),
};

let state = null, topology = null, started = null, lostSince = null;
let cursor = "", results = null;
let kind;  // of windows, that was chosen

class Silence extends Error {}

/** An answer, or null where there is none now. Throws Silence where nobody answers. */
async function ask(path, read = (answer) => answer.json()) {
  try {
    const answer = await fetch(path, {signal: AbortSignal.timeout(PATIENCE), cache: "no-store"});
    return answer.ok ? await read(answer) : null;
  } catch (error) {
    throw new Silence(path, {cause: error});
  }
}

/** Topics that the application writes and reads itself. */
function ownTopics() {
  const nodes = topology.sub_topologies.flatMap((part) => part.nodes);
  const written = new Set(nodes.flatMap((node) => node.writes_topics));
  return new Set(nodes.map((node) => node.reads_topic).filter((name) => name && written.has(name)));
}

/** What does not change while the program runs; asked for again when it was started anew. */
async function meet() {
  topology = await ask("/topology");
  started = state.started_ms;
  cursor = "";
  flow.forget();
  charts.graph.show(topology);
}

async function look() {
  state = await ask("/state");
  if (state.started_ms !== started) await meet();
  flow.take(state, ownTopics());
  results = (await ask(`/results?after=${encodeURIComponent(cursor)}`)) ?? {topic: null};
  cursor = results.cursor ?? "";
  windows.takeResults(results);
  await lookAtStores();
}

/** Open windows, from the stores that hold windows. */
async function lookAtStores() {
  const answers = [];
  for (const {store} of (state.stores ?? []).filter((each) => each.kind === "windows"))
    answers.push(await ask(`/state/${encodeURIComponent(store)}?limit=${OPEN_WINDOWS}`));
  windows.takeOpen(answers.filter((answer) => answer !== null));
}

function showCondition() {
  const {level, word, text: words} = condition(state, lostSince, flow);
  attribute(byId("condition"), "data-level", level);
  attribute(byId("shape"), "d", shapeOf(level));
  text(byId("condition-word"), word);
  text(byId("condition-text"), words);
  document.title = `${markOf(level)}${level === "well" ? "" : `${word}, `}${state?.program ?? "Millrace"}`;
  document.body.classList.toggle("stale", lostSince != null);
  panels.showTroubles(level === "trouble" && lostSince == null ? troubles(state) : []);
}

function showIdentity() {
  text(byId("program"), state.program);
  text(byId("identity"), `application ${state.application_id}, on ${state.broker}, ` +
       `up ${span(state.now_ms - state.started_ms)}, version ${state.version}`);
}

function resultNote() {
  if (!results.topic) return "Results go to a file, so only windows that are still open can be shown here.";
  if (results.error) return `Results cannot be read from topic ${results.topic}: ${results.error}`;
  if (!results.complete) return `Reading the results from topic ${results.topic} …`;
  const elsewhere = windows.elsewhere ? " Of open windows this is what this copy holds; others hold more." : "";
  const newest = results.earlier ? ", the newest of them" : "";
  return `Final windows are those in topic ${results.topic}${newest}.${elsewhere}`;
}

function showWindows() {
  const kinds = windows.kinds(), section = byId("windows");
  const counts = Object.keys(state.counters.late_by_window).length > 0;  // windows, whatever becomes of them
  section.hidden = !results || !(results.topic || counts || kinds.length > 0);
  if (section.hidden) return;
  const shown = kinds.includes(kind) ? kind : kinds[0];
  panels.showKinds(kinds, shown, (chosen) => {
    kind = chosen;
    showWindows();
  });
  const series = shown === undefined ? [] : windows.series(shown);
  byId("window-chart").hidden = byId("window-legend").hidden = byId("window-table-box").hidden = series.length === 0;
  const none = series.length === 0 && results.complete ? "No window is there yet. " : "";
  text(byId("window-note"), none + resultNote());
  charts.windows.update(series, shown);
  if (byId("window-table-box").open) panels.showWindowTable(series);
}

function show() {
  showCondition();
  byId("known").hidden = !state || !topology;
  if (byId("known").hidden) return;
  showIdentity();
  showWindows();
  const partitions = state.threads.flatMap((thread) => thread.tasks.flatMap((task) => task.partitions));
  const kinds = windows.kinds();
  panels.showFigures(state, flow, windows, kinds.includes(kind) ? kind : kinds[0], partitions);
  panels.showRestores(state);
  panels.showPartitions(partitions, ownTopics());
  panels.showThreads(state, flow);
  panels.showRefused(state);
  charts.throughput.update(flow.samples.map(({at, read}) => ({at, value: read})));
  charts.lag.update(flow.samples.map(({at, lag}) => ({at, value: lag})));
  panels.showFlowTable(flow.samples);
  charts.graph.update(flow, notesOf(state));
}

async function turn() {
  try {
    await look();
    lostSince = null;
  } catch (error) {
    if (!(error instanceof Silence)) throw error;
    lostSince ??= Date.now();
  } finally {
    const soon = lostSince == null && results?.topic && !results.complete && !results.error;
    setTimeout(turn, soon ? SOON : document.hidden ? HIDDEN_EVERY : EVERY);
    show();
  }
}

byId("window-table-box").addEventListener("toggle", show);
byId("topology-text").addEventListener("toggle", async ({target}) => {
  if (target.open) text(target.querySelector("pre"), await ask("/topology?format=text", (answer) => answer.text()));
});
turn();
