#include "millrace/apps/frames/frame_shape.h"

#include <array>
#include <utility>

namespace millrace {
namespace {

constexpr std::array<std::string_view, 16> kTexts = {
    "code properties, giving the best of both the static and dynamic worlds",
    "pleasant\\for\\tasks,\\both\\small\\and\\large",
    "slices,\"and\"ranges\"make\"daily\"programming\"simple",
    "https://example.org/search?q=uid&ts=1468244384#top",
    "Он звал прекрасное мечтою; он вдохновенье презирал",
    "春眠不覚暁、処処聞啼鳥、夜来風雨声、花落知多少",
    "🚀 Ünïcödé ẞtraße – 👩‍💻 naïve café",
    "{\"ts\":1,\"uid\":\"decoy\"}",
    "\",\"ts\":99,\"uid\":\"decoy\",\"",
    ",99,decoy,\"\",",
    "}],{[ \\\" :,;\t",
    "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0",
    "ts",
    "uid",
    "\"",
    "'single' and \"\"double\"\"",
};

}  // namespace

FrameShape draw_frame_shape(std::uint32_t bytes, SplitMix& random) {
  FrameShape shape;
  shape.length = bytes - bytes / 4 + random.below(bytes / 2 + 1);
  shape.first_at = random.below(shape.length);
  shape.second_at = random.below(shape.length);
  shape.ts_first = shape.first_at <= shape.second_at;
  if (!shape.ts_first) std::swap(shape.first_at, shape.second_at);
  return shape;
}

std::string_view draw_decoy_text(SplitMix& random) { return kTexts[random.below(kTexts.size())]; }

}  // namespace millrace
