// The windows that are shown: final ones as the topic of results has them, open ones as the stores have them.

const KEPT = 2000;  // of each kind

export class Windows {
  constructor() {
    this.results = new Map();  // kind -> start -> result of the topic
    this.open = new Map();  // the same of the stores
    this.elsewhere = false;  // whether other copies hold parts of the open ones
  }

  /** Takes an answer of /results. */
  takeResults(answer) {
    if (answer.anew) this.results.clear();
    for (const result of answer.results ?? []) {
      if (!this.results.has(result.window)) this.results.set(result.window, new Map());
      const series = this.results.get(result.window);
      series.set(result.start_ms, result);
      if (series.size > KEPT) series.delete(Math.min(...series.keys()));
    }
  }

  /** Takes answers of /state/<store>; of several shards each counts users of its own. */
  takeOpen(answers) {
    this.open.clear();
    this.elsewhere = answers.some((answer) => answer.elsewhere?.length > 0);
    for (const entry of answers.flatMap((answer) => answer.entries)) {
      if (entry.final) continue;
      if (!this.open.has(entry.window)) this.open.set(entry.window, new Map());
      const series = this.open.get(entry.window), before = series.get(entry.start_ms);
      series.set(entry.start_ms, {
        ...entry,
        duration_ms: entry.end_ms - entry.start_ms,
        users: entry.users + (before?.users ?? 0),
        frames: entry.frames + (before?.frames ?? 0),
      });
    }
  }

  /** Kinds of windows, the short ones first. */
  kinds() {
    const durations = new Map();
    for (const side of [this.open, this.results])
      for (const [kind, series] of side)
        for (const window of series.values()) durations.set(kind, window.duration_ms);
    return [...durations].sort((a, b) => a[1] - b[1]).map(([kind]) => kind);
  }

  /** Windows of a kind by time. What the topic says is final is final; else the stores know better. */
  series(kind) {
    const all = new Map(this.results.get(kind) ?? []);
    for (const [start, window] of this.open.get(kind) ?? [])
      if (!all.get(start)?.final) all.set(start, window);
    return [...all.values()].sort((a, b) => a.start_ms - b.start_ms);
  }
}
