// SPDX-License-Identifier: Apache-2.0
#include "compiler/front/utf8.h"

namespace sluice::front {
namespace {

TEST(Utf8, TakesWhatIsWellFormed) {
    EXPECT_FALSE(first_bad_byte("plain\ttext\r\n"));
    EXPECT_FALSE(first_bad_byte("é ü € 𝄞 \xf4\x8f\xbf\xbf"));
}

TEST(Utf8, FindsOverlongSurrogateBeyondAndTruncated) {
    for (const char* bad : {"\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80",
                            "\xe2\x82", "\x80", "\xff"}) {
        const auto found = first_bad_byte("ab" + std::string(bad));
        ASSERT_TRUE(found);
        EXPECT_EQ(found->offset, 2U);
        EXPECT_FALSE(found->is_control);
    }
}

TEST(Utf8, FindsControlCharacters) {
    for (const char bad : {'\0', '\x1b', '\x7f', '\r'}) {
        const auto found = first_bad_byte(std::string("a") + bad);
        ASSERT_TRUE(found);
        EXPECT_TRUE(found->is_control);
    }
}

}  // namespace
}  // namespace sluice::front
