#include "millrace/operators/distinct_sender.h"

#include <algorithm>

#include "millrace/framework/repartition_format.h"
#include "millrace/operators/distinct_delta_format.h"
#include "millrace/operators/fingerprint.h"

namespace millrace {
namespace {
constexpr int kRegisterBits = UltraLogLog::kMaxPrecision;
}

DistinctSender::DistinctSender(std::shared_ptr<const WindowPlan> plan, DistinctMethod method,
                               TopicName topic)
    : plan_(std::move(plan)), method_(method), topic_(std::move(topic)) {}

void DistinctSender::open(TaskContext& context) {
  context_ = &context;
  topic_name_ = context.resolve(topic_);
  shards_ = context.partitions(topic_);
  by_shard_.resize(static_cast<std::size_t>(shards_));
  share_ = context.memory_share(MemoryUse::kRepeated);
}

void DistinctSender::add(const WindowAssignment& assignment, std::string_view user) {
  if (&assignment != selected_) [[unlikely]]
    select(assignment);
  ++selected_frames_;
  const Fingerprint print = fingerprint(user);
  for (OpenWindow* const window : telling_) add_user(*window, print);
}

void DistinctSender::add_user(OpenWindow& window, Fingerprint user) {
  if (!method_.is_sketch()) {
    if (window.remembers && !window.sent.insert(user)) return;
    window.fresh.push_back(user);
    if (window.fresh.size() % kLookEvery == 0) [[unlikely]]
      make_room();
    return;
  }
  if (!window.sketch->add(user.low)) return;
  const auto index = static_cast<std::uint32_t>(user.low >> (64 - *method_.precision));
  window.changed.push_back(shard_of(user, static_cast<std::uint32_t>(shards_)) << kRegisterBits |
                           index);
}

void DistinctSender::select(const WindowAssignment& assignment) {
  credit();
  selected_ = &assignment;
  counting_.clear();
  telling_.clear();
  for (const AssignedWindow& assigned : assignment.open) {
    OpenWindow& open = window(assigned);
    counting_.push_back(&open);
    const int parent = plan_->parent[static_cast<std::size_t>(assigned.definition)];
    const bool told_by_parent = std::ranges::any_of(
        assignment.open, [&](const AssignedWindow& other) { return other.definition == parent; });
    if (told_by_parent) continue;
    if (method_.is_sketch() && !open.sketch) open.sketch.emplace(*method_.precision);
    telling_.push_back(&open);
  }
}

DistinctSender::OpenWindow& DistinctSender::window(const AssignedWindow& assigned) {
  const Key key{assigned.window.end_ms, assigned.window.start_ms, assigned.definition};
  const auto [found, fresh] = windows_.try_emplace(key);
  if (fresh) {
    found->second.window = assigned;
    found->second.remembers = plan_->parent[static_cast<std::size_t>(assigned.definition)] < 0;
  }
  return found->second;
}

void DistinctSender::credit() {
  for (OpenWindow* const window : counting_) window->frames += selected_frames_;
  selected_frames_ = 0;
}

void DistinctSender::flush() {
  credit();
  for (auto& [key, window] : windows_) send(window);
  const std::int64_t watermark_ms = context_->watermark_ms();
  std::erase_if(windows_, [&](const auto& entry) {
    const OpenWindow& window = entry.second;
    return !window.remembers || window.window.window.end_ms + plan_->grace_ms <= watermark_ms;
  });
  selected_ = nullptr;  // its windows may be gone
  counting_.clear();
  telling_.clear();
  make_room();
}

/// Forgets what was sent in the largest windows; what is to be sent needs a commit.
void DistinctSender::make_room() {
  if (method_.is_sketch()) return;
  const auto size = [](const OpenWindow& window) {
    return window.sent.memory_bytes_soon() + window.fresh.capacity() * sizeof(Fingerprint);
  };
  std::size_t bytes = 0;
  for (const auto& [key, window] : windows_) bytes += size(window);
  if (bytes <= share_.hold(bytes)) return;
  std::vector<OpenWindow*> windows;
  for (auto& [key, window] : windows_) windows.push_back(&window);
  std::ranges::stable_sort(windows, std::ranges::greater(),
                           [&](const OpenWindow* window) { return size(*window); });
  for (OpenWindow* const window : windows) {
    bytes -= size(*window);
    window->sent = {};
    if (window->fresh.empty()) std::vector<Fingerprint>().swap(window->fresh);
    bytes += size(*window);
    if (bytes <= share_.hold(bytes)) return;
  }
  if (std::ranges::any_of(windows, [](const OpenWindow* window) { return !window->fresh.empty(); }))
    context_->wants_commit = true;
}

void DistinctSender::send(OpenWindow& window) {
  if (window.frames == 0 && window.fresh.empty() && window.changed.empty()) return;
  const std::size_t positions = method_.is_sketch() ? window.changed.size() : window.fresh.size();
  for (std::size_t i = 0; i < positions; ++i) {
    const std::uint32_t shard =
        method_.is_sketch() ? window.changed[i] >> kRegisterBits
                            : shard_of(window.fresh[i], static_cast<std::uint32_t>(shards_));
    by_shard_[shard].push_back(static_cast<std::uint32_t>(i));
  }
  const auto home =
      static_cast<std::int32_t>(static_cast<std::uint64_t>(window.window.window.start_ms / 1000) %
                                static_cast<std::uint64_t>(shards_));
  const auto kind =
      method_.is_sketch() ? DistinctDeltaKind::kRegisters : DistinctDeltaKind::kFingerprints;
  const std::int64_t event_ms = window.window.window.start_ms;
  for (std::int32_t shard = 0; shard < shards_; ++shard) {
    auto& mine = by_shard_[static_cast<std::size_t>(shard)];
    std::uint64_t frames = shard == home ? window.frames : 0;
    if (frames == 0 && mine.empty()) continue;
    const auto begin = [&] {
      buffer_.clear();
      begin_repartition_data(event_ms, context_->watermark_ms(), buffer_);
      begin_distinct_delta(*plan_, window.window, frames, kind, buffer_);
      frames = 0;
    };
    begin();
    if (method_.is_sketch()) {  // one register may have changed often: its present value, once
      constexpr std::uint32_t kIndexMask = (std::uint32_t{1} << kRegisterBits) - 1;
      for (std::uint32_t& position : mine) position = window.changed[position] & kIndexMask;
      std::ranges::sort(mine);
      mine.erase(std::ranges::unique(mine).begin(), mine.end());
    }
    for (const std::uint32_t position : mine) {
      if (buffer_.size() + kFingerprintBytes > kMaxDeltaBytes) {
        send_delta(shard);
        begin();
      }
      if (method_.is_sketch())
        append_register(position, window.sketch->registers()[position], buffer_);
      else
        append_fingerprint(window.fresh[position], buffer_);
    }
    send_delta(shard);
    mine.clear();
  }
  window.frames = 0;
  window.fresh.clear();
  window.changed.clear();
}

void DistinctSender::send_delta(std::int32_t shard) {
  context_->collector().send({.topic = topic_name_, .partition = shard, .value = buffer_});
}

void DistinctSender::abort() {
  windows_.clear();
  selected_ = nullptr;
  selected_frames_ = 0;
  counting_.clear();
  telling_.clear();
}

}  // namespace millrace
