#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/framework/status.h"
#include "millrace/operators/fingerprint.h"
#include "millrace/operators/windows.h"

/// What stage 1 of distinct_count sends to stage 2: for one window, what is new since the last
/// commit.
namespace millrace {

enum class DistinctDeltaKind : std::uint8_t {
  kFingerprints = 0,  ///< 16 bytes each
  kRegisters = 1,     ///< of a sketch: index (32 bits) and value (8 bits) each
};

struct DistinctDelta {
  AssignedWindow window;
  std::uint64_t frames = 0;
  DistinctDeltaKind kind = DistinctDeltaKind::kFingerprints;
  std::string_view content;  ///< a view into what was decoded
};

/// Appends the head of a delta; its content follows by append_fingerprint() or append_register().
void begin_distinct_delta(const WindowPlan& plan, const AssignedWindow& window,
                          std::uint64_t frames, DistinctDeltaKind kind, std::string& out);
void append_fingerprint(Fingerprint fingerprint, std::string& out);
void append_register(std::uint32_t index, std::uint8_t value, std::string& out);

/// kFailed names an unknown version, a window that `plan` has not, or damage.
Result<DistinctDelta> decode_distinct_delta(const WindowPlan& plan, std::string_view payload);
/// Reads packed fingerprints. REQUIRES: content.size() % 16 == 0.
Fingerprint fingerprint_at(std::string_view content, std::size_t index);

/// A window's name in stores and on the wire: kind, length, start. 13 bytes; sorts by kind, length,
/// then start.
void append_window_key(const WindowPlan& plan, const AssignedWindow& window, std::string& out);
Result<AssignedWindow> decode_window_key(const WindowPlan& plan, std::string_view key);

inline constexpr std::size_t kWindowKeyBytes = 13;
inline constexpr std::size_t kFingerprintBytes = 16;
inline constexpr std::size_t kRegisterBytes = 5;

}  // namespace millrace
