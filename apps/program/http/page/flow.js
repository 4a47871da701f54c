// How much flows: rates from the counts of successive answers, by topic and node, and their history.

const MEMORY = 600;  // samples: ten minutes
const SILENT = 3_000;  // ms: what a thread said before that says nothing of now
const SMOOTHING = 0.4;  // weight of the newest rate

/** Counts that only grow, until their owner changes; gives rates a second. */
class Meter {
  constructor() {
    this.last = new Map();  // key -> {count, at, rate}
  }

  /** The rate of what is counted under `key`; `at` is when it was counted, in ms. Null: not known yet. */
  rate(key, count, at) {
    const before = this.last.get(key);
    if (before === undefined || count < before.count) {
      this.last.set(key, {count, at, rate: null});
      return null;
    }
    const passed = at - before.at;
    if (passed < 250) return before.rate;  // said once already
    const now = ((count - before.count) / passed) * 1000;
    let smooth = before.rate == null ? now : before.rate + SMOOTHING * (now - before.rate);
    if (now === 0 && smooth < 0.05) smooth = 0;
    this.last.set(key, {count, at, rate: smooth});
    return smooth;
  }
}

function add(sums, key, number) {
  if (number != null) sums.set(key, (sums.get(key) ?? 0) + number);
}

export class Flow {
  constructor() {
    this.forget();
  }

  /** For a program that was started anew. */
  forget() {
    this.meter = new Meter();
    this.samples = [];  // {at, read, lag}
    this.read = null;  // records/s of topics that come from outside
    this.lag = null;  // records of these
    this.sent = null;  // records/s, by all threads to all topics
    this.readBy = new Map();  // "0 frames": records/s of a sub-topology from a topic
    this.into = new Map();  // "0 source frames": records/s into a node
    this.sentBy = new Map();  // the same from it to topics
    this.commits = new Map();  // thread -> commits/s
    this.shares = new Map();  // thread -> [[activity, share of its time]]
    this.spent = new Map();
  }

  /** Takes an answer of /state; `own` names the topics that the application writes for itself. */
  take(state, own) {
    this.readBy = new Map();
    this.into = new Map();
    this.sentBy = new Map();
    let read = null, lag = null, sent = null;
    for (const thread of state.threads) {
      const at = state.now_ms - (thread.published_ms_ago ?? 0);
      const silent = state.now_ms - at > SILENT;
      const rate = (key, count) => (silent ? null : this.meter.rate(`${thread.thread} ${key}`, count, at));
      const more = (sum, number) => (number == null ? sum : (sum ?? 0) + number);
      sent = more(sent, rate("sent", thread.sent_records));
      this.commits.set(thread.thread, rate("commits", thread.commits));
      this.divide(thread);
      for (const task of thread.tasks) {
        const part = task.task.split("_")[0];
        for (const partition of task.partitions) {
          const name = `${task.task} ${partition.topic} ${partition.partition}`;
          const each = rate(name, partition.read_records);
          add(this.readBy, `${part} ${partition.topic}`, each);
          if (own.has(partition.topic)) continue;
          read = more(read, each);
          lag = more(lag, partition.lag);
        }
        for (const node of task.nodes ?? []) {
          const name = `${task.task} node ${node.node}`;
          if (node.records != null) add(this.into, `${part} ${node.node}`, rate(`${name} in`, node.records));
          if (node.sent_records != null)
            add(this.sentBy, `${part} ${node.node}`, rate(`${name} sent`, node.sent_records));
        }
      }
    }
    Object.assign(this, {read, lag, sent});
    this.samples.push({at: state.now_ms, read, lag});
    if (this.samples.length > MEMORY) this.samples.shift();
  }

  /** What a thread did with its time since the last answer that said something new. */
  divide(thread) {
    const before = this.spent.get(thread.thread) ?? {};
    const spent = Object.entries(thread.spent_ms).map(([name, ms]) => [name, ms - (before[name] ?? 0)]);
    const sum = spent.reduce((all, [, ms]) => all + ms, 0);
    if (sum < 500) return;
    this.spent.set(thread.thread, {...thread.spent_ms});
    this.shares.set(thread.thread, spent.map(([name, ms]) => [name, ms / sum]).sort((a, b) => b[1] - a[1]));
  }
}
