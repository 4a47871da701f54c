#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "millrace/apps/program/http/observation.h"
#include "millrace/operators/codec/json_writer.h"

namespace millrace {

/// One thing that keeps an application from doing its work now.
struct Unready {
  std::string_view reason;  ///< for programs: "restoring"
  std::string detail;       ///< for people: who, and how long yet
};

/// Empty: every thread is a member of the group, its tasks are restored and get on, and its broker
/// answers. A member without tasks is ready: others have them all.
std::vector<Unready> unready(const Observation& observation);

/// A thread that has published nothing for so long waits in a call to its broker.
inline constexpr std::int64_t kSilentMs = 5'000;

/// [{"reason":"restoring","detail":"..."}]
void write_reasons(JsonWriter& json, const std::vector<Unready>& reasons);

/// {"ready":false,"reasons":[{"reason":"restoring","detail":"..."}]}
std::string readiness_json(const std::vector<Unready>& reasons);

}  // namespace millrace
