#include "millrace/operators/ultraloglog.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "millrace/framework/check.h"

namespace millrace {
namespace {

/// First-order bias of the maximum-likelihood estimate: c = ln 2 * (1 + 2/4) * zeta(3, 1 + 1/4) /
/// zeta(2, 1 + 1/4)^2.
constexpr double kBias = 0.48147376527720065;

/// The log-likelihood of x = n / m is  -alpha x + sum over k of beta[k] ln(1 - exp(-x / 2^k)).
struct Likelihood {
  double alpha = 0;
  std::array<double, 64> beta{};
};

/// Adds up what each register says. Update value k comes with probability 2^-k, the highest one, w,
/// with that of w - 1.
Likelihood likelihood_of(std::span<const std::uint8_t> registers, int precision) {
  std::array<std::uint32_t, 256> count{};
  for (const std::uint8_t value : registers) ++count[value];

  Likelihood likelihood;
  const int w = 65 - precision;
  const auto exponent = [w](int k) { return std::min(k, w - 1); };
  const auto judge = [&](int k, bool seen, double weight) {
    if (k < 1) return;
    if (seen) {
      likelihood.beta[static_cast<std::size_t>(exponent(k))] += weight;
    } else {
      likelihood.alpha += weight * std::ldexp(1.0, -exponent(k));
    }
  };
  likelihood.alpha += count[0];
  for (int value = 4; value < 256; ++value) {
    const double weight = count[static_cast<std::size_t>(value)];
    if (weight == 0) continue;
    const int u = value / 4;
    if (u < w) likelihood.alpha += weight * std::ldexp(1.0, -u);  // nothing above u was seen
    judge(u, true, weight);
    judge(u - 1, (value & 2) != 0, weight);
    judge(u - 2, (value & 1) != 0, weight);
  }
  return likelihood;
}

/// Finds the x of highest likelihood: the root of  sum of beta[k] 2^-k / (exp(x 2^-k) - 1)  -
/// alpha.
///
/// That falls and is convex, so Newton's steps from the left of the root rise to it and never pass
/// it.
double most_likely(const Likelihood& likelihood) {
  double count = 0;
  double slope = 0;
  for (std::size_t k = 0; k < likelihood.beta.size(); ++k) {
    count += likelihood.beta[k];
    slope += likelihood.beta[k] * std::ldexp(1.0, -static_cast<int>(k));
  }
  if (count == 0) return 0;
  if (likelihood.alpha == 0) return std::numeric_limits<double>::infinity();
  // Left of the root, since 1 / (exp(y) - 1) >= 1 / y - 1 / 2.
  double x = count / (likelihood.alpha + slope / 2);
  constexpr int kMaxSteps = 100;  // fewer than ten are needed
  for (int step = 0; step < kMaxSteps; ++step) {
    double value = -likelihood.alpha;
    double derivative = 0;
    for (std::size_t k = 0; k < likelihood.beta.size(); ++k) {
      if (likelihood.beta[k] == 0) continue;
      const double rate = std::ldexp(1.0, -static_cast<int>(k));
      const double odds = 1 / std::expm1(x * rate);
      value += likelihood.beta[k] * rate * odds;
      derivative -= likelihood.beta[k] * rate * rate * odds * (1 + odds);
    }
    const double next = x - value / derivative;
    if (!(next > x * (1 + 1e-12))) break;
    x = next;
  }
  return x;
}

}  // namespace

UltraLogLog::UltraLogLog(int precision) : precision_(precision) {
  MILLRACE_CHECK(precision >= kMinPrecision && precision <= kMaxPrecision,
                 "a sketch precision of 3 to 18");
  registers_.resize(std::size_t{1} << precision);
}

void UltraLogLog::merge(const UltraLogLog& other) {
  if (other.precision_ > precision_) return merge(other.reduced(precision_));
  MILLRACE_CHECK(other.precision_ == precision_,
                 "a sketch merges others of its own or a higher precision");
  for (std::size_t i = 0; i < registers_.size(); ++i) merge_register(i, other.registers_[i]);
}

UltraLogLog UltraLogLog::reduced(int precision) const {
  MILLRACE_CHECK(precision <= precision_, "a sketch can only be reduced");
  UltraLogLog result{precision};
  const int dropped = precision_ - precision;
  for (std::size_t i = 0; i < registers_.size(); ++i) {
    if (registers_[i] == 0) continue;
    std::uint8_t& place = result.registers_[i >> dropped];
    // The bits that chose the register now lead those whose zeros are counted.
    const std::size_t leading = i & ((std::size_t{1} << dropped) - 1);
    const std::uint64_t seen =
        leading == 0
            ? unpack(registers_[i]) << dropped
            : std::uint64_t{1} << (dropped - static_cast<int>(std::bit_width(leading)) + 2);
    set(place, unpack(place) | seen);
  }
  return result;
}

double UltraLogLog::estimate() const {
  const auto m = static_cast<double>(registers_.size());
  return m * most_likely(likelihood_of(registers_, precision_)) / (1 + kBias / m);
}

void UltraLogLog::clear() { std::fill(registers_.begin(), registers_.end(), std::uint8_t{0}); }

bool UltraLogLog::valid_register(std::uint8_t value, int precision) {
  if (value == 0) return true;
  // Update values below 1 do not exist; unpacked, they would be bits 0 and 1.
  return value >= 4 && value / 4 <= 65 - precision && (unpack(value) & 3) == 0;
}

}  // namespace millrace
