#include "millrace/apps/program/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "millrace/apps/program/broker_choice.h"
#include "millrace/apps/program/logging.h"

namespace millrace {

Status Session::open(const BrokerOptions& options, Missing missing) {
  const std::string directory = embedded_directory(options.broker);
  std::error_code ignored;  // what cannot be looked at does not exist
  if (missing == Missing::kRefuse && !directory.empty() &&
      !std::filesystem::exists(directory, ignored)) {
    return Status::not_found(fmt::format(
        "there is no embedded broker in '{}': the directory does not exist", directory));
  }
  log_ = make_log(terminal_, options.log_level, options.log_format);
  Result<std::unique_ptr<Broker>> broker =
      open_broker({options.broker, options.kafka, {}, {}}, clock_, *log_);
  MILLRACE_RETURN_IF_ERROR(broker.status());
  broker_ = *std::move(broker);
  return {};
}

std::vector<TopicPartition> partitions_of(const TopicDescription& topic) {
  std::vector<TopicPartition> partitions;
  for (std::int32_t i = 0; i < topic.partitions; ++i) partitions.push_back({topic.name, i});
  return partitions;
}

Result<std::vector<OffsetRange>> offset_ranges(Admin& admin,
                                               const std::vector<TopicPartition>& partitions) {
  if (partitions.empty()) return std::vector<OffsetRange>{};
  const Result<std::vector<std::int64_t>> first =
      admin.list_offsets(partitions, OffsetSpec::kEarliest);
  MILLRACE_RETURN_IF_ERROR(first.status());
  const Result<std::vector<std::int64_t>> end = admin.list_offsets(partitions, OffsetSpec::kLatest);
  MILLRACE_RETURN_IF_ERROR(end.status());
  std::vector<OffsetRange> ranges;
  for (std::size_t i = 0; i < partitions.size(); ++i) ranges.push_back({(*first)[i], (*end)[i]});
  return ranges;
}

Status write_output(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0)
      return Status::failed(
          fmt::format("cannot write to standard output: {}", std::strerror(errno)));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace millrace
