#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "millrace/operators/fingerprint.h"
#include "millrace/operators/ultraloglog.h"

namespace millrace {
namespace {

// What users see of --sketch 12: windows of more than 20,000 users, by their names.
TEST(SketchAccuracy, PrecisionTwelveIsWithinItsStandardErrorOverManyWindows) {
  constexpr int kWindows = 240;
  double squares = 0;
  double worst = 0;
  for (int window = 0; window < kWindows; ++window) {
    const int users = 20'001 + 250 * window;
    const std::string prefix = "seed-" + std::to_string(window) + "-user-";
    UltraLogLog sketch(12);
    for (int user = 0; user < users; ++user)
      sketch.add(fingerprint(prefix + std::to_string(user)).low);
    const double error = sketch.estimate() / users - 1;
    squares += error * error;
    worst = std::max(worst, std::abs(error));
  }
  EXPECT_LE(std::sqrt(squares / kWindows), 0.0135);
  EXPECT_LE(worst, 0.06);
}

TEST(SketchAccuracy, HalvesOfAnInputMergeToTheSketchOfTheWhole) {
  UltraLogLog whole(12);
  UltraLogLog first(12);
  UltraLogLog second(12);
  for (int user = 0; user < 60'000; ++user) {
    const std::uint64_t hash = fingerprint("user-" + std::to_string(user)).low;
    whole.add(hash);
    (user % 2 == 0 ? first : second).add(hash);
    if (user % 7 == 0) first.add(hash);  // halves overlap
  }
  first.merge(second);
  EXPECT_TRUE(std::ranges::equal(first.registers(), whole.registers()));
  EXPECT_EQ(first.estimate(), whole.estimate());
}

}  // namespace
}  // namespace millrace
