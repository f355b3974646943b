// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "bench/lpm_contenders.h"
#include "runtime/image/sealed_memory.h"

namespace sluice::bench {
namespace {

/// Tables one behind the other in read-only memory with 2 MB pages, each vector at a multiple of 64 bytes.
class LoadedTables {
  public:
    explicit LoadedTables(const std::vector<lower::LpmTable>& tables) {
        for (const auto& table : tables) bytes_ += padded(table.root) + padded(table.records);
        memory_ = SealedMemory::allocate(bytes_);
        if (!memory_) throw std::runtime_error("not enough memory for our tables");
        std::size_t at = 0;
        for (const auto& table : tables) {
            LpmView view = table.view();
            view.root = put(table.root, at);
            view.records = put(table.records, at);
            views_.push_back(view);
        }
        memory_->seal();
    }

    const std::vector<LpmView>& views() const { return views_; }
    std::size_t bytes() const { return bytes_; }

  private:
    template <typename Value>
    static std::size_t padded(const std::vector<Value>& values) {
        return (values.size() * sizeof(Value) + 63) / 64 * 64;
    }
    template <typename Value>
    const Value* put(const std::vector<Value>& values, std::size_t& at) {
        std::uint8_t* place = memory_->writable().data() + at;
        std::memcpy(place, values.data(), values.size() * sizeof(Value));
        at += padded(values);
        return reinterpret_cast<const Value*>(place);
    }

    std::size_t bytes_ = 0;
    std::optional<SealedMemory> memory_;
    std::vector<LpmView> views_;
};

class Sluice : public Contender {
  public:
    explicit Sluice(const std::vector<lower::LpmTable>& tables) : tables_(tables) {
        name = "sluice";
        bytes = tables_.bytes();
    }
    std::uint64_t answer(std::size_t place) const override { return answers_[place]; }

  protected:
    const LpmView& table() const { return tables_.views()[0]; }
    LoadedTables tables_;
    std::uint32_t answers_[lpm_burst_size];
};

struct SluiceBurst : Sluice {
    using Sluice::Sluice;
    void look_up(const Questions& questions, std::size_t first) override {
        if (!questions.v4.empty()) {
            lpm_lookup_burst(table(), std::span(questions.v4).subspan(first, lpm_burst_size), answers_);
        } else {
            lpm_lookup_burst(table(), std::span(questions.v6).subspan(first, lpm_burst_size), answers_);
        }
    }
};

struct SluiceOneByOne : Sluice {
    using Sluice::Sluice;
    void look_up(const Questions& questions, std::size_t first) override {
        for (std::size_t i = 0; i < lpm_burst_size; ++i) {
            const std::size_t at = first + i;
            const Ip ip = questions.v4.empty() ? questions.v6[at] : Ip::from_v4(questions.v4[at]);
            answers_[i] = table().lookup(ip);
        }
    }
};

struct SluiceManyRouters : Sluice {
    using Sluice::Sluice;
    void look_up(const Questions& questions, std::size_t first) override {
        const std::uint32_t* addresses = &questions.v4[first];
        const std::uint16_t* routers = &questions.routers[first];
        const LpmView* views = tables_.views().data();
        lpm_lookup_burst(
            lpm_burst_size, [=](std::size_t i) -> const LpmView& { return views[routers[i]]; },
            [=](std::size_t i) { return Ip::from_v4(addresses[i]); }, answers_);
    }
};

}  // namespace

ContenderPtr make_sluice(const std::vector<Entries>& routers) {
    std::vector<lower::LpmTable> tables;
    for (const Entries& entries : routers) tables.push_back(lower::build_lpm(entries));
    if (tables.size() == 1) return std::make_unique<SluiceBurst>(tables);
    return std::make_unique<SluiceManyRouters>(tables);
}

ContenderPtr make_sluice_one_by_one(const Entries& entries) {
    auto contender = std::make_unique<SluiceOneByOne>(std::vector{lower::build_lpm(entries)});
    contender->name = "sluice, one by one";
    return contender;
}

}  // namespace sluice::bench
