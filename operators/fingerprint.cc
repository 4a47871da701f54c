#include "millrace/operators/fingerprint.h"

#define XXH_INLINE_ALL  // saves a call through the PLT, a third of the cost of a short text
#include <xxhash.h>

namespace millrace {

Fingerprint fingerprint(std::string_view text) {
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return {hash.low64, hash.high64};
}

}  // namespace millrace
