#include "millrace/operators/distinct_sets.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "millrace/framework/check.h"
#include "millrace/operators/distinct_delta_format.h"

namespace millrace {
namespace {

constexpr char kPartPrefix = 'd';
constexpr std::size_t kIndexKeyBytes = kWindowKeyBytes + kFingerprintBytes;

/// Key of a packed part: window, level, sequence.
std::string part_key(std::string_view key, std::size_t level, std::uint32_t sequence) {
  std::string part(1, kPartPrefix);
  part.append(key);
  part.push_back(static_cast<char>(level));
  for (int shift = 24; shift >= 0; shift -= 8)
    part.push_back(static_cast<char>(sequence >> shift & 0xff));
  return part;
}

/// Key of one user in the index: window, fingerprint; keys sort as fingerprints do. There is one
/// for each user of the set, so no byte is appended alone.
void append_index_key(std::string_view window, Fingerprint print, std::string& out) {
  char bytes[kFingerprintBytes];
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>(print.low >> (56 - 8 * i) & 0xff);
    bytes[8 + i] = static_cast<char>(print.high >> (56 - 8 * i) & 0xff);
  }
  out.append(window);
  out.append(bytes, sizeof bytes);
}

}  // namespace

// --- one set

DistinctSet::DistinctSet(DistinctSets& sets, std::string key) : sets_(sets), key_(std::move(key)) {}

DistinctSet::~DistinctSet() {
  memory_ = {};
  std::vector<Fingerprint>().swap(fresh_);
  charge();
}

void DistinctSet::restore(const DistinctSetHead& head) {
  head_ = head;
  known_ = head.users == 0;
}

void DistinctSet::add(std::vector<Fingerprint>& prints) {
  used_ = sets_.turn_;
  if (!known_) recall();
  std::erase_if(prints, [this](const Fingerprint print) { return !memory_.insert(print); });
  if (indexed_ && !prints.empty()) drop_indexed(prints);
  fresh_.insert(fresh_.end(), prints.begin(), prints.end());
  head_.users += prints.size();
  charge();
}

/// Reads the parts that the index does not know. If there are too many for memory, they go there.
void DistinctSet::recall() {
  const DistinctSetHead index = sets_.index_head(key_, head_);
  indexed_ = index.users > 0;
  recalling_ = true;
  bool moved = false;
  for (std::size_t level = 0; level < head_.levels.size(); ++level) {
    const DistinctSetHead::Level& parts = head_.levels[level];
    for (std::uint32_t sequence = std::max(parts.first, index.levels[level].next);
         sequence < parts.next; ++sequence) {
      const auto part = sets_.store_->get(part_key(key_, level, sequence));
      if (!part) continue;  // it cannot be read: the store will say so
      for (std::size_t i = 0; i < part->size() / kFingerprintBytes; ++i)
        memory_.insert(fingerprint_at(*part, i));
      charge();
      if (!sets_.over()) continue;
      sets_.make_room();
      moved = moved || memory_.empty();
    }
  }
  recalling_ = false;
  known_ = true;
  if (moved) move_to_index();  // now it knows all
}

void DistinctSet::drop_indexed(std::vector<Fingerprint>& prints) const {
  std::string& bytes = sets_.key_bytes_;
  bytes.clear();
  for (const Fingerprint print : prints) append_index_key(key_, print, bytes);
  sets_.keys_.clear();
  for (std::size_t i = 0; i < prints.size(); ++i)
    sets_.keys_.push_back(std::string_view(bytes).substr(i * kIndexKeyBytes, kIndexKeyBytes));
  sets_.found_.assign(prints.size(), false);
  sets_.index_->find_many(sets_.keys_, [this](std::size_t i) { sets_.found_[i] = true; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < prints.size(); ++i)
    if (!sets_.found_[i]) prints[kept++] = prints[i];
  prints.resize(kept);
}

void DistinctSet::give_way() {
  if (!fresh_.empty() && memory_.size() == fresh_.size()) return;  // nothing of it is committed
  const bool small = memory_.memory_bytes() < kSmallBytes;
  if (indexed_ || recalling_ || !fresh_.empty() || !small) return move_to_index();
  memory_ = {};
  std::vector<Fingerprint>().swap(fresh_);
  known_ = false;
  charge();
}

/// Moves what is committed from memory to the index.
void DistinctSet::move_to_index() {
  if (!indexed_) sets_.clear_index(key_);
  FingerprintSet uncommitted;
  for (const Fingerprint print : fresh_) uncommitted.insert(print);
  const FingerprintSet::Sorted all = memory_.take_sorted();
  std::string key;
  auto print = all.begin();
  sets_.index_->put_keys(all.size() - uncommitted.size(), [&] {
    while (uncommitted.contains(*print)) ++print;
    key.clear();
    append_index_key(key_, *print++, key);
    return std::string_view(key);
  });
  memory_ = std::move(uncommitted);
  if (fresh_.empty()) std::vector<Fingerprint>().swap(fresh_);
  indexed_ = true;
  charge();
  if (recalling_) return;
  DistinctSetHead known = head_;
  known.users -= fresh_.size();
  std::string value;
  append_distinct_set_head(known, value);
  sets_.index_->put(key_, value);
}

void DistinctSet::charge() {
  const std::size_t bytes =
      memory_.memory_bytes_soon() - sizeof memory_ + fresh_.capacity() * sizeof(Fingerprint);
  if (bytes == charged_) return;
  sets_.held_ = sets_.held_ - charged_ + bytes;
  if (bytes == 0)
    sets_.charged_.erase(this);
  else if (charged_ == 0)
    sets_.charged_.insert(this);
  charged_ = bytes;
}

// --- its parts

void DistinctSet::save(KeyValueStore& store) {
  if (fresh_.empty()) return;
  std::string part;
  for (const Fingerprint print : fresh_) append_fingerprint(print, part);
  fresh_.clear();
  store_part(0, part, store);
  for (std::size_t level = 0; level + 1 < head_.levels.size(); ++level)
    if (head_.levels[level].next - head_.levels[level].first >= kFanIn) merge_level(level, store);
}

void DistinctSet::store_part(std::size_t level, std::string_view part, KeyValueStore& store) {
  for (; !part.empty(); part.remove_prefix(std::min(part.size(), kMaxPartBytes)))
    store.put(part_key(key_, level, head_.levels[level].next++), part.substr(0, kMaxPartBytes));
}

void DistinctSet::merge_level(std::size_t level, KeyValueStore& store) {
  std::string merged;
  DistinctSetHead::Level& parts = head_.levels[level];
  for (std::uint32_t sequence = parts.first; sequence < parts.next; ++sequence) {
    const std::string name = part_key(key_, level, sequence);
    if (const auto part = store.get(name)) merged.append(*part);
    store.erase(name);
  }
  parts.first = parts.next;
  store_part(level + 1, merged, store);
}

void DistinctSet::erase(KeyValueStore& store) {
  for (std::size_t level = 0; level < head_.levels.size(); ++level)
    for (std::uint32_t sequence = head_.levels[level].first; sequence < head_.levels[level].next;
         ++sequence)
      store.erase(part_key(key_, level, sequence));
  if (indexed_ || !known_) sets_.clear_index(key_);
}

// --- all sets of a task

void DistinctSets::open(TaskContext& context, const std::string& store) {
  context_ = &context;
  store_ = &context.store(store);
  index_ = &context.local_table(store);
  share_ = context.memory_share(MemoryUse::kKept);
}

void DistinctSets::drop_unknown(const std::function<bool(std::string_view key)>& known) {
  std::string from;
  while (const auto found = index_->first_key(from)) {
    const std::string key = found->substr(0, kWindowKeyBytes);
    if (!known(key)) clear_index(key);
    from = end_of_prefix(key);
    if (from.empty()) return;
  }
}

void DistinctSets::make_room() {
  ++turn_;
  if (!over()) return;
  std::vector<DistinctSet*> sets(charged_.begin(), charged_.end());
  std::ranges::sort(sets, [](const DistinctSet* a, const DistinctSet* b) {
    return std::tie(a->used_, b->charged_, a->key_) < std::tie(b->used_, a->charged_, b->key_);
  });
  for (DistinctSet* const set : sets) {
    set->give_way();
    if (!over()) return;
  }
  context_->wants_commit = true;  // what is left is not committed yet
}

/// How much of the set the index knows; an index that knows more is not of this set.
DistinctSetHead DistinctSets::index_head(std::string_view key, const DistinctSetHead& stored) {
  const auto value = index_->get(key);
  if (!value) return {};
  const auto head = decode_distinct_set_head(*value);
  MILLRACE_CHECK(head.ok(), "a table holds what this program put there");
  for (std::size_t level = 0; level < stored.levels.size(); ++level)
    if (head->levels[level].next > stored.levels[level].next) return {};
  return *head;
}

void DistinctSets::clear_index(std::string_view key) {
  const auto first = index_->first_key(key);
  if (first && first->starts_with(key)) index_->erase_range(key, end_of_prefix(key));
}

}  // namespace millrace
