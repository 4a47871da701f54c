#include "millrace/apps/program/option.h"

#include <fmt/format.h>

#include <algorithm>

#include "millrace/apps/program/duration.h"
#include "millrace/apps/program/nearest_name.h"

namespace millrace {

Option& Option::required() {
  required_ = true;
  default_.clear();
  return *this;
}

Option& Option::value_name(std::string name) {
  value_name_ = std::move(name);
  return *this;
}

Option& Option::default_text(std::string text) {
  default_ = std::move(text);
  return *this;
}

Option& Option::range(double least, double most) {
  MILLRACE_CHECK(number_ != nullptr, "a range needs a numeric option");
  range_ = {least, most};
  return *this;
}

Option& Option::range(std::chrono::milliseconds least, std::chrono::milliseconds most) {
  return range(static_cast<double>(least.count()), static_cast<double>(most.count()));
}

Option& Option::one_of(std::vector<std::string> words) {
  words_ = std::move(words);
  value_name_ = fmt::format("{}", fmt::join(words_, "|"));
  return *this;
}

Status Option::assign(const std::vector<std::string>& values) {
  if (values.size() > 1 && !repeatable()) {
    return Status::invalid(fmt::format("given {} times ('{}'): give it once", values.size(),
                                       fmt::join(values, "', '")));
  }
  MILLRACE_RETURN_IF_ERROR(check_words(values));
  MILLRACE_RETURN_IF_ERROR(assign_(values));
  MILLRACE_RETURN_IF_ERROR(check_range());
  given_ = true;
  return {};
}

Status Option::check_words(const std::vector<std::string>& values) const {
  if (words_.empty()) return {};
  for (const std::string& value : values) {
    if (std::find(words_.begin(), words_.end(), value) != words_.end()) continue;
    const std::string near = nearest_name(value, words_);
    return Status::invalid(
        fmt::format("'{}' is not one of {}{}", value, fmt::join(words_, ", "),
                    near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
  }
  return {};
}

Status Option::check_range() const {
  if (!range_) return {};
  const double value = number_();
  if (value >= range_->first && value <= range_->second) return {};
  return Status::invalid(fmt::format("{} is out of range: allowed are {} to {}", print_(value),
                                     print_(range_->first), print_(range_->second)));
}

}  // namespace millrace
