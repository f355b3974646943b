// SPDX-License-Identifier: Apache-2.0
#include "runtime/programs/image_source.h"

#include <fmt/format.h>

#include <ctime>
#include <fstream>
#include <iterator>

#include "runtime/control/exit_codes.h"
#include "runtime/image/load_to_run.h"
#include "runtime/programs/image_log.h"
#include "schemas/layout/hexadecimal.h"

namespace sluice {
namespace {

std::variant<std::vector<PublicKey>, StartRefused> read_keys(const std::vector<std::string>& paths) {
    std::vector<PublicKey> keys;
    for (const std::string& path : paths) {
        std::ifstream file(path, std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        if (!file) return StartRefused{exit_failed, path + ": the key cannot be read"};
        const auto key = parse_public_key(text);
        if (const auto* error = std::get_if<SignatureError>(&key)) {
            return StartRefused{exit_failed, path + ": " + error->text};
        }
        keys.push_back(std::get<PublicKey>(key));
    }
    return keys;
}

std::optional<StartRefused> open_store(const HostFile& host, ImageSource& source) {
    auto keys = read_keys(host.trusted_keys);
    if (auto* refused = std::get_if<StartRefused>(&keys)) return std::move(*refused);
    source.folder = open_store_folder(host.images_directory);
    source.store = std::make_unique<ImageStore>(
        *source.folder, std::get<std::vector<PublicKey>>(std::move(keys)), wall_seconds());
    if (const auto& ended = source.store->returned_on_opening()) {
        log_image_event({StoreEvent::Kind::returned,
                         fmt::format("image {} is not gone on with: {}", ended->from, ended->cause),
                         ended->from, ended->reason});
    }
    return std::nullopt;
}

}  // namespace

std::int64_t wall_seconds() {
    return std::time(nullptr);
}

std::variant<ImageSource, StartRefused> open_image_source(const HostFile& host, const std::string& image_file) {
    ImageSource source;
    try {
        if (!host.images_directory.empty()) {
            if (auto refused = open_store(host, source)) return std::move(*refused);
        }
        if (!image_file.empty()) {
            auto loaded = load_to_run(image_file);
            if (const auto* error = std::get_if<ImageError>(&loaded)) {
                return StartRefused{exit_code_for(*error), image_file + ": " + error->text};
            }
            source.first.image = std::get<std::unique_ptr<const Image>>(std::move(loaded));
            source.first.digest = hexadecimal(source.first.image->digest());
            source.file = image_file;
            return source;
        }
        if (!source.store) {
            return StartRefused{
                exit_usage, "no image to start with: name one, or name the images' directory in the host file"};
        }
        auto first = image_to_start_with(*source.store, wall_seconds(), log_image_event);
        if (const auto* refused = std::get_if<StoreRefusal>(&first)) {
            return StartRefused{refused->kind == StoreRefusal::Kind::integrity ? exit_integrity : exit_failed,
                                fmt::format("{}: {}", host.images_directory, refused->text)};
        }
        source.first = std::get<RunningImage>(std::move(first));
        source.file = fmt::format("{}/{}.img", host.images_directory, source.first.digest);
        return source;
    } catch (const StoreFailure& failure) {
        return StartRefused{exit_failed, failure.what()};
    }
}

}  // namespace sluice
