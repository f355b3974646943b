// SPDX-License-Identifier: Apache-2.0
#include "tests/runtime/store/store_lab.h"

#include <sodium.h>

#include <map>

#include "compiler/lower/build_image.h"
#include "schemas/layout/hexadecimal.h"
#include "tests/support/policies.h"

namespace sluice::test {
namespace {

std::shared_ptr<const Image> loaded(const StoredImage& image) {
    return std::get<std::unique_ptr<const Image>>(Image::from_bytes(image.bytes));
}

RunningImage first_image(ImageStore& store, std::vector<StoreEvent>& log, bool from_file) {
    auto found =
        image_to_start_with(store, 1'700'000'000, [&](const StoreEvent& event) { log.push_back(event); });
    if (auto* running = std::get_if<RunningImage>(&found); running != nullptr && !from_file) return *running;
    return {loaded(image_number(0)), image_number(0).digest, false};
}

}  // namespace

const StoredImage& image_number(unsigned number) {
    static std::map<unsigned, StoredImage> made;
    StoredImage& image = made[number];
    if (image.bytes.empty()) {
        policy::Policy policy = two_tenants();
        policy.gateway = "edge-" + std::to_string(number);
        image.bytes = build_image(policy, 1);
        image.digest = hexadecimal(loaded(image)->digest());
    }
    return image;
}

KeyPair::KeyPair(std::uint8_t seed)
    : secret([&] {
          std::array<std::uint8_t, crypto_sign_SEEDBYTES> bytes;
          bytes.fill(seed);
          std::array<std::uint8_t, 64> key{};
          crypto_sign_seed_keypair(trusted.key.data(), key.data(), bytes.data());
          trusted.id.fill(seed);
          return SecretKey(trusted.id, key);
      }()) {}

std::variant<ImageRecord, StoreRefusal> push(ImageStore& store, const StoredImage& image,
                                             const std::string& signature) {
    auto begun = store.begin(image.digest, image.bytes.size());
    if (auto* refused = std::get_if<StoreRefusal>(&begun)) return std::move(*refused);
    UploadState state = std::get<UploadState>(begun);
    const std::size_t piece = image.bytes.size() / 3 + 1;
    while (!state.present && state.offset < image.bytes.size()) {
        const auto rest = std::span(image.bytes).subspan(state.offset);
        auto added = store.append(image.digest, state.offset, rest.first(std::min(piece, rest.size())));
        if (auto* refused = std::get_if<StoreRefusal>(&added)) return std::move(*refused);
        state = std::get<UploadState>(added);
    }
    return store.finish(image.digest, signature, 1'700'000'000);
}

StoreLab::StoreLab(StoreFolder& folder, std::vector<PublicKey> trusted, bool from_file)
    : store(folder, std::move(trusted), now.wall_seconds),
      lifecycle(
          store, first_image(store, log, from_file),
          [this](std::shared_ptr<const Image> image) -> std::optional<std::string> {
              if (!swap_fails.empty()) return swap_fails;
              seen = std::move(image);
              return std::nullopt;
          },
          [this](const StoreEvent& event) { log.push_back(event); }) {
    seen = lifecycle.running().image;
}

std::string StoreLab::activate(const std::string& digest, unsigned confirm_within_seconds) {
    std::optional<Time> within;
    if (confirm_within_seconds != 0) within = confirm_within_seconds * nanoseconds_per_second;
    return text_of(lifecycle.activate(digest, within, now));
}

void StoreLab::pass(unsigned seconds) {
    now.monotonic += seconds * nanoseconds_per_second;
    now.wall_seconds += seconds;
    lifecycle.tick(now);
}

std::string StoreLab::running() const {
    return hexadecimal(seen->digest());
}

}  // namespace sluice::test
