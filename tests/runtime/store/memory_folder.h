// SPDX-License-Identifier: Apache-2.0
//
// A folder that knows what a disk would still have: what was not synced may be lost. It counts operations and
// stops, or fails, at one of them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/store/store_folder.h"

namespace sluice::test {

/// The world ends here. Nothing of the store's may catch it.
struct PowerLoss {};

class MemoryFolder final : public StoreFolder {
  public:
    /// What of the things that were not synced is left.
    enum class Survives : std::uint8_t {
        all,   // the process was killed
        none,  // the power went, and the disk had written nothing
        some,  // the power went; by the seed, file by file and name by name
    };
    enum class Trouble : std::uint8_t { power_loss, failure };

    /// Calls that change something, so far.
    std::uint64_t operations() const { return operations_; }
    /// The operation with that number (from 0) does not happen, or half.
    void trouble_at(std::uint64_t operation, Trouble kind) {
        trouble_at_ = operation;
        trouble_ = kind;
    }
    MemoryFolder after_loss(Survives survives, std::uint64_t seed = 0) const;
    void flip_a_byte(const std::string& name, std::size_t at);
    void truncate(const std::string& name, std::size_t bytes);

    std::vector<std::string> names() override;
    std::optional<std::uint64_t> size(const std::string& name) override;
    std::optional<std::string> read_text(const std::string& name) override;
    std::variant<SealedMemory, ImageError> read_image(const std::string& name) override;
    void create(const std::string& name) override;
    void write(const std::string& name, std::uint64_t offset, std::span<const std::uint8_t> bytes) override;
    void sync(const std::string& name) override;
    void rename(const std::string& from, const std::string& to) override;
    void remove(const std::string& name) override;
    void sync_folder() override;

  private:
    using Bytes = std::vector<std::uint8_t>;
    struct File {
        Bytes now, durable;
    };
    using Names = std::map<std::string, std::shared_ptr<File>>;
    /// True where the operation is to stop half-way.
    bool step();
    [[noreturn]] void stop() const;
    File& file(const std::string& name);

    Names now_, durable_;
    std::uint64_t operations_ = 0;
    std::uint64_t trouble_at_ = ~std::uint64_t{0};
    Trouble trouble_ = Trouble::power_loss;
};

}  // namespace sluice::test
