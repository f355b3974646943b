// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/manifest.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/image/release_note.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

constexpr int manifest_version = 1;

ImageRecord record_of(const Json& json) {
    ImageRecord record;
    record.digest = json.at("digest").get<std::string>();
    record.revision = json.at("revision").get<std::uint64_t>();
    record.revision_signed = json.at("revision_signed").get<bool>();
    record.parent = json.at("parent").get<std::string>();
    record.bytes = json.at("bytes").get<std::uint64_t>();
    record.gateway = json.at("gateway").get<std::string>();
    record.key = json.at("key").get<std::string>();
    record.trusted_comment = json.at("trusted_comment").get<std::string>();
    record.pushed = json.at("pushed").get<std::int64_t>();
    record.used = json.at("used").get<std::uint64_t>();
    return record;
}

Json json_of(const ImageRecord& record) {
    return {{"digest", record.digest},
            {"revision", record.revision},
            {"revision_signed", record.revision_signed},
            {"parent", record.parent},
            {"bytes", record.bytes},
            {"gateway", record.gateway},
            {"key", record.key},
            {"trusted_comment", record.trusted_comment},
            {"pushed", record.pushed},
            {"used", record.used}};
}

/// Whether the parts refer to each other as the store wants them to.
bool is_consistent(const Manifest& manifest) {
    const auto known = [&](const std::string& digest) { return manifest.find(digest) != nullptr; };
    return std::ranges::all_of(manifest.images,
                               [](const ImageRecord& record) { return is_digest_text(record.digest); }) &&
           std::ranges::all_of(manifest.history, known) &&
           (manifest.pending.empty() || known(manifest.pending));
}

}  // namespace

const ImageRecord* Manifest::find(std::string_view digest) const {
    const auto found = std::ranges::find(images, digest, &ImageRecord::digest);
    return found == images.end() ? nullptr : &*found;
}

ImageRecord* Manifest::find(std::string_view digest) {
    const auto found = std::ranges::find(images, digest, &ImageRecord::digest);
    return found == images.end() ? nullptr : &*found;
}

std::string manifest_text(const Manifest& manifest) {
    Json json{{"version", manifest_version}, {"history", manifest.history},
              {"pending", manifest.pending}, {"lowest_revision", manifest.lowest_revision},
              {"used", manifest.used},       {"returns", manifest.returns},
              {"last_return", nullptr},      {"images", Json::array()}};
    if (const auto& last = manifest.last_return) {
        json["last_return"] = {
            {"from", last->from}, {"to", last->to}, {"cause", last->cause}, {"at", last->at}};
    }
    for (std::size_t reason = 0; reason < return_reason_names.size(); ++reason) {
        json["returns_by_reason"][std::string(return_reason_names[reason])] =
            manifest.returns_by_reason[reason];
    }
    for (const ImageRecord& record : manifest.images) json["images"].push_back(json_of(record));
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::variant<Manifest, std::string> parse_manifest(std::string_view text) {
    try {
        const Json json = Json::parse(text);
        if (const int version = json.at("version").get<int>(); version != manifest_version) {
            return "it has version " + std::to_string(version) + "; this program knows version " +
                   std::to_string(manifest_version);
        }
        Manifest manifest;
        manifest.history = json.at("history").get<std::vector<std::string>>();
        manifest.pending = json.at("pending").get<std::string>();
        manifest.lowest_revision = json.at("lowest_revision").get<std::uint64_t>();
        manifest.used = json.at("used").get<std::uint64_t>();
        manifest.returns = json.at("returns").get<std::uint64_t>();
        if (const Json& last = json.at("last_return"); !last.is_null()) {
            manifest.last_return =
                ImageReturn{last.at("from").get<std::string>(), last.at("to").get<std::string>(),
                            last.at("cause").get<std::string>(), last.at("at").get<std::int64_t>()};
        }
        const Json by_reason = json.value("returns_by_reason", Json::object());
        for (std::size_t reason = 0; reason < return_reason_names.size(); ++reason) {
            manifest.returns_by_reason[reason] =
                by_reason.value(std::string(return_reason_names[reason]), std::uint64_t{0});
        }
        for (const Json& image : json.at("images")) manifest.images.push_back(record_of(image));
        if (!is_consistent(manifest)) return std::string("it names images that it does not describe");
        return manifest;
    } catch (const Json::exception& error) {
        return std::string(error.what());
    }
}

}  // namespace sluice
