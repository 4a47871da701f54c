// What a chart says of the place that is pointed at, by pointer or by arrow keys.

import {attribute, html, text} from "./dom.js";

export class Tip {
  /**
   * Makes `box`, which holds a chart, answer: placeAt(x) is the index of the place nearest to x, places() how many
   * there are, describe(index) {x, y, beside, title, lines} or null, mark(index) shows it in the chart (null: none).
   */
  constructor(box, {placeAt, places, describe, mark}) {
    Object.assign(this, {box, placeAt, places, describe, mark, index: null});
    this.element = html("div", {class: "tip", role: "status", hidden: ""});
    box.append(this.element);
    attribute(box, "tabindex", "0");
    box.addEventListener("pointermove",
                         (event) => this.show(placeAt(event.clientX - box.getBoundingClientRect().left)));
    box.addEventListener("pointerleave", () => this.show(null));
    box.addEventListener("blur", () => this.show(null));
    box.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const last = this.places() - 1, at = this.index;
    const next = {ArrowLeft: Math.max(0, (at ?? last + 1) - 1), ArrowRight: Math.min(last, (at ?? last) + 1),
                  Home: 0, End: last, Escape: null}[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.show(last < 0 ? null : next);
  }

  /** Brings what is shown up to date. */
  refresh() {
    this.show(this.index);
  }

  show(index) {
    const found = index == null ? null : this.describe(index);
    this.index = found ? index : null;
    this.mark(this.index);
    this.element.hidden = !found;
    if (!found) return;
    while (this.element.children.length < found.lines.length + 1) this.element.append(html("p"));
    while (this.element.children.length > found.lines.length + 1) this.element.lastChild.remove();
    [found.title, ...found.lines].forEach((line, i) => text(this.element.children[i], line));
    // Beside what it is about: to the right where there is room, else to the left.
    const wide = this.element.offsetWidth, beside = found.beside + 8;
    const fits = found.x + beside + wide <= this.box.clientWidth;
    this.element.style.left = `${Math.max(0, fits ? found.x + beside : found.x - beside - wide)}px`;
    this.element.style.top = `${Math.max(0, found.y - this.element.offsetHeight - 10)}px`;
  }
}
