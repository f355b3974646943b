// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/release_note.h"

namespace sluice {
namespace {

const std::string digest(64, 'a');

TEST(ReleaseNote, IsReadBackAsWritten) {
    const ReleaseNote note{7, digest, std::string(64, '0')};
    const std::string text = release_note_text(note);
    EXPECT_EQ(text, "revision=7 digest=" + digest + " parent=" + std::string(64, '0'));
    const ReleaseNote read = parse_release_note(text);
    EXPECT_EQ(read.revision, 7u);
    EXPECT_EQ(read.digest, digest);
    EXPECT_EQ(read.parent, std::string(64, '0'));
}

TEST(ReleaseNote, LeavesOtherWordsToPeople) {
    const ReleaseNote note = parse_release_note("timestamp:1700000000\tfile:edge.img revision=8  by=ann");
    EXPECT_EQ(note.revision, 8u);
    EXPECT_FALSE(note.digest);
    EXPECT_FALSE(note.parent);
}

TEST(ReleaseNote, TakesNoHalfValues) {
    for (const char* text : {"", "revision=", "revision=-1", "revision=7x", "revision=99999999999999999999",
                             "myrevision=7", "digest=abc", "parent=xyz"}) {
        const ReleaseNote note = parse_release_note(text);
        EXPECT_FALSE(note.revision) << text;
        EXPECT_FALSE(note.digest) << text;
        EXPECT_FALSE(note.parent) << text;
    }
}

}  // namespace
}  // namespace sluice
