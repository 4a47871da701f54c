#include "millrace/framework/embedded/embedded_broker.h"

#include "millrace/framework/embedded/core.h"
#include "millrace/framework/embedded/embedded_admin.h"
#include "millrace/framework/embedded/embedded_consumer.h"
#include "millrace/framework/embedded/embedded_producer.h"

namespace millrace {
namespace {

using namespace embedded;

class EmbeddedBroker final : public Broker {
 public:
  EmbeddedBroker(const EmbeddedOptions& options, std::unique_ptr<Storage> storage)
      : core_(options, std::move(storage)), admin_(core_) {}

  Status load() {
    if (core_.storage == nullptr) return {};
    MILLRACE_RETURN_IF_ERROR(core_.topics.load());
    return core_.groups.load();
  }

  Result<std::unique_ptr<Consumer>> consumer(const ConsumerOptions& options) override {
    return std::unique_ptr<Consumer>(std::make_unique<EmbeddedConsumer>(core_, options));
  }
  Result<std::unique_ptr<Producer>> producer(const ProducerOptions& options) override {
    return std::unique_ptr<Producer>(std::make_unique<EmbeddedProducer>(core_, options));
  }
  Admin& admin() override { return admin_; }
  std::string name() const override { return "embedded:" + core_.options.directory; }

 private:
  Core core_;
  EmbeddedAdmin admin_;
};

}  // namespace

Result<std::unique_ptr<Broker>> open_embedded_broker(const EmbeddedOptions& options) {
  std::unique_ptr<Storage> storage;
  if (!options.directory.empty()) {
    auto opened = Storage::open(options.directory, options.log);
    if (!opened.ok()) return opened.status();
    storage = std::move(*opened);
  }
  auto broker = std::make_unique<EmbeddedBroker>(options, std::move(storage));
  MILLRACE_RETURN_IF_ERROR(broker->load());
  return std::unique_ptr<Broker>(std::move(broker));
}

}  // namespace millrace
