#include "millrace/framework/kafka/kafka_admin.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <thread>

#include "millrace/framework/kafka/kafka_admin_call.h"
#include "millrace/framework/kafka/kafka_committed.h"
#include "millrace/framework/kafka/kafka_errors.h"

namespace millrace::kafka {
namespace {

constexpr int kTimeoutMs = static_cast<int>(Admin::kTimeout.count());
constexpr std::chrono::milliseconds kPause{
    10};  ///< between questions whose answer is not there yet
/// After this a request that waits for a broker is made anew: with several brokers librdkafka 2.0.2
/// has been seen waiting for a controller that was there all the time.
constexpr std::chrono::milliseconds kAttempt{3'000};
constexpr std::chrono::milliseconds kRenewals{1'000};  ///< between two new clients

struct MetadataDeleter {
  void operator()(const rd_kafka_metadata_t* metadata) const {
    rd_kafka_metadata_destroy(metadata);
  }
};
using Metadata = std::unique_ptr<const rd_kafka_metadata_t, MetadataDeleter>;

Result<Metadata> all_metadata(rd_kafka_t* handle) {
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_metadata(handle, 1, nullptr, &metadata, kTimeoutMs);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return to_status(error, Call::kAdmin, "listing topics");
  return Metadata{metadata};
}

const rd_kafka_metadata_topic_t* find_topic(const rd_kafka_metadata_t& metadata,
                                            const std::string& name) {
  for (int i = 0; i < metadata.topic_cnt; ++i) {
    const rd_kafka_metadata_topic_t& topic = metadata.topics[i];
    if (topic.topic == name && topic.err != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) return &topic;
  }
  return nullptr;
}

bool has_leaders(const rd_kafka_metadata_topic_t& topic) {
  return topic.err == RD_KAFKA_RESP_ERR_NO_ERROR &&
         std::all_of(topic.partitions, topic.partitions + topic.partition_cnt,
                     [](const rd_kafka_metadata_partition_t& each) { return each.leader >= 0; });
}

/// Asks for the metadata until `done` says so: the brokers learn of a change one after the other.
template <class Done>
Status wait_for_metadata(rd_kafka_t* handle, const std::string& what, Done done) {
  const auto deadline = std::chrono::steady_clock::now() + Admin::kTimeout;
  while (true) {
    const Result<Metadata> metadata = all_metadata(handle);
    if (metadata.ok() && done(**metadata)) return {};
    if (std::chrono::steady_clock::now() >= deadline) {
      return Status::retry(what + ": done, but not yet known to all brokers");
    }
    std::this_thread::sleep_for(kPause);
  }
}

/// Asks again while the answer is kRetry, for `timeout` at most: coordinators and leaders that
/// move, or that a new cluster is only choosing, say so at once.
template <class Ask>
auto ask_patiently(std::chrono::milliseconds timeout, Ask ask) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (true) {
    auto answer = ask();
    if (status_of(answer).code() != StatusCode::kRetry ||
        std::chrono::steady_clock::now() >= deadline)
      return answer;
    std::this_thread::sleep_for(kPause);
  }
}

Result<std::vector<std::int64_t>> list_offsets_once(rd_kafka_t* handle,
                                                    std::span<const TopicPartition> partitions,
                                                    OffsetSpec which) {
  const PartitionList list = partition_list(partitions);
  for (int i = 0; i < list->cnt; ++i) {
    list->elems[i].offset =
        which == OffsetSpec::kEarliest ? RD_KAFKA_OFFSET_BEGINNING : RD_KAFKA_OFFSET_END;
  }
  const rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(handle, list.get(), kTimeoutMs);
  std::vector<std::int64_t> offsets;
  for (int i = 0; i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& each = list->elems[i];
    const Status status =
        to_status(each.err, Call::kAdmin,
                  fmt::format("offsets of topic '{}', partition {}", each.topic, each.partition));
    if (!status.ok()) return status;
    offsets.push_back(each.offset);
  }
  if (Status status = to_status(error, Call::kAdmin, "listing offsets"); !status.ok())
    return status;
  return offsets;
}

/// The error of the only topic in a result.
Status topic_status(const rd_kafka_topic_result_t** topics, std::size_t count,
                    const std::string& what) {
  if (count != 1) return Status::failed(what + ": no answer for the topic");
  const char* text = rd_kafka_topic_result_error_string(topics[0]);
  return to_status(rd_kafka_topic_result_error(topics[0]), Call::kAdmin, what,
                   text == nullptr ? "" : text);
}

Result<std::map<std::string, std::string>> topic_configs_once(rd_kafka_t* handle,
                                                              const std::string& topic) {
  const std::string what = fmt::format("configs of topic '{}'", topic);
  AdminCall call{handle, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, kAttempt};
  rd_kafka_ConfigResource_t* request =
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str());
  rd_kafka_DescribeConfigs(handle, &request, 1, call.options(), call.queue());
  rd_kafka_ConfigResource_destroy(request);
  if (Status status = call.wait(what); !status.ok()) return status;
  std::size_t count = 0;
  const rd_kafka_ConfigResource_t** resources = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(call.event()), &count);
  if (count != 1) return Status::failed(what + ": no answer for the topic");
  const rd_kafka_resp_err_t error = rd_kafka_ConfigResource_error(resources[0]);
  const char* text = rd_kafka_ConfigResource_error_string(resources[0]);
  if (Status status = to_status(error, Call::kAdmin, what, text == nullptr ? "" : text);
      !status.ok())
    return status;
  std::map<std::string, std::string> configs;
  const rd_kafka_ConfigEntry_t** entries = rd_kafka_ConfigResource_configs(resources[0], &count);
  for (std::size_t i = 0; i < count; ++i) {
    const char* value = rd_kafka_ConfigEntry_value(entries[i]);
    configs.emplace(rd_kafka_ConfigEntry_name(entries[i]), value == nullptr ? "" : value);
  }
  return configs;
}

Status create_topic_once(rd_kafka_t* handle, const TopicSpec& topic, const std::string& what) {
  std::array<char, 512> error{};
  rd_kafka_NewTopic_t* request = rd_kafka_NewTopic_new(
      topic.name.c_str(), topic.partitions, topic.replication, error.data(), error.size());
  if (request == nullptr) return Status::invalid(fmt::format("{}: {}", what, error.data()));
  for (const auto& [name, value] : topic.configs) {
    rd_kafka_NewTopic_set_config(request, name.c_str(), value.c_str());
  }
  AdminCall call{handle, RD_KAFKA_ADMIN_OP_CREATETOPICS, kAttempt};
  rd_kafka_AdminOptions_set_operation_timeout(call.options(), kTimeoutMs, nullptr, 0);
  rd_kafka_CreateTopics(handle, &request, 1, call.options(), call.queue());
  rd_kafka_NewTopic_destroy(request);
  if (Status status = call.wait(what); !status.ok()) return status;
  std::size_t count = 0;
  const rd_kafka_topic_result_t** topics =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(call.event()), &count);
  return topic_status(topics, count, what);
}

Result<std::vector<std::string>> list_groups_once(rd_kafka_t* handle) {
  AdminCall call{handle, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS, Admin::kTimeout};
  rd_kafka_ListConsumerGroups(handle, call.options(), call.queue());
  if (Status status = call.wait("listing groups"); !status.ok()) return status;
  const rd_kafka_ListConsumerGroups_result_t* answer =
      rd_kafka_event_ListConsumerGroups_result(call.event());
  std::size_t count = 0;
  if (const rd_kafka_error_t** errors = rd_kafka_ListConsumerGroups_result_errors(answer, &count);
      count > 0) {
    return to_status(rd_kafka_error_code(errors[0]), Call::kAdmin, "listing groups",
                     rd_kafka_error_string(errors[0]));
  }
  const rd_kafka_ConsumerGroupListing_t** listings =
      rd_kafka_ListConsumerGroups_result_valid(answer, &count);
  std::vector<std::string> groups;
  for (std::size_t i = 0; i < count; ++i)
    groups.emplace_back(rd_kafka_ConsumerGroupListing_group_id(listings[i]));
  std::sort(groups.begin(), groups.end());
  return groups;
}

Result<GroupDescription> describe_group_once(rd_kafka_t* handle, const std::string& group) {
  const std::string what = fmt::format("describing group '{}'", group);
  AdminCall call{handle, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, Admin::kTimeout};
  const char* name = group.c_str();
  rd_kafka_DescribeConsumerGroups(handle, &name, 1, call.options(), call.queue());
  if (Status status = call.wait(what); !status.ok()) return status;
  std::size_t count = 0;
  const rd_kafka_ConsumerGroupDescription_t** groups =
      rd_kafka_DescribeConsumerGroups_result_groups(
          rd_kafka_event_DescribeConsumerGroups_result(call.event()), &count);
  if (count != 1) return Status::failed(what + ": no answer for the group");
  GroupDescription description{group, "Dead", {}};
  if (const rd_kafka_error_t* error = rd_kafka_ConsumerGroupDescription_error(groups[0])) {
    if (rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND) return description;
    return to_status(rd_kafka_error_code(error), Call::kAdmin, what, rd_kafka_error_string(error));
  }
  description.state =
      rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupDescription_state(groups[0]));
  for (std::size_t i = 0; i < rd_kafka_ConsumerGroupDescription_member_count(groups[0]); ++i) {
    const rd_kafka_MemberDescription_t* raw =
        rd_kafka_ConsumerGroupDescription_member(groups[0], i);
    GroupMember& member = description.members.emplace_back();
    member.member_id = rd_kafka_MemberDescription_consumer_id(raw);
    member.client_id = rd_kafka_MemberDescription_client_id(raw);
    if (const char* instance = rd_kafka_MemberDescription_group_instance_id(raw))
      member.instance_id = instance;
    member.host = rd_kafka_MemberDescription_host(raw);
    const rd_kafka_MemberAssignment_t* assignment = rd_kafka_MemberDescription_assignment(raw);
    const rd_kafka_topic_partition_list_t* owned =
        assignment == nullptr ? nullptr : rd_kafka_MemberAssignment_partitions(assignment);
    for (int k = 0; owned != nullptr && k < owned->cnt; ++k) {
      member.partitions.push_back({owned->elems[k].topic, owned->elems[k].partition});
    }
    std::sort(member.partitions.begin(), member.partitions.end());
  }
  return description;
}

Status delete_group_once(rd_kafka_t* handle, const std::string& group) {
  const std::string what = fmt::format("deleting group '{}'", group);
  AdminCall call{handle, RD_KAFKA_ADMIN_OP_DELETEGROUPS, Admin::kTimeout};
  rd_kafka_DeleteGroup_t* request = rd_kafka_DeleteGroup_new(group.c_str());
  rd_kafka_DeleteGroups(handle, &request, 1, call.options(), call.queue());
  rd_kafka_DeleteGroup_destroy(request);
  if (Status status = call.wait(what); !status.ok()) return status;
  std::size_t count = 0;
  const rd_kafka_group_result_t** groups =
      rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(call.event()), &count);
  if (count != 1) return Status::failed(what + ": no answer for the group");
  const rd_kafka_error_t* error = rd_kafka_group_result_error(groups[0]);
  if (error == nullptr) return {};
  return to_status(rd_kafka_error_code(error), Call::kAdmin, what, rd_kafka_error_string(error));
}

}  // namespace

void KafkaAdmin::renew(const std::shared_ptr<Client>& stale) {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (group_client_ != stale || now - renewed_ < kRenewals) return;
  renewed_ = now;
  if (auto another = another_(); another.ok()) group_client_ = std::move(*another);
}

/// Asks a group's coordinator, patiently. librdkafka 2.0.2 goes on asking one that is not it any
/// more: whoever asks often enough never forgets it. A new client finds the present one.
template <class Ask>
auto KafkaAdmin::ask_coordinator(std::chrono::milliseconds timeout, Ask ask) {
  return ask_patiently(timeout, [&] {
    std::shared_ptr<Client> client;
    {
      const std::lock_guard lock(mutex_);
      client = group_client_;
    }
    auto answer = ask(client->handle());
    if (coordinator_moved(status_of(answer))) renew(client);
    return answer;
  });
}

Status KafkaAdmin::create_topic(const TopicSpec& topic) {
  const std::string what = fmt::format("creating topic '{}'", topic.name);
  rd_kafka_t* handle = client_->handle();
  bool again = false;  // what then exists may be the work of an attempt without an answer
  const Status created = ask_patiently(kTimeout, [&] {
    const Status status = create_topic_once(handle, topic, what);
    const bool mine = again && status.code() == StatusCode::kExists;
    again = again || status.code() == StatusCode::kRetry;
    return mine ? Status{} : status;
  });
  if (!created.ok()) return created;
  const Status known = wait_for_metadata(handle, what, [&](const rd_kafka_metadata_t& metadata) {
    const rd_kafka_metadata_topic_t* found = find_topic(metadata, topic.name);
    return found != nullptr && found->partition_cnt == topic.partitions && has_leaders(*found);
  });
  if (!known.ok()) return known;
  // Named as leader is not yet being leader: usable is what answers.
  std::vector<TopicPartition> partitions;
  for (std::int32_t i = 0; i < topic.partitions; ++i) partitions.push_back({topic.name, i});
  return ask_patiently(kTimeout, [&] {
    const Status usable = list_offsets_once(handle, partitions, OffsetSpec::kEarliest).status();
    // Its leader may learn of the topic later than the broker that gave the metadata.
    return usable.code() == StatusCode::kNotFound ? Status::retry(usable.message()) : usable;
  });
}

Status KafkaAdmin::delete_topic(const std::string& topic) {
  const std::string what = fmt::format("deleting topic '{}'", topic);
  rd_kafka_t* handle = client_->handle();
  AdminCall call{handle, RD_KAFKA_ADMIN_OP_DELETETOPICS, kTimeout};
  rd_kafka_AdminOptions_set_operation_timeout(call.options(), kTimeoutMs, nullptr, 0);
  rd_kafka_DeleteTopic_t* request = rd_kafka_DeleteTopic_new(topic.c_str());
  rd_kafka_DeleteTopics(handle, &request, 1, call.options(), call.queue());
  rd_kafka_DeleteTopic_destroy(request);
  if (Status status = call.wait(what); !status.ok()) return status;
  std::size_t count = 0;
  const rd_kafka_topic_result_t** topics =
      rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(call.event()), &count);
  if (Status status = topic_status(topics, count, what); !status.ok()) return status;
  return wait_for_metadata(handle, what, [&](const rd_kafka_metadata_t& metadata) {
    return find_topic(metadata, topic) == nullptr;
  });
}

Result<std::vector<TopicDescription>> KafkaAdmin::list_topics() {
  const Result<Metadata> metadata = all_metadata(client_->handle());
  if (!metadata.ok()) return metadata.status();
  std::vector<TopicDescription> topics;
  for (int i = 0; i < (*metadata)->topic_cnt; ++i) {
    const rd_kafka_metadata_topic_t& topic = (*metadata)->topics[i];
    topics.push_back({topic.topic, topic.partition_cnt});
  }
  std::sort(topics.begin(), topics.end(),
            [](const TopicDescription& a, const TopicDescription& b) { return a.name < b.name; });
  return topics;
}

Result<TopicDescription> KafkaAdmin::describe_topic(const std::string& topic) {
  const Result<Metadata> metadata = all_metadata(client_->handle());
  if (!metadata.ok()) return metadata.status();
  const rd_kafka_metadata_topic_t* found = find_topic(**metadata, topic);
  if (found == nullptr)
    return Status::not_found(fmt::format("topic '{}' does not exist: create it first", topic));
  if (Status status = to_status(found->err, Call::kAdmin, fmt::format("topic '{}'", topic));
      !status.ok())
    return status;
  return TopicDescription{topic, found->partition_cnt};
}

Result<std::map<std::string, std::string>> KafkaAdmin::topic_configs(const std::string& topic) {
  return ask_patiently(kTimeout, [&] { return topic_configs_once(client_->handle(), topic); });
}

Result<std::vector<std::int64_t>> KafkaAdmin::list_offsets(
    std::span<const TopicPartition> partitions, OffsetSpec which) {
  if (partitions.empty()) return std::vector<std::int64_t>{};
  return ask_patiently(kTimeout, [&] {
    auto offsets = list_offsets_once(client_->handle(), partitions, which);
    // A new or moved leader: librdkafka before 2.3.0 asks the old one until its metadata is fresh.
    if (status_of(offsets).code() == StatusCode::kRetry)
      static_cast<void>(all_metadata(client_->handle()));
    return offsets;
  });
}

Status KafkaAdmin::delete_records(std::span<const PartitionOffset> before) {
  if (before.empty()) return {};
  const std::string what = "deleting records";
  rd_kafka_t* handle = client_->handle();
  const PartitionList list = partition_list(before);
  AdminCall call{handle, RD_KAFKA_ADMIN_OP_DELETERECORDS, kTimeout};
  rd_kafka_DeleteRecords_t* request = rd_kafka_DeleteRecords_new(list.get());
  rd_kafka_DeleteRecords(handle, &request, 1, call.options(), call.queue());
  rd_kafka_DeleteRecords_destroy(request);
  if (Status status = call.wait(what); !status.ok()) return status;
  const rd_kafka_topic_partition_list_t* answer =
      rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(call.event()));
  for (int i = 0; i < answer->cnt; ++i) {
    const rd_kafka_topic_partition_t& each = answer->elems[i];
    const Status status =
        to_status(each.err, Call::kAdmin,
                  fmt::format("{} of topic '{}', partition {}", what, each.topic, each.partition));
    if (!status.ok()) return status;
  }
  return {};
}

Result<std::vector<std::string>> KafkaAdmin::list_groups() {
  return ask_patiently(kTimeout, [&] { return list_groups_once(client_->handle()); });
}

Result<GroupDescription> KafkaAdmin::describe_group(const std::string& group) {
  return ask_coordinator(kTimeout,
                         [&](rd_kafka_t* handle) { return describe_group_once(handle, group); });
}

Result<std::vector<PartitionOffset>> KafkaAdmin::committed(
    const std::string& group, std::span<const TopicPartition> partitions) {
  return ask_coordinator(kStableOffsetsTimeout, [&](rd_kafka_t* handle) {
    return committed_offsets(handle, group, partitions, kStableOffsetsTimeout);
  });
}

Result<std::vector<PartitionOffset>> KafkaAdmin::group_offsets(const std::string& group) {
  return ask_coordinator(kStableOffsetsTimeout, [&](rd_kafka_t* handle) {
    return committed_offsets(handle, group, std::nullopt, kStableOffsetsTimeout);
  });
}

Status KafkaAdmin::delete_group(const std::string& group) {
  return ask_coordinator(kTimeout,
                         [&](rd_kafka_t* handle) { return delete_group_once(handle, group); });
}

}  // namespace millrace::kafka
