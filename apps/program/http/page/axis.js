// Where the ticks of axes stand.

import {day, dayOfYear, month, timeOfDay} from "./format.js";

/** An axis from 0 to a little more than `most`, with at most `wanted` round steps: {top, values}. */
export function axis(most, wanted) {
  if (!(most > 0)) return {top: 1, values: [0, 1]};
  const top = most * 1.06;
  const power = 10 ** Math.floor(Math.log10(top / wanted));
  const step = Math.max(1, [1, 2, 5, 10].find((each) => top / (each * power) < wanted + 1) * power);
  const values = [];
  for (let value = 0; value <= top; value += step) values.push(value);
  return {top, values};
}

const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const STEPS = [SECOND, 5 * SECOND, 10 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE,
               HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY];

/** At most `wanted` round times between two, each with its label: {ms, label}. Days are named where they begin. */
export function timeTicks(from, to, wanted) {
  const step = STEPS.find((each) => (to - from) / each <= wanted);
  if (step === undefined) return monthTicks(from, to, wanted);
  const found = [];
  for (let ms = Math.ceil(from / step) * step; ms <= to; ms += step) {
    const label = ms % DAY === 0 ? dayOfYear(ms) : timeOfDay(ms, step < MINUTE);
    found.push({ms, label});
  }
  return found;
}

function monthTicks(from, to, wanted) {
  const first = new Date(from), last = new Date(to);
  const number = (date) => date.getUTCFullYear() * 12 + date.getUTCMonth();
  const step = [1, 3, 6, 12, 24, 60, 120].find((each) => (number(last) - number(first)) / each <= wanted) ?? 240;
  const found = [];
  for (let each = Math.ceil(number(first) / step) * step; each <= number(last); each += step) {
    const ms = Date.UTC(Math.floor(each / 12), each % 12, 1);
    if (ms >= from && ms <= to) found.push({ms, label: step % 12 ? month(ms) : String(new Date(ms).getUTCFullYear())});
  }
  return found;
}

/** The days that an axis covers: "11 Jul 2016", or from one to the other. */
export function days(from, to) {
  const first = day(from), last = day(to - 1);
  return first === last ? first : `${first} – ${last}`;
}
