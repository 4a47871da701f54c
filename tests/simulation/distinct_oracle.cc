#include "millrace/tests/simulation/distinct_oracle.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "millrace/operators/fingerprint.h"
#include "millrace/operators/ultraloglog.h"

namespace millrace {

DistinctOracle::Row DistinctOracle::row_of(const OutputRecord& record) {
  Row row{record.offset, std::nullopt, std::string(), record.timestamp_ms};
  const std::size_t space = record.value->find(' ');
  if (space == std::string::npos) return row;
  row.event_ms = std::strtoll(record.value->c_str(), nullptr, 10) * 1000;
  row.user = record.value->substr(space + 1);
  return row;
}

void DistinctOracle::count(std::int32_t partition, const std::vector<OutputRecord>& records,
                           const std::vector<std::int64_t>& cuts) {
  std::optional<std::int64_t> high;
  std::int64_t low = 0;
  for (const std::int64_t cut : cuts) {
    std::vector<Row> run;
    for (const OutputRecord& record : records)
      if (record.partition == partition && record.offset >= low && record.offset < cut)
        run.push_back(row_of(record));
    low = std::max(low, cut);
    for (std::size_t i = 0; i < run.size(); ++i) {
      const Verdict verdict = judge(run, i, high, cut != kEndOfTime);
      if (verdict == Verdict::kWait) break;
      if (verdict == Verdict::kRefuse) {
        dead.emplace_back(partition, run[i].offset);
        continue;
      }
      add(run[i], high);
      high = std::max(high.value_or(*run[i].event_ms), *run[i].event_ms);
    }
  }
  const std::int64_t mark = high ? *high - DistinctRules::kLatenessMs : kNoTime;
  lowest_mark = std::min(lowest_mark, mark);
  highest_mark = std::max(highest_mark, mark);
}

DistinctOracle::Verdict DistinctOracle::judge(const std::vector<Row>& run, std::size_t index,
                                              std::optional<std::int64_t> high,
                                              bool bounded) const {
  constexpr std::int64_t kGuardMs = DistinctRules::kGuardMs;
  const Row& row = run[index];
  if (!row.event_ms) return Verdict::kRefuse;
  const std::int64_t time = *row.event_ms;
  const bool jump = rules_.guard && (!high || time > *high + kGuardMs) &&
                    std::abs(time - row.timestamp_ms) > kGuardMs;
  if (!jump) return Verdict::kAccept;
  int seen = 0;
  int fell = 0;
  for (std::size_t k = index + 1; k < run.size() && seen < 7; ++k) {
    if (!run[k].event_ms) continue;
    ++seen;
    fell += *run[k].event_ms < time - kGuardMs;
  }
  if (fell >= 2) return Verdict::kRefuse;
  if (seen == 7) return Verdict::kAccept;
  if (!bounded) return Verdict::kWait;  // for ever
  return seen < 2 || fell > 0 ? Verdict::kRefuse : Verdict::kAccept;
}

void DistinctOracle::add(const Row& row, std::optional<std::int64_t> high) {
  bool counted = false;
  for (const std::int64_t duration : rules_.durations_s) {
    const std::int64_t length = duration * 1000;
    const std::int64_t end = *row.event_ms / length * length + length;
    if (high && end + rules_.grace_ms <= *high - DistinctRules::kLatenessMs) continue;
    Counted& window = windows[{end, length}];
    window.users.insert(row.user);
    ++window.frames;
    counted = true;
  }
  ++(counted ? accepted : late);
}

std::int64_t DistinctOracle::users(const Counted& counted) const {
  if (!rules_.precision) return static_cast<std::int64_t>(counted.users.size());
  UltraLogLog sketch(*rules_.precision);
  for (const std::string& user : counted.users) sketch.add(fingerprint(user).low);
  return std::llround(sketch.estimate());
}

}  // namespace millrace
