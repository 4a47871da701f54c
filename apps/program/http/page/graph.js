// The topology as a graph from top to bottom: topics, nodes, and on the edges what flows along them.

import {attribute, svg, text} from "./dom.js";
import {count, rate} from "./format.js";

const GAP = 46, LINE = 16, PADDING = 10, GROUP = 9, GROUP_TITLE = 20, NARROWEST = 150, WIDEST = 330;

/** Items {id, kind, title, lines, part} and edges {from, to, rateOf(flow)} of a /topology. */
function graphOf(topology) {
  const items = new Map(), edges = [], writers = new Map();
  const topic = (name) => {
    const id = `topic ${name}`;
    if (!items.has(id)) items.set(id, {id, kind: "topic", title: name, lines: []});
    return id;
  };
  const readers = (flow, name) => [...flow.readBy].filter(([key]) => key.slice(key.indexOf(" ") + 1) === name);
  for (const part of topology.sub_topologies)
    for (const node of part.nodes) for (const edge of node.writes_edges) writers.set(edge, {part: part.id, node});
  for (const part of topology.sub_topologies) {
    for (const node of part.nodes) {
      const id = `${part.id} ${node.name}`;
      if (node.reads_topic) {
        const key = `${part.id} ${node.reads_topic}`;
        edges.push({from: topic(node.reads_topic), to: id,
                    rateOf: (flow) => flow.readBy.get(key) ?? flow.into.get(id)});
      }
      items.set(id, {id, kind: "node", part: part.id, title: node.name,
                     lines: [...node.operators.map((each) => ({word: each})),
                             ...node.tuning.map((each) => ({word: each, quiet: true})),
                             ...node.stores.map((each) => ({word: `store ${each}`, quiet: true}))]});
      for (const edge of node.reads_edges) {
        const writer = writers.get(edge);
        edges.push({from: `${writer.part} ${writer.node.name}`, to: id, rateOf: (flow) => flow.into.get(id)});
      }
      for (const name of node.writes_topics)
        edges.push({from: id, to: topic(name),
                    rateOf: (flow) => flow.sentBy.get(id) ?? readers(flow, name)[0]?.[1]});
    }
  }
  return {items, edges};
}

/** Gives each item its rank: behind all that lead to it. */
function rank({items, edges}) {
  for (const item of items.values()) item.rank = 0;
  for (let round = 0; round < items.size; ++round) {
    let moved = false;
    for (const edge of edges) {
      const from = items.get(edge.from), to = items.get(edge.to);
      if (to.rank > from.rank) continue;
      to.rank = from.rank + 1;
      moved = true;
    }
    if (!moved) break;  // a topic that leads back to itself never ends it otherwise
  }
  const ranks = [];
  for (const item of items.values()) (ranks[item.rank] ??= []).push(item);
  return ranks.filter(Boolean);
}

const canvas = document.createElement("canvas").getContext("2d");

/** Lines of `word` that are no wider than `width`. */
function wrap(word, width, font) {
  canvas.font = font;
  const lines = [""];
  for (const piece of word.split(/(?<=[\s,|(-])/)) {
    const longer = lines.at(-1) + piece;
    if (lines.at(-1) && canvas.measureText(longer.trimEnd()).width > width) lines.push(piece);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

export class Graph {
  constructor(box) {
    this.box = box;
    this.svg = svg("svg", {class: "graph", role: "img"});
    box.append(this.svg);
    new ResizeObserver(() => this.draw()).observe(box);
  }

  /** Shows a topology. */
  show(topology) {
    this.graph = graphOf(topology);
    this.ranks = rank(this.graph);
    this.draw();
  }

  draw() {
    if (!this.graph || this.box.clientWidth === 0) return;
    this.svg.replaceChildren(this.arrow());
    const most = Math.max(...this.ranks.map((items) => items.length));
    const width = Math.max(this.box.clientWidth - 2, most * (NARROWEST + 16) + 2 * GROUP);
    const styles = getComputedStyle(this.svg);
    this.fonts = {title: `600 13px ${styles.fontFamily}`, line: `12px ${styles.fontFamily}`};
    let y = 2;
    for (const items of this.ranks) y = this.place(items, width, y);
    attribute(this.svg, "width", width);
    attribute(this.svg, "height", y - GAP + GROUP + 4);
    this.drawGroups();
    for (const edge of this.graph.edges) this.drawEdge(edge);
    for (const item of this.graph.items.values()) this.drawItem(item);
    attribute(this.svg, "aria-label", this.words());
    if (this.flow) this.update(this.flow, this.notes);
  }

  arrow() {
    return svg("defs", {}, svg("marker", {id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7,
                                          markerHeight: 7, orient: "auto"}, svg("path", {d: "M0 0L8 4L0 8z"})));
  }

  /** Lays out one rank and returns where the next begins. */
  place(items, width, y) {
    const fresh = items.some((item) => item.kind === "node" && !this.hasAbove(item));
    const top = y + (fresh ? GROUP + GROUP_TITLE : 0);
    const column = (width - 2 * GROUP) / items.length;
    items.forEach((item, index) => {
      const widest = Math.min(column - 12, WIDEST);
      const inside = widest - 2 * PADDING - (item.kind === "topic" ? 10 : 0);
      item.text = [...wrap(item.title, inside, this.fonts.title).map((word) => ({word, title: true})),
                   ...(item.kind === "topic" ? [{word: "topic", quiet: true, note: true}] : []),
                   ...item.lines.flatMap((line) => wrap(line.word, inside, this.fonts.line)
                       .map((word, i) => ({...line, word: i === 0 ? word : `  ${word}`})))];
      canvas.font = this.fonts.title;
      const need = Math.max(...item.text.map((line) => canvas.measureText(line.word).width)) + 2 * PADDING;
      item.wide = item.kind === "topic" ? Math.min(widest, Math.max(NARROWEST, need + 26)) : widest;
      item.high = item.text.length * LINE + 2 * PADDING - 4;
      item.x = GROUP + column * index + (column - item.wide) / 2;
      item.y = top;
    });
    return top + Math.max(...items.map((item) => item.high)) + GAP;
  }

  hasAbove(item) {
    return this.graph.edges.some((edge) => edge.to === item.id && this.graph.items.get(edge.from).part === item.part);
  }

  drawGroups() {
    this.groups = new Map();
    for (const part of new Set([...this.graph.items.values()].map((item) => item.part))) {
      if (part === undefined) continue;
      const items = [...this.graph.items.values()].filter((item) => item.part === part);
      const left = Math.min(...items.map((item) => item.x)) - GROUP;
      const top = Math.min(...items.map((item) => item.y)) - GROUP - GROUP_TITLE + 4;
      const right = Math.max(...items.map((item) => item.x + item.wide)) + GROUP;
      const bottom = Math.max(...items.map((item) => item.y + item.high)) + GROUP;
      const title = svg("text", {class: "group-title", x: left + 9, y: top + 15}, `sub-topology ${part}`);
      this.groups.set(part, title);
      const frame = {class: "group", x: left, y: top, width: right - left, height: bottom - top, rx: 8};
      this.svg.append(svg("rect", frame), title);
    }
  }

  drawItem(item) {
    const rx = item.kind === "topic" ? Math.min(20, item.high / 2) : 4;
    const group = svg("g", {class: item.kind},
                      svg("rect", {x: item.x, y: item.y, width: item.wide, height: item.high, rx}));
    item.text.forEach((line, index) => {
      const middle = item.kind === "topic";
      const label = svg("text", {
        x: middle ? item.x + item.wide / 2 : item.x + PADDING,
        y: item.y + PADDING + 9 + index * LINE,
        class: line.title ? "title" : line.quiet ? "quiet" : null,
        "text-anchor": middle ? "middle" : null,
      }, line.word);
      if (line.note) item.note = label;
      group.append(label);
    });
    this.svg.append(group);
  }

  drawEdge(edge) {
    const from = this.graph.items.get(edge.from), to = this.graph.items.get(edge.to);
    const x1 = from.x + from.wide / 2, y1 = from.y + from.high, x2 = to.x + to.wide / 2, y2 = to.y - 1;
    const bend = (y2 - y1) / 2;
    edge.path = svg("path", {class: "edge", "marker-end": "url(#arrow)",
                             d: `M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}`});
    edge.label = svg("text", {class: "rate", x: (x1 + x2) / 2 + 8, y: y1 + Math.min(bend, 20) + 6});
    this.svg.append(edge.path, edge.label);
  }

  /** Brings rates up to date, and what is said of topics and sub-topologies: see notesOf(). */
  update(flow, notes) {
    Object.assign(this, {flow, notes});
    if (!this.graph) return;
    for (const edge of this.graph.edges) {
      if (!edge.label) continue;
      const known = edge.rateOf(flow);
      text(edge.label, known == null ? "" : `${rate(known)}/s`);
      attribute(edge.path, "class", known > 0 ? "edge flowing" : "edge");
    }
    for (const item of this.graph.items.values())
      if (item.note) text(item.note, notes.topics.get(item.title) ?? "topic");
    for (const [part, title] of this.groups ?? [])
      text(title, notes.parts.get(part) ? `sub-topology ${part}, ${notes.parts.get(part)}` : `sub-topology ${part}`);
  }

  words() {
    return "Topology. " + this.graph.edges.map((edge) =>
      `${this.graph.items.get(edge.from).title} leads to ${this.graph.items.get(edge.to).title}`).join("; ") + ".";
  }
}

/** What the graph says of topics and sub-topologies, beside rates. */
export function notesOf(state) {
  const topics = new Map(), parts = new Map();
  for (const task of state.threads.flatMap((thread) => thread.tasks)) {
    const part = Number(task.task.split("_")[0]);
    parts.set(part, (parts.get(part) ?? 0) + 1);
    for (const {topic} of task.partitions) topics.set(topic, (topics.get(topic) ?? 0) + 1);
  }
  const words = (map, one, many) => new Map([...map].map(([key, n]) => [key, n === 1 ? one : `${count(n)} ${many}`]));
  return {topics: words(topics, "topic, 1 partition here", "partitions here"), parts: words(parts, "1 task", "tasks")};
}
