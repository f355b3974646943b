// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/image_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/image/release_note.h"
#include "runtime/image/verify_header.h"
#include "schemas/layout/cpu_target.h"
#include "schemas/layout/hexadecimal.h"
#include "schemas/layout/image_header.h"

namespace sluice {
namespace {

using Kind = StoreRefusal::Kind;

const std::string manifest_name = "manifest.json";
const std::string manifest_draft = "manifest.json.new";

std::string image_name(const std::string& digest) {
    return digest + ".img";
}
std::string signature_name(const std::string& digest) {
    return image_name(digest) + ".minisig";
}
std::string part_name(const std::string& digest) {
    return digest + ".part";
}

StoreRefusal no_digest(const std::string& text) {
    return {Kind::refused, fmt::format("\"{}\" is no digest: 64 hexadecimal digits", text)};
}

std::span<const std::uint8_t> bytes_of(const std::string& text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

namespace {

void count(const ImageReturn& why, Manifest& manifest) {
    manifest.last_return = why;
    ++manifest.returns;
    ++manifest.returns_by_reason[static_cast<std::size_t>(why.reason)];
}

}  // namespace

struct ImageStore::Verified {
    std::shared_ptr<const Image> image;
    Signed signature;
};

ImageStore::ImageStore(StoreFolder& folder, std::vector<PublicKey> trusted, std::int64_t now)
    : folder_(folder), trusted_(std::move(trusted)) {
    if (const auto text = folder_.read_text(manifest_name)) {
        auto parsed = parse_manifest(*text);
        if (const auto* why = std::get_if<std::string>(&parsed)) {
            throw StoreFailure(fmt::format("the store's {} cannot be read: {}", manifest_name, *why));
        }
        manifest_ = std::get<Manifest>(std::move(parsed));
    }
    if (!manifest_.pending.empty()) {
        returned_on_opening_ = {manifest_.pending, manifest_.confirmed(),
                                "the gateway ended before the image was confirmed", now,
                                ReturnReason::ended_unconfirmed};
    }
    try {
        remove_strangers();
        if (returned_on_opening_) clear_pending(returned_on_opening_);
    } catch (const StoreFailure&) {
        // A disk that takes no more must not keep the gateway from what is on it.
        manifest_.pending.clear();
    }
}

// What a crash left between a rename and the manifest, or a draft. Images that are arriving may go on.
void ImageStore::remove_strangers() {
    for (const std::string& name : folder_.names()) {
        const std::string digest = name.substr(0, name.find('.'));
        const bool known = manifest_.find(digest) != nullptr;
        const bool wanted =
            known ? name == image_name(digest) || name == signature_name(digest) : name == part_name(digest);
        if (name == manifest_draft || (is_digest_text(digest) && !wanted)) folder_.remove(name);
    }
}

std::variant<ImageRecord, StoreRefusal> ImageStore::find(const std::string& digest) const {
    const ImageRecord* found = nullptr;
    for (const ImageRecord& record : manifest_.images) {
        if (digest.empty()) {
            const bool runs = record.digest == manifest_.pending || record.digest == manifest_.confirmed();
            if (!runs && (found == nullptr || record.used > found->used)) found = &record;
        } else if (record.digest.starts_with(digest)) {
            if (found != nullptr) {
                return StoreRefusal{Kind::refused,
                                    fmt::format("several images begin with {}: give more digits", digest)};
            }
            found = &record;
        }
    }
    if (found != nullptr) return *found;
    return StoreRefusal{Kind::refused, digest.empty() ? "no image is staged: push one first"
                                                      : fmt::format("there is no image {} here", digest)};
}

std::variant<UploadState, StoreRefusal> ImageStore::begin(const std::string& digest, std::uint64_t bytes) {
    if (!is_digest_text(digest)) return no_digest(digest);
    if (manifest_.find(digest) != nullptr) return UploadState{true, bytes};
    if (bytes > longest_image_bytes) {
        return StoreRefusal{Kind::refused, fmt::format("the image has {} bytes, an image has at most {}", bytes,
                                                       longest_image_bytes)};
    }
    const auto size = folder_.size(part_name(digest));
    if (size && *size <= bytes) return UploadState{false, *size};
    folder_.create(part_name(digest));
    return UploadState{};
}

std::variant<UploadState, StoreRefusal> ImageStore::append(const std::string& digest, std::uint64_t offset,
                                                           std::span<const std::uint8_t> bytes) {
    if (!is_digest_text(digest)) return no_digest(digest);
    const auto size = folder_.size(part_name(digest));
    if (!size) return StoreRefusal{Kind::refused, fmt::format("image {} was not announced", digest)};
    if (offset != *size || offset + bytes.size() > longest_image_bytes) {
        return StoreRefusal{Kind::refused,
                            fmt::format("expected the bytes from {} on, found some from {} on", *size, offset)};
    }
    folder_.write(part_name(digest), offset, bytes);
    return UploadState{false, offset + bytes.size()};
}

std::variant<ImageStore::Verified, StoreRefusal> ImageStore::verify(const std::string& file,
                                                                    const std::string& digest,
                                                                    const std::string& signature) const {
    auto read = folder_.read_image(file);
    if (const auto* error = std::get_if<ImageError>(&read)) {
        return StoreRefusal{Kind::integrity, fmt::format("image {} {}", digest, error->text)};
    }
    SealedMemory& memory = std::get<SealedMemory>(read);
    // Before the signature, which a file that is cut off has lost too: people look for another cause then.
    if (const auto error = verify_length(memory.bytes())) return StoreRefusal{Kind::integrity, error->text};
    Verified verified;
    if (!trusted_.empty()) {
        if (signature.empty()) {
            return StoreRefusal{Kind::integrity, fmt::format("expected a signature by key {}, found none",
                                                             key_ids_text(trusted_))};
        }
        auto result = verify_signature(memory.bytes(), signature, trusted_);
        if (const auto* error = std::get_if<SignatureError>(&result)) {
            return StoreRefusal{Kind::integrity, error->text};
        }
        verified.signature = std::get<Signed>(std::move(result));
    }
    // Said last: of bytes that are good.
    const auto other_cpu = refuse_cpu(memory.bytes());
    auto loaded = Image::from_memory(std::move(memory));
    if (const auto* error = std::get_if<ImageError>(&loaded)) {
        return StoreRefusal{error->kind == ImageError::Kind::version ? Kind::refused : Kind::integrity,
                            error->text};
    }
    if (other_cpu) return StoreRefusal{Kind::refused, *other_cpu};
    verified.image = std::get<std::unique_ptr<const Image>>(std::move(loaded));
    if (const std::string found = hexadecimal(verified.image->digest()); found != digest) {
        return StoreRefusal{Kind::integrity, fmt::format("expected image {}, found image {}", digest, found)};
    }
    return verified;
}

// Of signed numbers none may come back: whoever has an old image and its signature could else bring back what
// it allowed.
std::optional<StoreRefusal> ImageStore::number(ImageRecord& record) const {
    const ReleaseNote note = parse_release_note(record.trusted_comment);
    if (note.digest && *note.digest != record.digest) {
        return StoreRefusal{Kind::integrity, fmt::format("the signature speaks of image {}, this is image {}",
                                                         *note.digest, record.digest)};
    }
    record.parent = note.parent ? *note.parent : manifest_.confirmed();
    record.revision_signed = note.revision.has_value();
    if (note.revision) {
        record.revision = *note.revision;
    } else {
        for (const ImageRecord& other : manifest_.images) {
            record.revision = std::max(record.revision, other.revision);
        }
        ++record.revision;
    }
    return manifest_.find(record.digest) != nullptr ? std::nullopt : refuses_to_activate(record);
}

std::optional<StoreRefusal> ImageStore::refuses_to_activate(const ImageRecord& record) const {
    const std::uint64_t lowest = manifest_.lowest_revision;
    if (trusted_.empty() || lowest == 0 || record.digest == manifest_.confirmed()) return std::nullopt;
    if (!record.revision_signed) {
        return StoreRefusal{
            Kind::refused,
            fmt::format("expected a signed revision above {}, found a signature without one", lowest)};
    }
    if (record.revision > lowest) return std::nullopt;
    return StoreRefusal{Kind::refused, fmt::format("expected a revision above {}, which was confirmed before, "
                                                   "found {}; rollback goes back on purpose",
                                                   lowest, record.revision)};
}

std::variant<ImageRecord, StoreRefusal> ImageStore::finish(const std::string& digest,
                                                           const std::string& signature, std::int64_t now) {
    if (!is_digest_text(digest)) return no_digest(digest);
    const ImageRecord* known = manifest_.find(digest);
    if (known != nullptr && signature.empty() && trusted_.empty()) return *known;
    const std::string file = known != nullptr ? image_name(digest) : part_name(digest);
    if (!folder_.size(file)) {
        return StoreRefusal{Kind::refused, fmt::format("image {} was not announced", digest)};
    }
    ImageRecord record;
    auto verified = verify(file, digest, signature);
    auto refused = std::optional<StoreRefusal>();
    if (auto* why = std::get_if<StoreRefusal>(&verified)) {
        refused = std::move(*why);
    } else {
        const auto& [image, found] = std::get<Verified>(verified);
        record.digest = digest;
        record.bytes = image->bytes();
        record.gateway = image->gateway();
        record.key = trusted_.empty() ? std::string() : key_id_text(found.key_id);
        record.trusted_comment = found.trusted_comment;
        record.pushed = now;
        refused = number(record);
    }
    if (refused) {
        if (known == nullptr) folder_.remove(part_name(digest));
        return std::move(*refused);
    }
    if (!signature.empty()) write_whole(signature_name(digest), signature);
    if (known == nullptr) {
        folder_.sync(part_name(digest));
        folder_.rename(part_name(digest), image_name(digest));
    }
    folder_.sync_folder();

    Manifest next = manifest_;
    record.used = ++next.used;
    if (ImageRecord* before = next.find(digest)) {
        *before = record;
    } else {
        next.images.push_back(record);
    }
    save(std::move(next));
    return record;
}

std::variant<std::shared_ptr<const Image>, StoreRefusal> ImageStore::load(const std::string& digest) {
    const std::string signature = folder_.read_text(signature_name(digest)).value_or(std::string());
    auto verified = verify(image_name(digest), digest, signature);
    if (auto* refused = std::get_if<StoreRefusal>(&verified)) return std::move(*refused);
    return std::move(std::get<Verified>(verified).image);
}

void ImageStore::set_pending(const std::string& digest) {
    Manifest next = manifest_;
    next.pending = digest;
    if (ImageRecord* record = next.find(digest)) record->used = ++next.used;
    save(std::move(next));
}

void ImageStore::set_confirmed(const std::string& digest) {
    Manifest next = manifest_;
    next.pending.clear();
    std::erase(next.history, digest);
    next.history.push_back(digest);
    if (ImageRecord* record = next.find(digest)) {
        record->used = ++next.used;
        if (record->revision_signed && !trusted_.empty()) {
            next.lowest_revision = std::max(next.lowest_revision, record->revision);
        }
    }
    save(std::move(next));
}

void ImageStore::clear_pending(const std::optional<ImageReturn>& why) {
    Manifest next = manifest_;
    next.pending.clear();
    if (why) count(*why, next);
    save(std::move(next));
}

void ImageStore::note_return(const ImageReturn& why) {
    Manifest next = manifest_;
    count(why, next);
    save(std::move(next));
}

std::vector<std::string> ImageStore::collect_garbage(const std::vector<std::string>& keep, std::size_t last) {
    Manifest next = manifest_;
    std::ranges::sort(next.images, std::greater<>(), &ImageRecord::used);
    const std::vector<std::string> kept_last = [&] {
        std::vector<std::string> digests;
        for (const ImageRecord& record : next.images) {
            if (digests.size() < last) digests.push_back(record.digest);
        }
        return digests;
    }();
    std::vector<std::string> gone;
    for (const ImageRecord& record : manifest_.images) {
        const std::string& digest = record.digest;
        const bool runs = digest == manifest_.pending || digest == manifest_.confirmed();
        if (!runs && std::ranges::count(keep, digest) + std::ranges::count(kept_last, digest) == 0) {
            gone.push_back(digest);
        }
    }
    const auto is_gone = [&](const std::string& digest) { return std::ranges::count(gone, digest) != 0; };
    next.images = manifest_.images;
    std::erase_if(next.images, [&](const ImageRecord& record) { return is_gone(record.digest); });
    std::erase_if(next.history, is_gone);
    // First nobody refers to them, then they go.
    if (!gone.empty()) save(std::move(next));
    remove_strangers();
    for (const std::string& name : folder_.names()) {
        if (name.ends_with(".part")) folder_.remove(name);
    }
    return gone;
}

void ImageStore::write_whole(const std::string& name, const std::string& text) {
    const std::string draft = name + ".new";
    folder_.create(draft);
    folder_.write(draft, 0, bytes_of(text));
    folder_.sync(draft);
    folder_.rename(draft, name);
}

void ImageStore::save(Manifest next) {
    write_whole(manifest_name, manifest_text(next));
    try {
        folder_.sync_folder();
    } catch (const StoreFailure&) {
        // Whoever asked is told that it did not happen: then a start must not find that it did.
        write_whole(manifest_name, manifest_text(manifest_));
        throw;
    }
    manifest_ = std::move(next);
}

}  // namespace sluice
