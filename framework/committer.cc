#include "millrace/framework/committer.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "millrace/framework/offset_metadata_format.h"

namespace millrace {
namespace {

using std::chrono_literals::operator""s;

constexpr int kRetries = 600;  // of a call that says "again"
constexpr std::int64_t kRetryMs = 60'000;
constexpr std::int64_t kHurryMs = 5'000;
constexpr std::int64_t kSayAfterMs = 10'000;  // calls are slow also when much is sent
constexpr std::chrono::milliseconds kRetryPause{100};
constexpr std::chrono::milliseconds kFlushTimeout{1'000};

}  // namespace

/// Makes a call again while it says so; the producer is served in between.
template <class Call>
auto Committer::retrying(Call call) {
  const std::int64_t began_ms = options_.clock.monotonic_ms();
  auto result = call();
  for (int i = 0; i < kRetries && status_of(result).code() == StatusCode::kRetry; ++i) {
    const std::int64_t waited_ms = options_.clock.monotonic_ms() - began_ms;
    if (waited_ms > (hurry_ ? kHurryMs : kRetryMs)) break;
    if (waited_ms >= kSayAfterMs) options_.contact.hear(status_of(result));
    producer_->poll(kRetryPause);
    result = call();
  }
  if (status_of(result).ok()) options_.contact.hear({});
  return result;
}

Status Committer::renew() {
  ProducerOptions options;
  options.client_id = options_.client_id;
  if (exactly_once()) options.transactional_id = options_.transactional_id;
  options.transaction_timeout =
      std::max(options.transaction_timeout, 2 * options_.commit_interval + 5s);
  auto producer = options_.broker.producer(options);
  if (!producer.ok()) return producer.status();
  producer_ = std::move(*producer);
  must_renew_ = true;
  options_.collector.use(*producer_, options_.guarantee);
  Status status;
  if (exactly_once()) status = retrying([&] { return producer_->init_transactions(); });
  must_renew_ = !status.ok();
  if (status.code() != StatusCode::kFenced) return status;
  // This one is lost, as any later one may be: the next is tried, unless that happens too often.
  MILLRACE_RETURN_IF_ERROR(fenced());
  return Status::retry(status.message());
}

/// Two processes with one id fence each other for ever, several times a second, and each gets on a
/// little in between. Whoever is only late is fenced once in ten seconds and more, by the broker or
/// by a successor. The one that has run for longer gives in first, as the newer one of two static
/// members wins.
Status Committer::fenced() {
  constexpr std::int64_t kWithinMs = 30'000, kYoungMs = 10'000;
  const std::int64_t now_ms = options_.clock.monotonic_ms();
  const std::size_t most = now_ms - began_ms_ > kYoungMs ? 6 : 24;
  fenced_ms_.push_back(now_ms);
  while (fenced_ms_.front() < now_ms - kWithinMs) fenced_ms_.pop_front();
  if (fenced_ms_.size() < most) return {};
  return Status::failed(
      fmt::format("another process runs with the same instance id: transactional id '{}' was taken "
                  "away {} times within {} s: give each process its own --instance-id",
                  options_.transactional_id, fenced_ms_.size(), kWithinMs / 1000));
}

Result<bool> Committer::abort() {
  const bool open = options_.collector.transaction_open() && exactly_once();
  if (open) {
    const Status status = retrying([&] { return producer_->abort(); });
    if (!status.ok()) {
      options_.log.write(LogLevel::kWarning, "abort failed, new producer",
                         {{"client", options_.client_id}, {"error", status.message()}});
      if (const Status renewed = renew(); !renewed.ok() && renewed.code() != StatusCode::kRetry)
        return renewed;
    }
  }
  options_.collector.finished();
  return open;
}

Status Committer::commit(std::uint64_t commit_id, std::span<const PartitionOffset> offsets,
                         Consumer& consumer, const GroupMetadata& group) {
  if (!exactly_once()) return commit_offsets(offsets, consumer);
  const Status sent = retrying([&] { return producer_->send_offsets(offsets, group); });
  if (sent.code() == StatusCode::kRetry) return Status::abort(sent.message());
  MILLRACE_RETURN_IF_ERROR(sent);
  bool again = false;
  const Status status = retrying([&] {
    const Status committed = producer_->commit();
    again = again || committed.code() == StatusCode::kRetry;
    return committed;
  });
  // An attempt that timed out may have succeeded, whatever a later one says.
  if (status.code() == StatusCode::kUnknown || (again && !status.ok())) {
    const auto happened = settle(commit_id, offsets, consumer);
    if (!happened.ok())
      return Status::unknown(fmt::format("the outcome of a commit could not be found out: {}",
                                         happened.status().message()));
    return *happened ? Status{} : Status::abort("a commit of unknown outcome did not happen");
  }
  return status;
}

Status Committer::deliver() {
  if (exactly_once()) return {};
  const Status status = retrying([&] { return producer_->flush(kFlushTimeout); });
  return status.ok() ? status : Status::abort(status.message());
}

/// At least once: offsets go out when everything before them has arrived.
Status Committer::commit_offsets(std::span<const PartitionOffset> offsets, Consumer& consumer) {
  MILLRACE_RETURN_IF_ERROR(deliver());
  const Status status = retrying([&] { return consumer.commit(offsets); });
  return status.ok() ? status : Status::abort(status.message());
}

/// Finds out whether a commit happened: a new producer settles it, and the committed metadata
/// carries its id or does not.
Result<bool> Committer::settle(std::uint64_t commit_id, std::span<const PartitionOffset> offsets,
                               Consumer& consumer) {
  options_.log.write(LogLevel::kWarning,
                     "the outcome of a commit is unknown, asking the group's committed offsets",
                     {{"client", options_.client_id}});
  MILLRACE_RETURN_IF_ERROR(renew());
  std::vector<TopicPartition> partitions;
  for (const PartitionOffset& offset : offsets) partitions.push_back(offset.partition);
  const auto committed = retrying([&] { return consumer.committed(partitions); });
  if (!committed.ok()) return committed.status();
  for (const PartitionOffset& offset : *committed) {
    const auto metadata = decode_offset_metadata(offset.metadata);
    if (metadata.ok() && metadata->commit_id == commit_id) return true;
  }
  return false;
}

Status fence(Broker& broker, LogSink& log, const std::string& client_id,
             const std::string& transactional_id) {
  ProducerOptions options;
  options.client_id = client_id;
  options.transactional_id = transactional_id;
  auto producer = broker.producer(options);
  if (!producer.ok()) return producer.status();
  const Status fenced = (*producer)->init_transactions();
  log.write(LogLevel::kInfo, "held up by a transaction: fenced who may have left it open",
            {{"transactional_id", transactional_id},
             {"outcome", fenced.ok() ? std::string_view("done") : fenced.message()}});
  return {};
}

Status fence_gone_members(Broker& broker, LogSink& log, const std::string& group_id,
                          const std::string& client_id, const std::string& self) {
  const auto offsets = broker.admin().group_offsets(group_id);
  const auto group = broker.admin().describe_group(group_id);
  if (!offsets.ok() || !group.ok()) return {};  // the broker is away: then that is what holds us up
  std::set<std::string> gone;
  for (const PartitionOffset& offset : *offsets)
    if (const auto metadata = decode_offset_metadata(offset.metadata); metadata.ok())
      gone.insert(metadata->writer);
  gone.erase(self);
  std::erase_if(gone, [&](const std::string& writer) {
    if (!writer.starts_with(group_id)) return true;
    const std::string_view instance = std::string_view(writer).substr(group_id.size());
    return std::ranges::any_of(group->members, [&](const GroupMember& member) {
      return member.client_id.ends_with(instance);
    });
  });
  for (const std::string& writer : gone)
    MILLRACE_RETURN_IF_ERROR(fence(broker, log, client_id, writer));
  return {};
}

}  // namespace millrace
