// SPDX-License-Identifier: Apache-2.0
//
// The images on a gateway. An image's name is its digest: what bears the name is the image, or is refused. A
// folder holds DIGEST.img and DIGEST.img.minisig of each, DIGEST.part of what is arriving, and the manifest.
// Whatever is written is written beside, synced, and renamed: after a crash at any point the next start finds
// the state before or the state after.
//
// One thread (the control thread); waits for the disk. Functions that write throw StoreFailure where the disk
// does not take it, and have changed nothing then.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "runtime/image/image.h"
#include "runtime/image/signature.h"
#include "runtime/store/manifest.h"
#include "runtime/store/store_folder.h"

namespace sluice {

/// Why not, as a sentence: what was expected, what was found.
struct StoreRefusal {
    enum class Kind : std::uint8_t {
        integrity,  // not the bytes, or not the signature: exit 4
        refused,    // good, but not for here or not now: exit 5
    } kind;
    std::string text;
};

/// Of an image that is arriving.
struct UploadState {
    bool present = false;      // the image is here already
    std::uint64_t offset = 0;  // from where it goes on
};

class ImageStore {
  public:
    /// Takes up what the last process left. Without keys to trust, signatures are not looked at. Throws
    /// StoreFailure. `now` here and below: seconds since 1970.
    ImageStore(StoreFolder& folder, std::vector<PublicKey> trusted, std::int64_t now);

    const Manifest& manifest() const { return manifest_; }
    /// What the last process had on probation when it ended.
    const std::optional<ImageReturn>& returned_on_opening() const { return returned_on_opening_; }
    /// By the beginning of its digest; `latest` where that is empty: the image pushed or activated last that is
    /// neither pending nor confirmed.
    std::variant<ImageRecord, StoreRefusal> find(const std::string& digest) const;

    // ---- arriving: begin, append as often as it takes, finish; begin again after a broken connection ----

    std::variant<UploadState, StoreRefusal> begin(const std::string& digest, std::uint64_t bytes);
    std::variant<UploadState, StoreRefusal> append(const std::string& digest, std::uint64_t offset,
                                                   std::span<const std::uint8_t> bytes);
    /// Verifies it in depth; what is refused is gone. `signature` is the text of a .minisig file or empty.
    std::variant<ImageRecord, StoreRefusal> finish(const std::string& digest, const std::string& signature,
                                                   std::int64_t now);

    // ---- what runs ----

    /// The image with its bytes and signature checked again.
    std::variant<std::shared_ptr<const Image>, StoreRefusal> load(const std::string& digest);
    /// Whether it may be activated: replays may not.
    std::optional<StoreRefusal> refuses_to_activate(const ImageRecord& record) const;
    void set_pending(const std::string& digest);
    /// A restart boots it from now on. Nothing is pending any more.
    void set_confirmed(const std::string& digest);
    /// Nothing is pending any more; why, where nobody asked for that.
    void clear_pending(const std::optional<ImageReturn>& why);
    /// What was confirmed does not run.
    void note_return(const ImageReturn& why);

    /// Keeps what is pending, confirmed or in `keep`, and the `last` images used last; the digests of the rest,
    /// which is gone. What was arriving is gone too.
    std::vector<std::string> collect_garbage(const std::vector<std::string>& keep, std::size_t last);

  private:
    struct Verified;
    std::variant<Verified, StoreRefusal> verify(const std::string& file, const std::string& digest,
                                                const std::string& signature) const;
    std::optional<StoreRefusal> number(ImageRecord& record) const;
    void save(Manifest next);
    void write_whole(const std::string& name, const std::string& text);
    void remove_strangers();

    StoreFolder& folder_;
    std::vector<PublicKey> trusted_;
    Manifest manifest_;
    std::optional<ImageReturn> returned_on_opening_;
};

}  // namespace sluice
