// SPDX-License-Identifier: Apache-2.0
//
// The world ends at every operation on the folder in turn: the next start boots a confirmed image, and the
// store goes on as if nothing had been.
#include <functional>

#include "tests/runtime/store/memory_folder.h"
#include "tests/runtime/store/store_lab.h"

namespace sluice {
namespace {

using test::image_number;
using test::MemoryFolder;
using test::StoreLab;

std::string digest(unsigned number) {
    return image_number(number).digest;
}

/// A day in the life of a store, a command after the other.
class Day {
  public:
    void live(StoreLab& lab) {
        push(lab, 1);
        run(1, [&] { lab.activate(digest(1)); });
        push(lab, 2);
        run(1, [&] { lab.activate(digest(2), 60); });
        run(2, [&] { lab.confirm(); });
        push(lab, 3);
        run(2, [&] { lab.activate(digest(3), 60); });
        run(2, [&] { lab.pass(60); });
        run(1, [&] { lab.rollback(1); });
        run(3, [&] { lab.activate(digest(3)); });
        run(3, [&] { lab.lifecycle.collect_garbage(1); });
        push(lab, 4);
        run(3, [&] { lab.activate(digest(4), 60); });
        run(3, [&] { lab.rollback(1); });
    }
    /// What a start may boot: what was confirmed before the command, or what it confirmed.
    bool allows(const std::string& booted) const { return booted == before_ || booted == after_; }
    bool allows_nothing() const { return before_.empty(); }

  private:
    void run(unsigned confirmed_then, const std::function<void()>& command) {
        after_ = confirmed_then == 0 ? before_ : digest(confirmed_then);
        command();
        before_ = after_;
    }
    void push(StoreLab& lab, unsigned number) {
        run(0, [&] { test::push(lab.store, image_number(number)); });
    }

    std::string before_, after_;
};

std::uint64_t operations_of_a_day() {
    MemoryFolder folder;
    StoreLab lab(folder);
    Day().live(lab);
    EXPECT_EQ(lab.running(), digest(3));
    return folder.operations();
}

void expect_good_start(MemoryFolder& left, const Day& day) {
    ImageStore store(left, {}, 0);
    const auto found =
        image_to_start_with(store, 0, [](const StoreEvent& event) { ADD_FAILURE() << event.text; });
    if (const auto* running = std::get_if<RunningImage>(&found)) {
        EXPECT_TRUE(day.allows(running->digest)) << running->digest;
    } else {
        EXPECT_TRUE(day.allows_nothing()) << std::get<StoreRefusal>(found).text;
    }
    EXPECT_EQ(store.manifest().pending, "");
    for (const ImageRecord& record : store.manifest().images) {
        const auto loaded = store.load(record.digest);
        const auto* refused = std::get_if<StoreRefusal>(&loaded);
        EXPECT_EQ(refused, nullptr) << refused->text;
    }
}

void expect_it_goes_on(MemoryFolder& left) {
    StoreLab lab(left);
    ASSERT_TRUE(std::holds_alternative<ImageRecord>(test::push(lab.store, image_number(5))));
    EXPECT_EQ(lab.activate(digest(5), 60), "");
    EXPECT_EQ(lab.confirm(), "");
    MemoryFolder later = left.after_loss(MemoryFolder::Survives::none);
    EXPECT_EQ(StoreLab(later).running(), digest(5));
}

TEST(StoreCrash, AtEachOperationLeavesAStoreThatStarts) {
    const std::uint64_t operations = operations_of_a_day();
    ASSERT_GT(operations, 60u);
    for (std::uint64_t at = 0; at < operations; ++at) {
        MemoryFolder folder;
        StoreLab lab(folder);
        Day day;
        folder.trouble_at(at, MemoryFolder::Trouble::power_loss);
        EXPECT_THROW(day.live(lab), test::PowerLoss);
        for (unsigned variant = 0; variant < 8; ++variant) {
            SCOPED_TRACE("operation " + std::to_string(at) + " of " + std::to_string(operations) +
                         ", variant " + std::to_string(variant));
            MemoryFolder left = folder.after_loss(variant == 0   ? MemoryFolder::Survives::all
                                                  : variant == 1 ? MemoryFolder::Survives::none
                                                                 : MemoryFolder::Survives::some,
                                                  at * 8 + variant);
            expect_good_start(left, day);
            expect_it_goes_on(left);
            if (testing::Test::HasFailure()) return;
        }
    }
}

TEST(StoreCrash, AgainDuringTheStartAfterIt) {
    MemoryFolder folder;
    StoreLab lab(folder);
    Day day;
    ASSERT_TRUE(std::holds_alternative<ImageRecord>(test::push(lab.store, image_number(1))));
    ASSERT_EQ(lab.activate(digest(1)), "");
    ASSERT_TRUE(std::holds_alternative<ImageRecord>(test::push(lab.store, image_number(2))));
    ASSERT_EQ(lab.activate(digest(2), 60), "");
    for (std::uint64_t at = 0;; ++at) {
        MemoryFolder left = folder.after_loss(MemoryFolder::Survives::all);
        left.trouble_at(at, MemoryFolder::Trouble::power_loss);
        bool ended = false;
        try {
            EXPECT_EQ(StoreLab(left).running(), digest(1));
        } catch (const test::PowerLoss&) {
            ended = true;
        }
        MemoryFolder later = left.after_loss(MemoryFolder::Survives::some, at);
        EXPECT_EQ(StoreLab(later).running(), digest(1)) << "operation " << at;
        if (!ended) break;
    }
}

// A disk that fails once: the command may be refused, but what runs for good is what a start boots.
TEST(StoreCrash, AFailureOfTheDiskNeverPartsWhatRunsFromWhatBoots) {
    const std::uint64_t operations = operations_of_a_day();
    for (std::uint64_t at = 0; at < operations; ++at) {
        SCOPED_TRACE("operation " + std::to_string(at));
        MemoryFolder folder;
        StoreLab lab(folder);
        folder.trouble_at(at, MemoryFolder::Trouble::failure);
        const auto attempt = [](const std::function<void()>& command) {
            try {
                command();
            } catch (const StoreFailure&) {
                return;
            }
        };
        for (const unsigned number : {1u, 2u, 3u}) {
            attempt([&] { test::push(lab.store, image_number(number)); });
            attempt([&] { lab.activate(digest(number), number == 2 ? 60 : 0); });
            attempt([&] { lab.confirm(); });
        }
        attempt([&] { lab.rollback(1); });
        lab.pass(100);
        if (folder.operations() <= at) break;
        ASSERT_FALSE(lab.lifecycle.is_pending());
        MemoryFolder left = folder.after_loss(MemoryFolder::Survives::all);
        const StoreLab next(left);
        if (lab.lifecycle.running().in_store) {
            EXPECT_EQ(next.running(), lab.running());
        }
        MemoryFolder after = folder.after_loss(MemoryFolder::Survives::all);
        expect_it_goes_on(after);
    }
}

}  // namespace
}  // namespace sluice
