#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace millrace {

/// Who holds memory of the process, as far as it is counted. What is not: code, buffers of clients
/// and sockets, stores in memory, small things, and what the heap wastes.
enum class MemoryOwner : std::uint8_t {
  kBlockCache,    ///< of the stores on disk, with filters and indexes of their tables
  kWriteBuffers,  ///< of the stores on disk
  kKept,          ///< what operators keep beside their stores
  kRepeatable,    ///< what operators and stores remember to save work
  kChanges,       ///< of state, until the commit
  kBatches,       ///< under work, with what merges hold back of them
  kWaiting,       ///< copies of records that wait for a verdict on their time, or behind such
  kConsumers,     ///< read ahead; about
  kProducers,     ///< sent, not acknowledged
};
inline constexpr std::size_t kMemoryOwners = static_cast<std::size_t>(MemoryOwner::kProducers) + 1;

/// "block cache"
std::string_view to_string(MemoryOwner owner);

/// Bytes by owner. Copies are free.
class MemoryUsage {
 public:
  std::uint64_t& operator[](MemoryOwner owner) { return bytes_[static_cast<std::size_t>(owner)]; }
  std::uint64_t operator[](MemoryOwner owner) const {
    return bytes_[static_cast<std::size_t>(owner)];
  }
  void add(const MemoryUsage& other) {
    for (std::size_t i = 0; i < kMemoryOwners; ++i) bytes_[i] += other.bytes_[i];
  }
  bool operator==(const MemoryUsage&) const = default;

 private:
  std::array<std::uint64_t, kMemoryOwners> bytes_{};
};

}  // namespace millrace
