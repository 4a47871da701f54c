#include "millrace/apps/program/newest_results.h"

#include <algorithm>
#include <utility>

namespace millrace {

void NewestResults::add(WindowResult result) {
  Series& series = kinds_[result.name()];
  const std::int64_t start_s = result.start_s;
  const bool is_new = series.insert_or_assign(start_s, Numbered{++last_, std::move(result)}).second;
  if (is_new && ++held_ > windows_) forget_one();
}

void NewestResults::forget_one() {
  const auto most =
      std::ranges::max_element(kinds_, {}, [](const auto& kind) { return kind.second.size(); });
  most->second.erase(most->second.begin());
  if (most->second.empty()) kinds_.erase(most);
  --held_;
  forgot_ = true;
}

std::vector<const WindowResult*> NewestResults::added_after(std::uint64_t number) const {
  std::vector<const Numbered*> found;
  for (const auto& [name, series] : kinds_)
    for (const auto& [start_s, each] : series)
      if (each.number > number) found.push_back(&each);
  std::ranges::sort(found, {}, &Numbered::number);
  std::vector<const WindowResult*> results;
  for (const Numbered* each : found) results.push_back(&each->result);
  return results;
}

}  // namespace millrace
