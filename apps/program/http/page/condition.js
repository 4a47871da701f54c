// What the application is in, in a word and a sentence: the first thing to see.

import {count, localTime, rate, span} from "./format.js";

const KEEPING_UP = 2_000;  // ms of work that may be open: it is always some

// Levels: how it looks. Each has its own shape and words; colour only repeats them.
const SHAPES = {
  well: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18z",  // a disc
  busy: "M12 3a9 9 0 1 0 0 18z M12 3a9 9 0 0 1 0 18 M12 4.500a7.500 7.500 0 0 1 0 15",  // half a disc
  trouble: "M12 2L23 21H1z",  // a triangle
  still: "M4 4h16v16H4z",  // a square
};

// What people want to know of a reason of /ready that is no ordinary step, beside its detail.
const REASONS = {
  "broker-away": {title: "The broker is gone",
                  remedy: "Nothing is lost. It keeps trying, and goes on by itself once the broker answers."},
  silent: {title: "A thread waits for the broker", remedy: "It goes on by itself once the broker answers."},
  stalled: {title: "No progress",
            remedy: "Look for a leader that is away, or a producer that left a transaction open."},
  "no-member": {title: "Not in the group", remedy: "It joins by itself."},
};

/** What is wrong, the cause first and with what follows of it: {reason, title, details, remedy}. */
export function troubles(state) {
  const all = (state?.unready ?? []).filter(({reason}) => reason in REASONS);
  const cause = all.find(({reason}) => reason === "broker-away");
  const found = new Map();
  for (const reason of Object.keys(REASONS)) {
    for (const each of all.filter((one) => one.reason === reason)) {
      const of = cause && reason !== "stalled" ? cause.reason : reason;
      if (!found.has(of)) found.set(of, {reason: of, ...REASONS[of], details: []});
      found.get(of).details.push(each.detail);
    }
  }
  return [...found.values()];
}

function ended(state) {
  const partitions = state.threads.flatMap((thread) => thread.tasks.flatMap((task) => task.partitions));
  return state.state === "stopping" || state.state === "stopped" ||
         (partitions.length > 0 && partitions.every((partition) => partition.status === "ended"));
}

function unanswered(state, lostSince) {
  const since = `It has not answered since ${localTime(lostSince)}.`;
  if (!state) return {level: "trouble", word: "No answer", text: since};
  const below = "Below is what it last said.";
  return ended(state) ? {level: "still", word: "Ended", text: `The run was over. ${since} ${below}`}
                      : {level: "trouble", word: "No answer", text: `${since} ${below}`};
}

function running(flow) {
  const well = (words) => ({level: "well", word: "Running", text: words});
  if (flow.lag == null || flow.lag === 0)
    return well(flow.read > 0 ? `caught up, ${rate(flow.read)} records/s` : "caught up");
  if (!(flow.read > 0)) return well(`${count(flow.lag)} records behind`);
  const left = (flow.lag / flow.read) * 1000;
  return well(left < KEEPING_UP ? `keeping up, ${rate(flow.read)} records/s`
                                : `${count(flow.lag)} records behind, about ${span(left)} to go`);
}

/** {level, word, text} of the last /state, or of its absence: lostSince is when answers ended, or null. */
export function condition(state, lostSince, flow) {
  if (lostSince != null) return unanswered(state, lostSince);
  if (!state) return {level: "busy", word: "Connecting", text: ""};
  const reasons = new Set(state.unready.map((each) => each.reason));
  if (state.state === "failed") return {level: "trouble", word: "Failed", text: "its log says why"};
  if (state.state === "created") return {level: "busy", word: "Starting", text: "looking for its broker and topics"};
  if (state.state !== "running")
    return {level: "still", word: state.state === "stopping" ? "Stopping" : "Stopped", text: "committing what is done"};
  if (reasons.has("broker-away")) return {level: "trouble", word: "Broker gone", text: "it keeps trying"};
  if (reasons.has("silent")) return {level: "trouble", word: "Waiting for the broker", text: "no answer yet"};
  if (reasons.has("stalled")) return {level: "trouble", word: "Stalled", text: "there are records, but none come"};
  if (reasons.has("no-member")) return {level: "busy", word: "Joining", text: "not in its group yet"};
  if (reasons.has("restoring")) return {level: "busy", word: "Restoring", text: "reading its state back"};
  return running(flow);
}

export const shapeOf = (level) => SHAPES[level];
/** For the title of the tab, where there is no colour. */
export const markOf = (level) => ({well: "", busy: "◐ ", trouble: "▲ ", still: "■ "})[level];
