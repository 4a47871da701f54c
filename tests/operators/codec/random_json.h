#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace millrace {

/// Makes JSON objects as hostile as valid ones can be, and breaks them. The same for the same seed.
class RandomJson {
 public:
  explicit RandomJson(std::uint64_t seed) : random_(seed) {}

  /// An object with some of the keys "ts" and "uid", decoys, duplicates, escapes, any nesting and
  /// white space.
  std::string object() { return object(3); }

  /// Changes a few bytes: flips, cuts, insertions, deletions, repeated pieces. Sometimes none.
  std::string mutated(std::string text) {
    static constexpr std::string_view kBytes = "{}[]\",:\\ u0-1.eE+tfn\n\x01\x80\xff\xd0 \r";
    for (std::size_t changes = below(4); changes > 0 && !text.empty(); --changes) {
      const std::size_t at = below(text.size());
      switch (below(6)) {
        case 0:
          text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
          break;
        case 1:
          text.resize(at);
          break;
        case 2:
          text.insert(at, 1, kBytes[below(kBytes.size())]);
          break;
        case 3:
          text.erase(at, 1 + below(3));
          break;
        case 4:
          text.insert(at, text.substr(below(text.size()), below(12)));
          break;
        default:
          text[at] = kBytes[below(kBytes.size())];
          break;
      }
    }
    return text;
  }

 private:
  std::size_t below(std::size_t limit) { return random_() % limit; }
  template <std::size_t N>
  std::string_view pick(const std::array<std::string_view, N>& choices) {
    return choices[below(N)];
  }
  std::string_view space() { return pick<8>({"", "", "", "", "", " ", "\n", " \t\r"}); }

  std::string object(int depth) {
    std::string text{"{"};
    text += space();
    for (std::size_t fields = 1 + below(8), i = 0; i < fields; ++i) {
      if (i > 0) (text += ',') += space();
      const std::string_view name = key();
      ((text += name) += space()) += ':';
      // Mostly the type that is wanted, or hardly any object would be good.
      const bool wanted = below(4) != 0;
      const std::string content = wanted && name == "\"ts\"" ? std::to_string(below(2'000'000'000))
                                  : wanted && name == "\"uid\"" ? text_value()
                                                                : value(depth);
      ((text += space()) += content) += space();
    }
    return text += '}';
  }

  std::string_view key() {
    return pick<10>({R"("ts")", R"("uid")", R"("ts")", R"("uid")", R"("\u0074s")", R"("u\u0069d")",
                     R"("")", R"("uid2")", R"("ключ\n")", R"("a\"b")"});
  }

  std::string text_value() {
    return std::string{
        pick<9>({R"("plain")", R"("")", R"("1468244384")", R"("\u0031\u0034")", R"("звал")",
                 R"("a\"]}\\")", R"("\ud83d\ude00")", R"("][{}:,")", R"("\\\\")"})};
  }

  std::string value(int depth) {
    const std::size_t kind = below(depth > 0 ? 12 : 9);
    if (kind < 3) return std::to_string(below(5) == 0 ? random_() : below(2'000'000'000));
    if (kind < 6) return text_value();
    if (kind < 9)
      return std::string{pick<10>(
          {"true", "false", "null", "-1", "1.5", "-0", "1e5", "0", "-0.0E-2", "253402300800"})};
    if (kind < 11) return object(depth - 1);
    std::string text{"["};
    for (std::size_t items = below(4), i = 0; i < items; ++i) {
      if (i > 0) text += ',';
      ((text += space()) += value(depth - 1)) += space();
    }
    return text += ']';
  }

  std::mt19937_64 random_;
};

}  // namespace millrace
