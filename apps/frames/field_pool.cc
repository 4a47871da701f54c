#include "millrace/apps/frames/field_pool.h"

#include <array>

namespace millrace {
namespace {

constexpr std::array<std::string_view, 16> kKeys = {
    "session", "page",     "referrer", "agent",     "country",
    "items",   "price",    "tags",     "status",    "\u043a\u043b\u044e\u0447",
    "Ts",      "uid_hash", "uids",     "\\u0074sx", "na\\\"me",
    ""};

// As they stand in the document: escaped already.
constexpr std::array<std::string_view, 16> kStrings = {
    R"("code properties, giving the best of both the static and dynamic worlds")",
    R"("pleasant\\for\\tasks,\\both\\small\\and\\large")",
    R"("transactional\tcode\tthat\tis\teasy\tto\twrite\tand\tread\r\n")",
    R"("slices,\"and\"ranges\"make\"daily\"programming\"simple")",
    R"("https:\/\/example.org\/search?q=uid&ts=1468244384#top")",
    R"("\u0041n \u00e9l\u00e9gant \u2014 \ud83d\ude80 \u0000 escape")",
    R"("Он звал прекрасное мечтою; он вдохновенье презирал")",
    R"("春眠不覚暁、処処聞啼鳥、夜来風雨声、花落知多少")",
    R"("🚀 Ünïcödé ẞtraße – 👩‍💻 naïve café")",
    R"("{\"ts\":1,\"uid\":\"decoy\"}")",
    R"(",\"ts\":99,\"uid\":\"decoy\",")",
    R"("}],{[ \\\" :,")",
    R"("Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0")",
    R"("ts")",
    R"("uid")",
    R"("")"};

constexpr std::array<std::string_view, 12> kScalars = {"0",
                                                       "-17",
                                                       "4711",
                                                       "0.322842",
                                                       "-1.5e-7",
                                                       "6.02E+23",
                                                       "9007199254740993",
                                                       "4000000000.0",
                                                       "true",
                                                       "false",
                                                       "null",
                                                       "18446744073709551615"};

constexpr std::array<std::string_view, 8> kDecoys = {
    R"("ts":1)",        R"("ts": "99")", R"("ts":4000000000.0)", R"("ts":null)",
    R"("uid":"decoy")", R"("uid" : 7)",  R"("uid":null)",        R"("uid":{"uid":"deeper"})"};

constexpr std::array<std::string_view, 4> kColons = {":", ":", ": ", " : "};

constexpr int kMaxDepth = 4;

template <std::size_t N>
std::string_view one_of(const std::array<std::string_view, N>& choices, SplitMix& random) {
  return choices[random.below(N)];
}

void append_value(std::string& out, SplitMix& random, int depth);

void append_key(std::string& out, SplitMix& random) {
  out += '"';
  out += one_of(kKeys, random);
  out += '"';
  out += one_of(kColons, random);
}

// An object whose own fields imitate the frame's.
void append_object(std::string& out, SplitMix& random, int depth) {
  out += '{';
  if (random.one_in(2)) {
    append_key(out, random);
    append_value(out, random, depth + 1);
    out += ',';
  }
  out += one_of(kDecoys, random);
  out += random.one_in(2) ? ", " : ",";
  out += one_of(kDecoys, random);
  out += '}';
}

void append_array(std::string& out, SplitMix& random, int depth) {
  out += '[';
  for (std::uint32_t left = random.below(4); left > 0; --left) {
    append_value(out, random, depth + 1);
    if (left > 1) out += ',';
  }
  out += ']';
}

void append_value(std::string& out, SplitMix& random, int depth) {
  const std::uint32_t kind = depth < kMaxDepth ? random.below(10) : random.below(7);
  if (kind < 5) {
    out += one_of(kStrings, random);
  } else if (kind < 7) {
    out += one_of(kScalars, random);
  } else if (kind < 9) {
    append_object(out, random, depth);
  } else {
    append_array(out, random, depth);
  }
}

}  // namespace

FieldPool::FieldPool(SplitMix random) : fields_(kFields) {
  for (std::string& field : fields_) {
    append_key(field, random);
    append_value(field, random, 0);
    if (random.one_in(8)) field += ' ';
  }
}

}  // namespace millrace
