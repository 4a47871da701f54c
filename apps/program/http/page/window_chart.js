// Users and frames per window as bars, one above the other, over event time.

import {axis, days, timeTicks} from "./axis.js";
import {attribute, attributes, html, keyed, svg, text} from "./dom.js";
import {count, lengthName, rate, tick, windowSpan, windowState} from "./format.js";
import {Tip} from "./tip.js";

const HEIGHT = 336, TOP = 34, BETWEEN = 36, BOTTOM = 40, RIGHT = 8;
const USERS_SHARE = 0.68;  // of the height that bars have
const NARROWEST = 5, WIDEST = 46;  // px of a bar's place
const BESIDE_TITLE = 300;  // px: what is written over the bars ends here at the least
const FEWEST = 16;  // places: a chart that begins with one window has room to grow

export class WindowChart {
  constructor(container) {
    this.windows = [];
    this.svg = svg("svg", {class: "chart", role: "img", height: HEIGHT, width: "100%"});
    this.pattern();
    this.panels = ["users", "frames"].map((what) => ({
      what,
      title: svg("text", {class: "axis-title", x: 0}),
      grid: svg("g", {class: "grid"}),
      bars: svg("g", {class: what}),
      values: svg("g", {class: "values"}),
    }));
    this.time = svg("g", {class: "time"});
    this.dates = svg("text", {class: "axis-title"});
    this.cursor = svg("rect", {class: "cursor", visibility: "hidden"});
    this.words = svg("text", {class: "open-word"});
    this.svg.append(this.cursor, ...this.panels.flatMap((each) => [each.title, each.grid, each.bars, each.values]),
                    this.words, this.time, this.dates);
    this.box = html("div", {class: "chart-box", role: "group", "aria-label":
                            "Chart of windows: arrow keys go from one to the next"}, this.svg);
    container.append(this.box);
    this.tip = new Tip(this.box, {
      placeAt: (x) => this.nearest(x),
      places: () => this.shown.length,
      describe: (index) => this.describe(index),
      mark: (index) => this.mark(index),
    });
    this.shown = [];
    new ResizeObserver(() => this.draw()).observe(this.box);
  }

  pattern() {
    const hatch = svg("pattern", {id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse",
                                  patternTransform: "rotate(45)"},
                      svg("line", {x1: 0, y1: 0, x2: 0, y2: 6}));
    this.svg.append(svg("defs", {}, hatch));
  }

  /** Shows windows of one kind, which are in order of time. */
  update(windows, kind) {
    this.windows = windows;
    this.kind = kind;
    this.draw();
  }

  draw() {
    const width = this.box.clientWidth;
    if (width === 0 || this.windows.length === 0) return;
    attribute(this.svg, "viewBox", `0 0 ${width} ${HEIGHT}`);
    const duration = this.windows.at(-1).duration_ms;
    const end = this.windows.at(-1).start_ms + duration;
    this.left = 46;
    const room = width - this.left - RIGHT;
    const most = Math.max(1, Math.floor(room / NARROWEST));
    this.from = Math.max(this.windows[0].start_ms, end - most * duration);
    this.shown = this.windows.filter((window) => window.start_ms >= this.from);
    this.to = Math.max(end, this.from + FEWEST * duration);
    this.x = (ms) => this.left + ((ms - this.from) / (this.to - this.from)) * room;
    const height = HEIGHT - TOP - BETWEEN - BOTTOM;
    const users = Math.round(height * USERS_SHARE);
    this.panel(this.panels[0], TOP, users, width);
    this.panel(this.panels[1], TOP + users + BETWEEN, height - users, width);
    this.drawTime(width);
    this.drawOpenWord();
    attribute(this.svg, "aria-label", this.summary());
    this.tip.refresh();
  }

  panel(panel, top, height, width) {
    const {what} = panel;
    text(panel.title, `${what === "users" ? "Unique users" : "Frames"} per ${lengthName(this.kind)}`);
    attribute(panel.title, "y", top - 14);
    const scale = axis(Math.max(...this.shown.map((window) => window[what])), height > 100 ? 5 : 3);
    const y = (value) => top + height - (value / scale.top) * height;
    keyed(panel.grid, scale.values, (value) => value, () => svg("g", {}, svg("line"), svg("text")), (group, value) => {
      const [line, label] = group.children;
      const at = y(value);
      attributes(line, {x1: this.left, x2: width - RIGHT, y1: at, y2: at, class: value === 0 ? "base" : null});
      attributes(label, {x: this.left - 8, y: at + 4});
      text(label, tick(value));
    });
    keyed(panel.bars, this.shown, (window) => window.start_ms, (window) => {
      const {x, wide} = this.place(window);
      return svg("rect", {x, width: wide, y: y(0), height: 0});
    }, (bar, window) => {
      const {x, wide} = this.place(window);
      attributes(bar, {class: window.final ? "bar" : "bar open", x, width: wide});
      // Later, so that one that is new grows from nothing.
      requestAnimationFrame(() => attributes(bar, {y: y(window[what]), height: y(0) - y(window[what])}));
    });
    this.label(panel, y);
  }

  /** Numbers over the bars: all where they fit, else only over the highest that is final. */
  label(panel, y) {
    const {what} = panel;
    const final = this.shown.filter((window) => window.final);
    const highest = final.reduce((best, window) => (best && best[what] >= window[what] ? best : window), null);
    const step = this.x(this.shown[0].start_ms + this.shown[0].duration_ms) - this.x(this.shown[0].start_ms);
    const widest = highest ? count(highest[what]).length * 7.5 + 4 : 0;
    const chosen = what === "frames" || !highest ? [] : step >= widest ? final : [highest];
    keyed(panel.values, chosen, (window) => window.start_ms, () => svg("text"), (label, window) => {
      const {x, wide} = this.place(window);
      attributes(label, {x: x + wide / 2, y: y(window[what]) - 5});
      text(label, count(window[what]));
    });
  }

  place(window) {
    const from = this.x(window.start_ms), step = this.x(window.start_ms + window.duration_ms) - from;
    const wide = Math.max(1, Math.min(WIDEST, step - Math.max(1, step * 0.18)));
    return {x: from + (step - wide) / 2, wide};
  }

  drawTime(width) {
    const wanted = Math.max(2, Math.floor((width - this.left) / 84));
    const y = HEIGHT - BOTTOM + 18;
    keyed(this.time, timeTicks(this.from, this.to, wanted), ({ms}) => ms, () => svg("g", {}, svg("line"), svg("text")),
          (group, {ms, label}) => {
            const [line, word] = group.children;
            attributes(line, {x1: this.x(ms), x2: this.x(ms), y1: y - 18, y2: y - 13});
            attributes(word, {x: Math.min(this.x(ms), width - 16), y});
            text(word, label);
          });
    attributes(this.dates, {x: this.left, y: HEIGHT - 4});
    text(this.dates, `${days(this.from, this.shown.at(-1).start_ms + this.shown.at(-1).duration_ms)}, UTC`);
  }

  /** Says in the chart itself which bars are not final. */
  drawOpenWord() {
    const open = this.shown.filter((window) => !window.final);
    text(this.words, open.length === 0 ? "" : open.length === 1 ? "still open" : `${open.length} still open`);
    if (open.length === 0) return;
    const {x, wide} = this.place(open.at(-1));
    attributes(this.words, {x: Math.max(x + wide, BESIDE_TITLE), y: TOP - 16, "text-anchor": "end"});
  }

  nearest(x) {
    let best = null;
    this.shown.forEach((window, index) => {
      const {x: left, wide} = this.place(window);
      const distance = Math.abs(left + wide / 2 - x);
      if (best === null || distance < best.distance) best = {index, distance};
    });
    return best && best.distance <= 60 ? best.index : null;
  }

  describe(index) {
    const window = this.shown[index];
    if (!window) return null;
    const {x, wide} = this.place(window);
    return {
      x: x + wide / 2,
      y: TOP + 110,
      beside: wide / 2,
      title: windowSpan(window),
      lines: [`${count(window.users)} users`,
              `${count(window.frames)} frames, ${rate(window.frames / (window.duration_ms / 1000))} a second`,
              windowState(window)],
    };
  }

  mark(index) {
    attribute(this.cursor, "visibility", index == null ? "hidden" : "visible");
    if (index == null) return;
    const {x, wide} = this.place(this.shown[index]);
    attributes(this.cursor, {x: x - 2, width: wide + 4, y: TOP - 4, height: HEIGHT - TOP - BOTTOM + 4});
  }

  summary() {
    const final = this.shown.filter((window) => window.final), last = final.at(-1);
    const all = `Unique users and frames per ${lengthName(this.kind)}: ` +
                `${final.length} final windows, ${this.shown.length - final.length} still open.`;
    if (!last) return all;
    return `${all} The last final one, ${windowSpan(last)}: ${count(last.users)} users, ${count(last.frames)} frames.`;
  }
}
