// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/push.h"

#include <nlohmann/json.hpp>

#include "runtime/control/image_commands.h"
#include "tests/runtime/store/memory_folder.h"
#include "tests/runtime/store/store_lab.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

/// The store's end of the control socket, over a wire that breaks.
class PushTest : public testing::Test {
  protected:
    Json push(unsigned retries) {
        return push_image([this](const Json& request) { return ask(request); }, image_.bytes, "",
                          [this](std::uint64_t sent, std::uint64_t) { progress_.push_back(sent); }, retries);
    }
    Json ask(const Json& request) {
        EXPECT_LT(request.dump().size(), 64u * 1024) << "what a request may have";
        commands_.push_back(request.at("command").get<std::string>());
        if (breaks_before_ == commands_.size()) throw ConnectionLost("broken before");
        Json answer;
        try {
            answer = {{"ok", true}, {"result", images_.answer(request, lab_.now)}};
        } catch (const CommandRefused& refused) {
            answer = {{"ok", false}, {"error", refused.what()}, {"exit", refused.exit_code}};
        }
        if (breaks_after_ == commands_.size()) throw ConnectionLost("broken after");
        return answer;
    }

    /// Longer than two chunks: what comes behind a real image is not looked at before it is whole.
    test::StoredImage image_ = [] {
        test::StoredImage image = test::image_number(1);
        image.bytes.resize(120'000);
        return image;
    }();
    test::MemoryFolder folder_;
    test::StoreLab lab_{folder_};
    ImageCommands images_{lab_.store, lab_.lifecycle};
    std::vector<std::string> commands_;
    std::vector<std::uint64_t> progress_;
    std::size_t breaks_before_ = 0, breaks_after_ = 0;  // with the command of that number
};

TEST_F(PushTest, SendsAnImageInOrder) {
    image_ = test::image_number(1);
    const Json answer = push(0);
    ASSERT_TRUE(answer.at("ok").get<bool>()) << answer;
    EXPECT_EQ(answer.at("result").at("digest"), image_.digest);
    EXPECT_EQ(answer.at("result").at("state"), "staged");
    EXPECT_EQ(progress_.back(), image_.bytes.size());
    commands_.clear();
    push(0);
    EXPECT_EQ(commands_, (std::vector<std::string>{"push-begin", "push-finish"})) << "it is there already";
}

TEST_F(PushTest, GoesOnAfterABrokenConnectionWhateverArrived) {
    for (const bool arrived : {false, true}) {
        folder_ = {};
        commands_.clear();
        progress_.clear();
        (arrived ? breaks_after_ : breaks_before_) = 3;
        (arrived ? breaks_before_ : breaks_after_) = 0;
        const Json answer = push(1);
        EXPECT_FALSE(answer.at("ok").get<bool>());
        EXPECT_EQ(answer.at("exit"), 4) << "the bytes behind the image were noticed, once all were there";
        EXPECT_EQ(progress_, arrived ? (std::vector<std::uint64_t>{46'080, 120'000})
                                     : (std::vector<std::uint64_t>{46'080, 92'160, 120'000}));
        EXPECT_EQ(commands_.size(), 7u - (arrived ? 1 : 0));
    }
}

TEST_F(PushTest, GivesUpWhereNobodyAnswers) {
    breaks_before_ = 1;
    EXPECT_THROW(push(0), ConnectionLost);
}

TEST_F(PushTest, EndsAtARefusal) {
    image_.digest = "";
    const Json answer = push_image(
        [](const Json&) {
            return Json{{"ok", false}, {"error", "no"}, {"exit", 5}};
        },
        image_.bytes, "", [](std::uint64_t, std::uint64_t) {}, 3);
    EXPECT_EQ(answer.at("error"), "no");
}

}  // namespace
}  // namespace sluice
