// SPDX-License-Identifier: Apache-2.0
#include "bench/delays.h"

#include <fcntl.h>
#include <unistd.h>
#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>

namespace sluice::bench {
namespace {

/// The numbered word of the file's text after `from`, as a number; 0 where there is none.
std::uint64_t number_in(int file, std::string_view from, unsigned word) {
    std::array<char, 4096> text{};
    const ssize_t length = pread(file, text.data(), text.size(), 0);
    if (length <= 0) return 0;
    std::string_view rest(text.data(), static_cast<std::size_t>(length));
    const std::size_t start = rest.find(from);
    if (start == std::string_view::npos) return 0;
    rest.remove_prefix(start + from.size());
    for (unsigned i = 0; i < word; ++i) {
        const std::size_t space = rest.find(' ');
        if (space == std::string_view::npos) return 0;
        rest.remove_prefix(space + 1);
    }
    std::uint64_t value = 0;
    std::from_chars(rest.data(), rest.data() + rest.size(), value);
    return value;
}

double at(const std::vector<std::uint32_t>& sorted, double share) {
    if (sorted.empty()) return 0;
    const auto place = static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1));
    return sorted[place] / cycles_a_microsecond();
}

}  // namespace

StolenTime::StolenTime(unsigned core)
    : schedule_file_(open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)),
      core_file_(open("/proc/stat", O_RDONLY | O_CLOEXEC)),
      core_(core) {
    grew();
}

StolenTime::~StolenTime() {
    close(schedule_file_);
    close(core_file_);
}

bool StolenTime::grew() {
    // proc(5): schedstat is time on the core, time waiting for it; the 8th number of a core is stolen time.
    const std::uint64_t waited = number_in(schedule_file_, "", 1);
    const std::uint64_t stolen = number_in(core_file_, "cpu" + std::to_string(core_) + " ", 7);
    const bool more = waited > waited_ + 1000 || stolen != stolen_;
    waited_ = waited;
    stolen_ = stolen;
    return more;
}

Delays::Delays(std::size_t most) : values_(most, 1) {}

Delays::Summary Delays::summary() const {
    std::vector<std::uint32_t> all, own;
    for (std::size_t i = 0; i < count_; ++i) {
        all.push_back(values_[i] & ~stolen_mark);
        if ((values_[i] & stolen_mark) == 0) own.push_back(values_[i]);
    }
    std::ranges::sort(all);
    std::ranges::sort(own);
    return {.microseconds_p9999 = at(all, 0.9999),
            .microseconds_max = at(all, 1),
            .own_microseconds_p9999 = at(own, 0.9999),
            .own_microseconds_max = at(own, 1),
            .stolen = all.size() - own.size()};
}

double cycles_a_microsecond() {
    static const double rate = [] {
        using Clock = std::chrono::steady_clock;
        const auto begin = Clock::now();
        const std::uint64_t first = __rdtsc();
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        const std::uint64_t cycles = __rdtsc() - first;
        const std::chrono::duration<double, std::micro> passed = Clock::now() - begin;
        return static_cast<double>(cycles) / passed.count();
    }();
    return rate;
}

}  // namespace sluice::bench
