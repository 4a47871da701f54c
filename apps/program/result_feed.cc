#include "millrace/apps/program/result_feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "millrace/operators/codec/json_writer.h"

namespace millrace {
namespace {

// More than NewestResults keeps: markers take offsets too, and a window may come again.
constexpr std::int64_t kNewestOffsets = 3 * static_cast<std::int64_t>(NewestResults::kWindows);
constexpr std::chrono::milliseconds kAgain{1'000};  // after an error

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && rest == end ? std::optional(value) : std::nullopt;
}

void write_result(JsonWriter& json, const WindowResult& result) {
  json.element().begin_object();
  json.key("window").string(result.name());
  json.key("start_ms").integer(result.start_s * 1'000);
  json.key("duration_ms").integer(result.duration_s * 1'000);
  json.key("users").integer(result.users);
  json.key("frames").integer(result.frames);
  json.key("final").boolean(result.final);
  json.key("revision").integer(result.revision.value_or(0));
  json.end_object();
}

}  // namespace

ResultFeed::ResultFeed(Broker& broker, const Clock& clock, std::string topic)
    : broker_(broker), clock_(clock), topic_(std::move(topic)) {}

ResultFeed::~ResultFeed() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    if (open_ != nullptr) open_->wakeup();
    stopping_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

std::string ResultFeed::json(std::string_view cursor) {
  const std::lock_guard lock(mutex_);
  asked_ms_ = clock_.monotonic_ms();
  if (!reading_) {
    if (thread_.joinable()) thread_.join();  // it is at its end
    complete_ = false;
    thread_ = std::thread([this] { read(); });
    reading_ = true;
  }
  const std::string reading = fmt::format("{}.", begun_ms_);
  const std::optional<std::uint64_t> after =
      cursor.starts_with(reading) ? number(cursor.substr(reading.size())) : std::nullopt;
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  json.key("topic").string(topic_);
  json.key("cursor").string(reading + fmt::to_string(results_.last()));
  json.key("anew").boolean(!after.has_value());
  json.key("complete").boolean(complete_);
  json.key("earlier").boolean(earlier_ || results_.forgot());
  json.key("error");
  error_.empty() ? json.null() : json.string(error_);
  json.key("results").begin_array();
  for (const WindowResult* each : results_.added_after(after.value_or(0)))
    write_result(json, *each);
  json.end_array().end_object();
  return text;
}

bool ResultFeed::reading() {
  const std::lock_guard lock(mutex_);
  return reading_;
}

void ResultFeed::read() {
  while (true) {
    const Status status = read_topic();
    std::unique_lock lock(mutex_);
    if (!status.ok()) {
      error_ = status.message();
      stopping_.wait_for(lock, kAgain, [this] { return stop_; });
    }
    if (over()) {
      reading_ = false;
      return;
    }
  }
}

Status ResultFeed::read_topic() {
  const auto topic = ResultTopic::open(
      broker_, {.topic = topic_, .client_id = "millrace-page", .newest = kNewestOffsets});
  MILLRACE_RETURN_IF_ERROR(topic.status());
  begin(**topic);
  const Status status = follow(**topic);
  const std::lock_guard lock(mutex_);
  open_ = nullptr;
  return status;
}

/// What was read before is forgotten: this reading begins elsewhere.
void ResultFeed::begin(ResultTopic& topic) {
  const std::lock_guard lock(mutex_);
  open_ = &topic;
  begun_ms_ = std::max(begun_ms_ + 1, clock_.wall_ms());
  results_ = NewestResults();
  earlier_ = topic.holds_earlier();
  error_.clear();
}

Status ResultFeed::follow(ResultTopic& topic) {
  while (true) {
    MILLRACE_RETURN_IF_ERROR(topic.read([this](WindowResult result) {
      const std::lock_guard lock(mutex_);
      results_.add(std::move(result));
    }));
    {
      const std::lock_guard lock(mutex_);
      complete_ = topic.caught_up();
      if (over()) break;
    }
    topic.wait();
  }
  return topic.close();
}

bool ResultFeed::over() const {
  return stop_ || clock_.monotonic_ms() - asked_ms_ >= kIdle.count();
}

}  // namespace millrace
