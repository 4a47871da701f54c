#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "millrace/apps/program/options.h"

namespace millrace {

/// Where --broker is looked for when nothing is said: an ordinary Kafka on this machine.
inline constexpr const char* kDefaultBroker = "localhost:9092";

/// How a program reaches its broker. Declared alone by tools that run no topology: what they meet,
/// their exit says.
struct BrokerOptions {
  std::string broker = kDefaultBroker;
  Options::Properties kafka;  ///< NAME, consumer.NAME, producer.NAME
  std::string log_level = "off";
  std::string log_format = "text";  ///< or "json"
};

/// What every program that runs a topology can be told, besides its own options. Its fields hold
/// the defaults.
struct StreamOptions {
  BrokerOptions broker{kDefaultBroker, {}, "warning", "text"};
  std::string from;  ///< file to read instead of a topic; "-" is standard input; empty: none

  std::string application_id;  ///< empty: the topology's name; see check_application_id()
  std::string instance_id;     ///< empty: made once, kept in the state directory
  std::string state_dir;  ///< empty: default_state_dir(); state lies in application_directory()
  int threads = 1;
  std::chrono::milliseconds commit_interval{100};
  std::int64_t memory_bytes = std::int64_t{256} << 20;
  bool static_membership = false;
  std::chrono::milliseconds session_timeout{10'000};
  std::string guarantee = "exactly_once";  ///< or "at_least_once"

  std::string on_bad_record;  ///< "dead-letter", "skip", "stop"; empty: dead-letter if there is
                              ///< one, else stop
  std::string dead_letter;    ///< topic; with `from`, a file
  std::string on_lost_input = "stop";  ///< or "skip"
  bool until_end = false;
  std::string
      summary;  ///< file for one JSON object at the end; "-" is standard output; empty: none
  std::int64_t progress_every = 50'000;
  std::string http;  ///< address to serve at, see HttpAddress; empty: none
  bool describe = false;
  bool check = false;
};

/// Declares --broker, --kafka, --log-level and --log-format. Targets are borrowed.
void declare_broker_options(Options& options, BrokerOptions& targets);

/// Declares all of StreamOptions. Targets are borrowed.
void declare_stream_options(Options& options, StreamOptions& targets);

/// What one option alone cannot see: --from together with --broker, dead-letter without a
/// destination; and an address that is none. kInvalid.
Status check_stream_options(const Options& options, const StreamOptions& values);

}  // namespace millrace
