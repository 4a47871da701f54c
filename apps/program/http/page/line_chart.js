// One value over the last minutes, as a line: throughput, lag.

import {axis} from "./axis.js";
import {attribute, attributes, html, keyed, svg, text} from "./dom.js";
import {localTime, tick} from "./format.js";
import {Tip} from "./tip.js";

const HEIGHT = 170, TOP = 40, BOTTOM = 24, LEFT = 46, RIGHT = 10;
const SHORTEST = 60_000;  // ms that are shown at least

export class LineChart {
  /** `title` and `unit` stand above it; `write` makes a text of a value. */
  constructor(container, {title, unit, write}) {
    Object.assign(this, {unit, write, samples: []});
    this.svg = svg("svg", {class: "chart", role: "img", height: HEIGHT, width: "100%"});
    this.now = svg("text", {class: "now", x: 0, y: 16});
    this.grid = svg("g", {class: "grid"});
    this.area = svg("path", {class: "area"});
    this.line = svg("path", {class: "line"});
    this.dot = svg("circle", {class: "dot", r: 4, visibility: "hidden"});
    this.time = svg("g", {class: "time"});
    this.svg.append(this.now, this.grid, this.area, this.line, this.dot, this.time);
    this.title = title;
    this.box = html("div", {class: "chart-box", role: "group",
                            "aria-label": `${title}: arrow keys go along the time`}, this.svg);
    container.append(this.box);
    this.tip = new Tip(this.box, {
      placeAt: (x) => this.nearest(x),
      places: () => this.samples.length,
      describe: (index) => this.describe(index),
      mark: (index) => this.mark(index),
    });
    new ResizeObserver(() => this.draw()).observe(this.box);
  }

  /** Shows samples {at, value}, of which some have no value yet. */
  update(samples) {
    this.samples = samples.filter((sample) => sample.value != null);
    this.draw();
  }

  draw() {
    const width = this.box.clientWidth, last = this.samples.at(-1);
    if (width === 0) return;
    attribute(this.svg, "viewBox", `0 0 ${width} ${HEIGHT}`);
    const words = `${this.title}: ${last ? `${this.write(last.value)} ${this.unit}` : "not known yet"}`;
    text(this.now, words);
    attribute(this.svg, "aria-label", words);
    if (!last) return;
    const to = last.at, from = Math.min(this.samples[0].at, to - SHORTEST);
    const height = HEIGHT - TOP - BOTTOM;
    const scale = axis(Math.max(...this.samples.map((sample) => sample.value)), 3);
    this.x = (ms) => LEFT + ((ms - from) / (to - from)) * (width - LEFT - RIGHT);
    this.y = (value) => TOP + height - (value / scale.top) * height;
    this.drawGrid(scale, width);
    const point = (at, value) => `${this.x(at).toFixed(1)} ${this.y(value).toFixed(1)}`;
    const points = this.samples.map((sample) => point(sample.at, sample.value)).join("L");
    attribute(this.line, "d", `M${points}`);
    attribute(this.area, "d", `M${point(this.samples[0].at, 0)}L${points}L${point(to, 0)}Z`);
    this.drawTime(from, to);
    this.tip.refresh();
  }

  drawGrid(scale, width) {
    keyed(this.grid, scale.values, (value) => value, () => svg("g", {}, svg("line"), svg("text")), (group, value) => {
      const [line, label] = group.children;
      const y = this.y(value);
      attributes(line, {x1: LEFT, x2: width - RIGHT, y1: y, y2: y, class: value === 0 ? "base" : null});
      attributes(label, {x: LEFT - 8, y: y + 4});
      text(label, tick(value));
    });
  }

  drawTime(from, to) {
    const labels = [{ms: from, anchor: "start"}, {ms: to, anchor: "end"}];
    keyed(this.time, labels, ({anchor}) => anchor, ({anchor}) => svg("text", {"text-anchor": anchor, y: HEIGHT - 6}),
          (label, {ms}) => {
            attribute(label, "x", this.x(ms));
            text(label, localTime(ms));
          });
  }

  nearest(x) {
    if (!this.x) return null;
    let best = null;
    this.samples.forEach((sample, index) => {
      const distance = Math.abs(this.x(sample.at) - x);
      if (best === null || distance < best.distance) best = {index, distance};
    });
    return best && best.index;
  }

  describe(index) {
    const sample = this.samples[index];
    return sample && {x: this.x(sample.at), y: this.y(sample.value), beside: 0,
                      title: localTime(sample.at), lines: [`${this.write(sample.value)} ${this.unit}`]};
  }

  mark(index) {
    attribute(this.dot, "visibility", index == null ? "hidden" : "visible");
    if (index == null) return;
    const {at, value} = this.samples[index];
    attributes(this.dot, {cx: this.x(at), cy: this.y(value)});
  }
}
