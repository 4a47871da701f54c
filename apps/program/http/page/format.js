// How numbers and times are written. All event times are UTC, as the windows are.

const whole = new Intl.NumberFormat("en-US", {maximumFractionDigits: 0});
const tenth = new Intl.NumberFormat("en-US", {maximumFractionDigits: 1, minimumFractionDigits: 1});
const short = new Intl.NumberFormat("en-US", {notation: "compact", maximumFractionDigits: 1});

export const NONE = "–";

/** 1234567 is "1,234,567". */
export function count(number) {
  return number == null ? NONE : whole.format(number);
}

/** A rate a second, without its unit: "0.4", "1,240". */
export function rate(number) {
  if (number == null) return NONE;
  return number > 0 && number < 10 ? tenth.format(number) : whole.format(number);
}

/** 0.25 is "25 %". */
export function percent(share) {
  return `${Math.floor(share * 100 + 1e-9)}\u202f%`;
}

/** For axes: "950", "12K". */
export function tick(number) {
  return number >= 10_000 ? short.format(number) : number % 1 ? String(number) : whole.format(number);
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (number) => String(number).padStart(2, "0");

/** "13:44", or "13:44:20" where the seconds matter. */
export function timeOfDay(ms, seconds = ms % 60_000 !== 0) {
  const date = new Date(ms);
  return `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}` + (seconds ? `:${two(date.getUTCSeconds())}` : "");
}

/** "11 Jul 2016". */
export function day(ms) {
  const date = new Date(ms);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}

/** "11 Jul". */
export function dayOfYear(ms) {
  const date = new Date(ms);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
}

/** "Jul 2016". */
export function month(ms) {
  const date = new Date(ms);
  return `${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}

/** "11 Jul 2016 13:44:38". */
export function moment(ms) {
  return ms == null ? NONE : `${day(ms)} ${timeOfDay(ms, true)}`;
}

/** The time of day here, for what happened while the page looked on. */
export function localTime(ms) {
  const date = new Date(ms);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
}

/** "3 s", "4 min", "2 h 10 min", "3 d". */
export function span(ms) {
  const seconds = Math.round(ms / 1000);
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.round(hours / 24)} d`;
}

/** How people call a kind of window: "60" is "1 min", "day" is "day". */
export function kindName(name) {
  const seconds = Number(name);
  if (!Number.isFinite(seconds)) return name;
  if (seconds % 3600 === 0) return `${seconds / 3600} h`;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}

/** The same behind "per": "window of 1 min", "day". */
export function lengthName(name) {
  return Number.isFinite(Number(name)) ? `window of ${kindName(name)}` : name;
}

/** Which time a window covers, with its day: "11 Jul 2016 13:43–13:44". */
export function windowSpan(window) {
  const {start_ms: start, duration_ms: duration} = window;
  if (window.window === "year") return String(new Date(start).getUTCFullYear());
  if (window.window === "month") return month(start);
  if (window.window === "week") return `week of ${day(start)}`;
  if (window.window === "day") return day(start);
  const end = start + duration;
  const until = day(start) === day(end) || timeOfDay(end) === "00:00" ? timeOfDay(end) : moment(end);
  return `${day(start)} ${timeOfDay(start)}–${until}`;
}

/** What state a window is in, in words. */
export function windowState(window) {
  const again = window.revision > 0 ? `revision ${window.revision}` : "";
  if (!window.final) return again ? `still open, ${again}` : "still open";
  return again ? `final, ${again}` : "final";
}
