// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/lifecycle.h"

#include "tests/runtime/store/memory_folder.h"
#include "tests/runtime/store/store_lab.h"

namespace sluice {
namespace {

using test::image_number;
using test::MemoryFolder;
using test::StoreLab;

class LifecycleTest : public testing::Test {
  protected:
    static std::string digest(unsigned number) { return image_number(number).digest; }
    void push(unsigned number) {
        ASSERT_TRUE(std::holds_alternative<ImageRecord>(test::push(lab_.store, image_number(number))));
    }
    void confirm_all(std::initializer_list<unsigned> numbers) {
        for (const unsigned number : numbers) {
            push(number);
            ASSERT_EQ(lab_.activate(digest(number)), "");
        }
    }
    /// What a start from the same folder boots.
    std::string after_restart(MemoryFolder::Survives survives = MemoryFolder::Survives::all) {
        MemoryFolder left = folder_.after_loss(survives);
        return StoreLab(left).running();
    }

    MemoryFolder folder_;
    StoreLab lab_{folder_};
};

TEST_F(LifecycleTest, AnImageActivatedWithoutALimitIsConfirmed) {
    confirm_all({1});
    EXPECT_EQ(lab_.running(), digest(1));
    EXPECT_FALSE(lab_.lifecycle.is_pending());
    EXPECT_EQ(after_restart(MemoryFolder::Survives::none), digest(1));
}

TEST_F(LifecycleTest, AnUnconfirmedImageGivesWayWhenItsTimeIsOver) {
    confirm_all({1});
    push(2);
    ASSERT_EQ(lab_.activate(digest(2), 60), "");
    EXPECT_EQ(lab_.running(), digest(2));
    lab_.pass(59);
    EXPECT_EQ(lab_.running(), digest(2));
    EXPECT_EQ(lab_.lifecycle.left_to_confirm(lab_.now.monotonic), nanoseconds_per_second);
    lab_.pass(1);
    EXPECT_EQ(lab_.running(), digest(1));
    EXPECT_FALSE(lab_.lifecycle.is_pending());
    const auto last = lab_.store.manifest().last_return;
    ASSERT_TRUE(last);
    EXPECT_EQ(last->from, digest(2));
    EXPECT_EQ(last->to, digest(1));
    EXPECT_EQ(last->cause, "not confirmed in time");
    EXPECT_EQ(last->at, 1'700'000'060);
    EXPECT_EQ(lab_.log.back().kind, StoreEvent::Kind::returned);
    EXPECT_EQ(lab_.log.back().image, digest(2));
    EXPECT_EQ(lab_.log.back().reason, ReturnReason::not_confirmed);
    EXPECT_EQ(lab_.log.back().text,
              "image " + digest(1) + " comes back in place of image " + digest(2) + ": not confirmed in time");
    EXPECT_EQ(after_restart(), digest(1));
}

TEST_F(LifecycleTest, AConfirmedImageStays) {
    confirm_all({1});
    push(2);
    ASSERT_EQ(lab_.activate(digest(2), 60), "");
    lab_.pass(59);
    ASSERT_EQ(lab_.confirm(), "");
    lab_.pass(1000);
    EXPECT_EQ(lab_.running(), digest(2));
    EXPECT_EQ(after_restart(MemoryFolder::Survives::none), digest(2));
    EXPECT_EQ(lab_.confirm(), "no image is waiting for a confirmation");
}

TEST_F(LifecycleTest, ARestartWhilePendingBootsTheConfirmedOne) {
    confirm_all({1});
    push(2);
    ASSERT_EQ(lab_.activate(digest(2), 60), "");
    MemoryFolder left = folder_.after_loss(MemoryFolder::Survives::all);
    const StoreLab next(left);
    EXPECT_EQ(next.running(), digest(1));
    EXPECT_EQ(next.store.manifest().pending, "");
    EXPECT_EQ(next.store.manifest().last_return->cause, "the gateway ended before the image was confirmed");
    EXPECT_EQ(next.store.manifest().returns, 1u);
    EXPECT_EQ(next.store.returned_on_opening()->from, digest(2));
    MemoryFolder later = left.after_loss(MemoryFolder::Survives::all);
    EXPECT_FALSE(StoreLab(later).store.returned_on_opening()) << "said once";
}

TEST_F(LifecycleTest, OneIsPendingAtATime) {
    confirm_all({1});
    push(2);
    push(3);
    ASSERT_EQ(lab_.activate(digest(2), 60), "");
    lab_.pass(20);
    EXPECT_EQ(lab_.activate(digest(3)), "image " + digest(2) +
                                            " is waiting for its confirmation, 40 s are left: confirm or "
                                            "rollback first");
    EXPECT_EQ(lab_.running(), digest(2));
}

TEST_F(LifecycleTest, RollbackTakesBackWhatIsPending) {
    confirm_all({1});
    push(2);
    ASSERT_EQ(lab_.activate(digest(2), 60), "");
    ASSERT_EQ(lab_.rollback(1), "");
    EXPECT_EQ(lab_.running(), digest(1));
    EXPECT_EQ(lab_.store.manifest().last_return->cause, "rolled back by hand");
    lab_.pass(100);
    EXPECT_EQ(lab_.store.manifest().returns, 1u);
}

TEST_F(LifecycleTest, RollbackCountsConfirmedImagesNewestFirst) {
    confirm_all({1, 2, 3});
    EXPECT_EQ(lab_.rollback(3), "there are 2 images to go back to, not 3");
    ASSERT_EQ(lab_.rollback(2), "");
    EXPECT_EQ(lab_.running(), digest(1));
    EXPECT_EQ(after_restart(), digest(1));
    ASSERT_EQ(lab_.rollback(1), "");
    EXPECT_EQ(lab_.running(), digest(3)) << "a second rollback goes forth again";
    push(4);
    ASSERT_EQ(lab_.activate(digest(4), 60), "");
    ASSERT_EQ(lab_.rollback(2), "");
    EXPECT_EQ(lab_.running(), digest(1)) << "two before the one that is pending";
    EXPECT_FALSE(lab_.lifecycle.is_pending());
}

TEST_F(LifecycleTest, AGatewayStartedFromAFileGoesBackToIt) {
    push(2);
    ASSERT_EQ(lab_.activate(digest(2), 60), "");
    lab_.pass(60);
    EXPECT_EQ(lab_.running(), digest(0));
    EXPECT_FALSE(lab_.lifecycle.running().in_store);
    EXPECT_EQ(lab_.store.manifest().last_return->to, "");
}

TEST_F(LifecycleTest, NothingChangesWhereTheShardRefuses) {
    confirm_all({1});
    push(2);
    lab_.swap_fails = "its port x is not open";
    EXPECT_EQ(lab_.activate(digest(2), 60), "image " + digest(2) + " is not active: its port x is not open");
    EXPECT_EQ(lab_.activate(digest(2)), "image " + digest(2) + " is not active: its port x is not open");
    EXPECT_EQ(lab_.running(), digest(1));
    EXPECT_FALSE(lab_.lifecycle.is_pending());
    EXPECT_EQ(lab_.store.manifest().pending, "");
    EXPECT_EQ(after_restart(), digest(1));
}

TEST_F(LifecycleTest, GoingBackIsTriedAgainUntilItWorks) {
    confirm_all({1});
    push(2);
    ASSERT_EQ(lab_.activate(digest(2), 60), "");
    lab_.swap_fails = "busy";
    lab_.pass(61);
    EXPECT_EQ(lab_.log.back().kind, StoreEvent::Kind::failed);
    EXPECT_EQ(lab_.log.back().text, "image " + digest(2) + " was not confirmed and still runs: busy");
    lab_.swap_fails.clear();
    lab_.pass(1);
    EXPECT_EQ(lab_.running(), digest(1));
}

TEST_F(LifecycleTest, WithoutAnArgumentTheImagePushedLastIsActivated) {
    EXPECT_EQ(lab_.activate(""), "no image is staged: push one first");
    push(1);
    push(2);
    ASSERT_EQ(lab_.activate(""), "");
    EXPECT_EQ(lab_.running(), digest(2));
    EXPECT_EQ(lab_.activate(digest(2)), "image " + digest(2) + " runs already");
    EXPECT_EQ(lab_.activate("feedbeef"), "there is no image feedbeef here");
    ASSERT_EQ(lab_.activate(digest(1).substr(0, 12)), "");
    EXPECT_EQ(lab_.running(), digest(1));
}

TEST_F(LifecycleTest, ADamagedConfirmedImageGivesWayToTheOneBefore) {
    confirm_all({1, 2});
    MemoryFolder left = folder_.after_loss(MemoryFolder::Survives::all);
    left.flip_a_byte(digest(2) + ".img", 500);
    const StoreLab next(left);
    EXPECT_EQ(next.running(), digest(1));
    EXPECT_EQ(next.log.back().reason, ReturnReason::not_startable);
    EXPECT_THAT(next.log.front().text, testing::StartsWith("the confirmed image " + digest(2) +
                                                           " does not start: the digest in the header is "));
    EXPECT_EQ(next.store.manifest().last_return->from, digest(2));
    left.truncate(digest(1) + ".img", 100);
    ImageStore store(left, {}, 0);
    const auto nothing = image_to_start_with(store, 0, [](const StoreEvent&) {});
    EXPECT_EQ(std::get<StoreRefusal>(nothing).kind, StoreRefusal::Kind::integrity);
}

TEST_F(LifecycleTest, GarbageIsWhatNeitherRunsNorWasUsedLast) {
    confirm_all({1, 2});
    push(3);
    push(4);
    ASSERT_TRUE(std::holds_alternative<UploadState>(lab_.store.begin(digest(5), 1000)));
    ASSERT_EQ(lab_.activate(digest(4), 60), "");
    EXPECT_EQ(lab_.lifecycle.collect_garbage(2), (std::vector<std::string>{digest(1)}));
    EXPECT_EQ(lab_.lifecycle.collect_garbage(0), (std::vector<std::string>{digest(3)}));
    EXPECT_EQ(folder_.names().size(), 3u) << "two images and the manifest";
    ASSERT_EQ(lab_.rollback(1), "");
    EXPECT_EQ(lab_.running(), digest(2));
    EXPECT_EQ(lab_.rollback(1), "there are 0 images to go back to, not 1");
}

}  // namespace
}  // namespace sluice
