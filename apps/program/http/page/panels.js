// What is not a chart: figures, troubles, restores, and the tables.

import {attribute, byId, html, keyed, rows, text} from "./dom.js";
import {NONE, count, day, kindName, localTime, moment, percent, rate, span, timeOfDay, windowSpan, windowState}
  from "./format.js";

const ROWS = 24;  // of partitions
const REFUSED = 8;  // records

export function showTroubles(found) {
  byId("troubles").hidden = found.length === 0;
  keyed(byId("trouble-list"), found, (each) => each.reason,
        () => html("li", {}, html("strong"), html("ul"), html("p", {class: "remedy"})), (item, each) => {
          const [title, details, remedy] = item.children;
          text(title, each.title);
          keyed(details, each.details, (detail) => detail, () => html("li"), (line, detail) => text(line, detail));
          text(remedy, each.remedy ?? "");
        });
}

export function showRestores(state) {
  const found = state.threads.flatMap((thread) => thread.tasks).flatMap((task) =>
    task.phase === "running" ? [] :
    task.restores.length === 0 ? [{key: task.task, words: `Task ${task.task}: ${task.phase}`}] :
    task.restores.map((each) => {
      const all = Math.max(1, each.end - each.begin), done = Math.min(all, Math.max(0, each.position - each.begin));
      const left = each.seconds_left == null ? "" : `, about ${span(each.seconds_left * 1000)} left`;
      const far = `${count(done)} of ${count(all)} offsets of its changelog, ${percent(done / all)}${left}`;
      return {key: `${task.task} ${each.store}`, all, done, words: `Task ${task.task}, store ${each.store}: ${far}`};
    }));
  byId("restores").hidden = found.length === 0;
  keyed(byId("restore-list"), found, (each) => each.key,
        () => html("li", {}, html("label", {}, html("span"), html("progress"))), (item, each) => {
          const [words, bar] = item.firstChild.children;
          text(words, each.words);
          bar.hidden = each.all === undefined;
          attribute(bar, "max", each.all ?? 1);
          attribute(bar, "value", each.done ?? null);
        });
}

/** The watermark that holds all others back: that of the slowest source partition that is active. */
function slowest(partitions) {
  const known = partitions.filter((each) => each.watermark_ms != null);
  const active = known.filter((each) => each.status === "active");
  const from = active.length > 0 ? active : known;
  return from.length === 0 ? null : Math.min(...from.map((each) => each.watermark_ms));
}

export function showFigures(state, flow, windows, kind, partitions) {
  const figures = [];
  const last = kind === undefined ? undefined : windows.series(kind).findLast((window) => window.final);
  if (last) figures.push({term: "users in the last final window", value: count(last.users), note: windowSpan(last)});
  const {accepted, merged, late, dead_lettered: dead} = state.counters;
  figures.push({term: "records read a second", value: rate(flow.read),
                note: `${count(accepted + merged)} accepted so far`});
  figures.push({term: "records behind", value: count(flow.lag),
                note: flow.lag === 0 ? "caught up" : "not processed and committed yet"});
  const watermark = slowest(partitions);
  if (watermark != null)
    figures.push({term: "watermark", value: timeOfDay(watermark, true), note: `${day(watermark)}, UTC`});
  figures.push({term: "late / refused", value: `${count(late)} / ${count(dead)}`, note: others(state.counters)});
  keyed(byId("figures"), figures, (each) => each.term,
        () => html("div", {}, html("dt"), html("dd", {class: "value"}), html("dd", {class: "note"})), (box, each) => {
          text(box.children[0], each.term);
          text(box.children[1], each.value);
          text(box.children[2], each.note);
        });
}

const OTHERS = {early_closes: "closed early", dropped_after_close: "dropped after a close", lost: "lost input",
                out_of_order: "out of order"};

function others(counters) {
  const said = Object.entries(OTHERS).filter(([name]) => counters[name] > 0)
      .map(([name, words]) => `${count(counters[name])} ${words}`);
  return said.length > 0 ? said.join(", ") : "records of the application's life";
}

export function showPartitions(partitions, own) {
  const order = (each) => [own.has(each.topic) ? 1 : 0, -(each.lag ?? 0), each.topic, each.partition];
  const sorted = [...partitions].sort((a, b) => {
    const [left, right] = [order(a), order(b)];
    const at = left.findIndex((value, i) => value !== right[i]);
    return at < 0 ? 0 : left[at] < right[at] ? -1 : 1;
  });
  rows(byId("partition-rows"), sorted.slice(0, ROWS), (each) => `${each.topic} ${each.partition}`, (each) => [
    {text: `${each.topic} ${each.partition}`, header: true, className: own.has(each.topic) ? "quiet" : null},
    {text: each.watermark_ms == null ? NONE : timeOfDay(each.watermark_ms, true), title: moment(each.watermark_ms)},
    {text: count(each.lag), className: "number",
     title: `committed ${count(each.committed)} of ${count(each.end)}`},
    each.why ? `${each.status}: ${each.why}` : each.status,
  ]);
  const hidden = sorted.length - ROWS;
  text(byId("partition-note"), sorted.length === 0 ? "No partition is assigned to this copy." :
       hidden > 0 ? `The ${ROWS} furthest behind; ${count(hidden)} more are in /state.` : "");
}

export function showThreads(state, flow) {
  rows(byId("thread-rows"), state.threads, (thread) => thread.thread, (thread) => {
    const shares = (flow.shares.get(thread.thread) ?? []).filter(([, share]) => share >= 0.01);
    const commits = flow.commits.get(thread.thread);
    return [
      {text: String(thread.thread), header: true},
      shares.map(([name, share]) => `${name} ${percent(share)}`).join(", ") || thread.activity,
      {text: commits == null ? count(thread.commits) : `${rate(commits)}/s`, className: "number",
       title: `${count(thread.commits)} commits, ${count(thread.aborts)} aborts`},
      {text: thread.last_commit_ms == null ? NONE : `${count(thread.last_commit_ms)} ms`, className: "number"},
    ];
  });
}

export function showRefused(state) {
  const reasons = Object.entries(state.refused_by_reason).map(([reason, number]) => `${count(number)} ${reason}`);
  const all = count(state.counters.dead_lettered);
  text(byId("refused-note"), reasons.length > 0 ? `Since the start: ${reasons.join(", ")}. The last of them:` :
       state.counters.dead_lettered > 0 ? `None since the start; ${all} in the application’s life.` : "None.");
  byId("refused-table").hidden = state.last_refused.length === 0;
  const keyOf = (each) => `${each.topic} ${each.partition} ${each.offset}`;
  rows(byId("refused-rows"), state.last_refused.slice(0, REFUSED), keyOf, (each) => [
    {text: `${each.topic} ${each.partition}, offset ${count(each.offset)}`, header: true,
     title: `committed at ${localTime(each.committed_at_ms)}`},
    each.detail ? `${each.reason}: ${each.detail}` : each.reason,
    {text: each.value, className: "bytes", boxed: true, title: each.value},
  ]);
}

/** The windows that the chart shows, newest first. */
export function showWindowTable(windows) {
  const newest = [...windows].reverse();
  rows(byId("window-rows"), newest, (window) => `${window.window} ${window.start_ms}`, (window) => [
    {text: windowSpan(window), header: true},
    {text: count(window.users), className: "number"},
    {text: count(window.frames), className: "number"},
    {text: (window.frames / (window.duration_ms / 1000)).toFixed(2), className: "number"},
    windowState(window),
  ]);
}

/** Every tenth second of the throughput, newest first. */
export function showFlowTable(samples) {
  const chosen = samples.filter((sample, index) => (samples.length - 1 - index) % 10 === 0).reverse().slice(0, 30);
  rows(byId("flow-rows"), chosen, (sample) => sample.at, (sample) => [
    {text: localTime(sample.at), header: true},
    {text: rate(sample.read), className: "number"},
    {text: count(sample.lag), className: "number"},
  ]);
}

/** One radio button for each kind of window; `choose` is called with the one that is picked. */
export function showKinds(kinds, chosen, choose) {
  const box = byId("kinds");
  box.hidden = kinds.length < 2;
  const labels = box.querySelector("span") ?? box.appendChild(html("span"));
  keyed(labels, kinds, (kind) => kind, (kind) => {
    const input = html("input", {type: "radio", name: "kind", value: kind});
    input.addEventListener("change", () => choose(kind));
    return html("label", {}, input, html("span", {}, kindName(kind)));
  }, (label, kind) => {
    label.firstChild.checked = kind === chosen;
  });
}
