#pragma once

#include <bit>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// Makes MessagePack values in all forms that the specification allows, and breaks them: an encoder
/// of its own, against which the reader is tested. The same for the same seed.
class RandomMsgpack {
 public:
  explicit RandomMsgpack(std::uint64_t seed) : random_(seed) {}

  /// What a map says of the keys "ts" and "uid".
  struct Map {
    std::string bytes;
    std::string says;  ///< "ts uid", or what makes it bad: that which a reader meets first
  };

  /// A map with decoys, duplicates, keys that are no text, and any nesting.
  Map map() {
    Map made;
    std::string ts, uid, error, body;
    const std::size_t pairs = below(8) == 0 ? 15 + below(5) : below(8);
    for (std::size_t i = 0; i < pairs; ++i) {
      const std::size_t kind = below(5);
      if (kind == 0 && error.empty() && ts.empty()) {
        append_text(body, "ts");
        ts = append_ts(body, error);
      } else if (kind == 1 && error.empty() && uid.empty()) {
        append_text(body, "uid");
        uid = append_uid(body, error);
      } else {
        append_decoy_key(body);
        append_value(body, 3);
      }
    }
    append_size(made.bytes, pairs, 0x80, 16, {0xde, 2, 0xdf, 4});
    made.bytes += body;
    made.says = !error.empty()  ? error
                : ts.empty()    ? "field-missing ts"
                : uid == kEmpty ? "field-missing uid"
                                : ts + " " + uid.substr(1);
    return made;
  }

  /// Any value.
  void append_value(std::string& out, int depth) {
    switch (below(depth > 0 ? 9 : 7)) {
      case 0:
        out += pick({"\xc0", "\xc2", "\xc3",
                     "\xca\x3f\x80"
                     "ab"});
        return;
      case 1:
        append_integer(out, random_() >> below(64));
        return;
      case 2:
        append_negative(out, -1 - static_cast<std::int64_t>(random_() >> (1 + below(63))));
        return;
      case 3:
        put(out, 0xcb, std::bit_cast<std::uint64_t>(1.5), 8);
        return;
      case 4:
        append_bytes(out);
        return;
      case 5:
      case 6:
        append_text(out,
                    pick({"", "ts", "uid", "звал", "\xFF", "\xc1", "a long text, a long text, a"}));
        return;
      case 7: {
        const std::size_t size = below(20);
        append_size(out, size, 0x90, 16, {0xdc, 2, 0xdd, 4});
        for (std::size_t i = 0; i < size; ++i) append_value(out, depth - 1);
        return;
      }
      default: {
        const std::size_t size = below(18);
        append_size(out, size, 0x80, 16, {0xde, 2, 0xdf, 4});
        for (std::size_t i = 0; i < size; ++i) {
          append_text(out, pick({"ts", "uid", "x"}));
          append_value(out, depth - 1);
        }
      }
    }
  }

  /// Changes a few bytes: flips, cuts, insertions, deletions. Sometimes none.
  std::string mutated(std::string bytes) {
    for (std::size_t changes = below(4); changes > 0 && !bytes.empty(); --changes) {
      const std::size_t at = below(bytes.size());
      switch (below(4)) {
        case 0:
          bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
          break;
        case 1:
          bytes.resize(at);
          break;
        case 2:
          bytes.insert(at, 1, static_cast<char>(random_()));
          break;
        default:
          bytes.erase(at, 1 + below(3));
          break;
      }
    }
    return bytes;
  }

 private:
  /// A form of a length: its first byte, and the bytes of the length behind it.
  struct Form {
    std::uint64_t first;
    int bytes;
  };
  static constexpr std::string_view kEmpty = "";

  std::size_t below(std::size_t limit) { return random_() % limit; }
  std::string_view pick(std::vector<std::string_view> choices) {
    return choices[below(choices.size())];
  }
  static void put(std::string& out, std::uint64_t first, std::uint64_t number, int bytes) {
    out += static_cast<char>(first);
    for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(number >> (8 * i));
  }
  /// Any of the forms in which the number has room.
  void append_form(std::string& out, std::uint64_t number, std::vector<Form> forms) {
    std::erase_if(
        forms, [&](const Form& form) { return form.bytes < 8 && number >> (8 * form.bytes) != 0; });
    const Form& form = forms[below(forms.size())];
    put(out, form.first, number, form.bytes);
  }
  void append_size(std::string& out, std::uint64_t size, std::uint64_t fixed, std::uint64_t limit,
                   std::vector<Form> forms) {
    if (size < limit && below(2) == 0) {
      out += static_cast<char>(fixed | size);
    } else {
      append_form(out, size, std::move(forms));
    }
  }
  void append_size(std::string& out, std::uint64_t size, std::uint64_t fixed, std::uint64_t limit,
                   std::initializer_list<int> forms) {
    std::vector<Form> list;
    for (auto each = forms.begin(); each != forms.end(); each += 2)
      list.push_back({static_cast<std::uint64_t>(each[0]), each[1]});
    append_size(out, size, fixed, limit, std::move(list));
  }
  void append_text(std::string& out, std::string_view text) {
    append_size(out, text.size(), 0xa0, 32, {0xd9, 1, 0xda, 2, 0xdb, 4});
    out += text;
  }
  void append_bytes(std::string& out) {
    const std::size_t kind = below(3);
    const std::size_t size = below(20);
    if (kind == 0) {
      append_form(out, size, {{0xc4, 1}, {0xc5, 2}, {0xc6, 4}});
      out += std::string(size, '\x81');
    } else if (kind == 1) {
      append_form(out, size, {{0xc7, 1}, {0xc8, 2}, {0xc9, 4}});
      out += std::string(1 + size, '\x81');
    } else {
      const std::size_t power = below(5);
      out += static_cast<char>(0xd4 + power);
      out += std::string(1 + (std::size_t{1} << power), '\xc1');
    }
  }
  void append_integer(std::string& out, std::uint64_t number) {
    if (number < 0x80 && below(2) == 0) {
      out += static_cast<char>(number);
      return;
    }
    std::vector<Form> forms{{0xcc, 1}, {0xcd, 2}, {0xce, 4}, {0xcf, 8}};
    for (const Form& form : {Form{0xd0, 1}, Form{0xd1, 2}, Form{0xd2, 4}, Form{0xd3, 8}})
      if (number >> (8 * form.bytes - 1) == 0) forms.push_back(form);
    append_form(out, number, std::move(forms));
  }
  void append_negative(std::string& out, std::int64_t number) {
    if (number >= -32 && below(2) == 0) {
      out += static_cast<char>(number);
      return;
    }
    std::vector<Form> forms{{0xd3, 8}};
    if (number >= INT32_MIN) forms.push_back({0xd2, 4});
    if (number >= INT16_MIN) forms.push_back({0xd1, 2});
    if (number >= INT8_MIN) forms.push_back({0xd0, 1});
    const Form& form = forms[below(forms.size())];
    put(out, form.first, static_cast<std::uint64_t>(number), form.bytes);
  }
  void append_decoy_key(std::string& out) {
    if (below(4) == 0) {
      append_value(out, 1);  // perhaps a text, but none that is bound: see below
      if (out.ends_with("ts") || out.ends_with("uid")) out.back() = '?';
    } else {
      append_text(out, pick({"", "t", "tsx", "ui", "uid2", "Ts", "ключ"}));
    }
  }
  /// What is read of it; or sets `error`.
  std::string append_ts(std::string& out, std::string& error) {
    const std::uint64_t ts = random_() % 253'402'300'800;
    switch (below(12)) {
      case 0:
        out += '\xc0';
        error = "field-null ts";
        return {};
      case 1:
        append_negative(out, -5);
        error = "field-negative ts";
        return {};
      case 2:
        put(out, 0xcb, std::bit_cast<std::uint64_t>(5.0), 8);
        error = "field-fractional ts";
        return {};
      case 3:
        append_integer(out, 253'402'300'800 + below(1'000'000));
        error = "field-out-of-range ts";
        return {};
      case 4:
        append_bytes(out);
        error = "field-wrong-type ts";
        return {};
      case 5:
        append_text(out, std::to_string(ts));
        return std::to_string(ts);
      default:
        append_integer(out, ts);
        return std::to_string(ts);
    }
  }
  /// As append_ts(), with a character in front, so that none and empty differ.
  std::string append_uid(std::string& out, std::string& error) {
    const std::size_t kind = below(8);
    if (kind == 0) {
      append_integer(out, 7);
      error = "field-wrong-type uid";
      return {};
    }
    if (kind == 1) {
      append_text(out, "a\xFF");
      error = "field-invalid-utf8 uid";
      return {};
    }
    const std::string uid{pick({"", "ac7a", "звал", "a\"b", std::string_view{"\0", 1}})};
    append_text(out, uid);
    return "=" + uid;
  }

  std::mt19937_64 random_;
};

}  // namespace millrace
