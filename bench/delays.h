// SPDX-License-Identifier: Apache-2.0
//
// How long packets wait, burst by burst, and which of the long waits were not ours: another thread or another
// machine had the core. One thread records.
#pragma once

#include <cstdint>
#include <vector>

namespace sluice::bench {

/// What the calling thread, on `core`, did not get of it so far.
class StolenTime {
  public:
    explicit StolenTime(unsigned core);
    ~StolenTime();
    StolenTime(const StolenTime&) = delete;
    StolenTime& operator=(const StolenTime&) = delete;

    /// Whether there is more of it than when last asked. Costs microseconds.
    bool grew();

  private:
    std::uint64_t waited_ = 0;  // for the core, in ns: the kernel's run delay
    std::uint64_t stolen_ = 0;  // by the hypervisor, in ticks
    int schedule_file_, core_file_;
    unsigned core_;
};

class Delays {
  public:
    /// Room for so many bursts, touched here.
    explicit Delays(std::size_t most);

    void add(std::uint64_t cycles, StolenTime& stolen) {
        const bool is_long = cycles > long_cycles;
        if (count_ == values_.size()) return;
        const auto value = static_cast<std::uint32_t>(cycles < most_cycles ? cycles : most_cycles);
        values_[count_++] = is_long && stolen.grew() ? value | stolen_mark : value;
    }

    struct Summary {
        double microseconds_p9999 = 0, microseconds_max = 0;          // all intervals
        double own_microseconds_p9999 = 0, own_microseconds_max = 0;  // those without stolen time
        std::uint64_t stolen = 0;                                     // how many had some
    };
    Summary summary() const;

  private:
    static constexpr std::uint32_t stolen_mark = 1u << 31, most_cycles = stolen_mark - 1;
    static constexpr std::uint64_t long_cycles = 50'000;  // about 20 us

    std::vector<std::uint32_t> values_;
    std::size_t count_ = 0;
};

/// Of the time-stamp counter.
double cycles_a_microsecond();

}  // namespace sluice::bench
