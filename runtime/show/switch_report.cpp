// SPDX-License-Identifier: Apache-2.0
#include "runtime/show/switch_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "runtime/show/names.h"
#include "runtime/state/reasons.h"
#include "schemas/layout/image_types.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

class SwitchWriter {
  public:
    SwitchWriter(const Image& image, const SwitchRun& run)
        : image_(image),
          run_(run),
          tenant_(image.tenants()[run.came_by.tenant]),
          came_by_(tenant_.interface_position(run.came_by.interface)),
          segment_(tenant_.entered_by(came_by_)) {}

    Json write();

  private:
    const image::Interface& row(std::uint16_t position) const { return tenant_.interfaces[position]; }
    bool from_tunnel() const { return came_by_ == segment_; }
    std::string port_of(std::uint16_t position) const {
        return std::string(image_.port_names()[image_.port_slot(row(position).port())]);
    }
    std::string segment_name() const {
        return fmt::format("{}/{}", tenant_.name, tenant_.interface_names[segment_]);
    }
    void step(std::string stage, std::string looked_up, std::string found, std::string verdict) {
        steps_.push_back({{"stage", std::move(stage)},
                          {"looked_up", std::move(looked_up)},
                          {"found", std::move(found)},
                          {"verdict", std::move(verdict)}});
    }
    std::string known_words() const;
    std::optional<DropReason> decide();
    void out_of(std::uint16_t attachment);
    void into_tunnel(Ip remote);
    void everywhere();

    const Image& image_;
    const SwitchRun& run_;
    const TenantView& tenant_;
    const std::uint16_t came_by_, segment_;  // positions
    Json steps_ = Json::array();
    std::size_t ways_ = 0;
};

std::string SwitchWriter::known_words() const {
    switch (run_.known_by) {
        case SwitchRun::KnownBy::command:
            return "set by sluicectl";
        case SwitchRun::KnownBy::policy:
            return "a station of the policy";
        case SwitchRun::KnownBy::frames:
            return "learned from its frames";
        case SwitchRun::KnownBy::nobody:
            break;
    }
    return run_.mac.is_group() ? "a group" : "an unknown station";
}

void SwitchWriter::out_of(std::uint16_t attachment) {
    ++ways_;
    step(port_of(attachment), attachment_words(row(attachment)), "", "sent");
}

void SwitchWriter::into_tunnel(Ip remote) {
    ++ways_;
    step("encap", attachment_words(row(segment_)), to_string(remote, outer_family(row(segment_))), "sent");
}

void SwitchWriter::everywhere() {
    if (!from_tunnel()) {
        for (const image::Ip& remote : tenant_.remotes_of(segment_)) into_tunnel(from_image(remote));
    }
    const auto [first, last] = tenant_.attachments_of(segment_);
    for (std::uint16_t attachment = first; attachment < last; ++attachment) {
        if (attachment != came_by_) out_of(attachment);
    }
}

std::optional<DropReason> SwitchWriter::decide() {
    const auto [first, last] = tenant_.attachments_of(segment_);
    if (first == last) return DropReason::NOT_OURS;
    if (run_.attachment) {
        const std::uint16_t position = tenant_.interface_position(*run_.attachment);
        if (position == came_by_) return DropReason::SPLIT_HORIZON;
        out_of(position);
    } else if (run_.remote) {
        if (from_tunnel()) return DropReason::SPLIT_HORIZON;
        into_tunnel(*run_.remote);
    } else if (!run_.mac.is_group() && row(segment_).unknown() == image::UnknownUnicast::Drop) {
        return DropReason::FLOOD_LIMIT;
    } else {
        everywhere();
        if (ways_ == 0) return DropReason::SPLIT_HORIZON;
    }
    return std::nullopt;
}

Json SwitchWriter::write() {
    const auto reason = decide();
    Json ways = std::move(steps_);
    steps_ = Json::array();
    step(port_of(came_by_), attachment_words(row(came_by_)), segment_name(), "forward");
    step(segment_name(), to_string(run_.mac), known_words(),
         reason ? fmt::format("drop {}", name_of(*reason)) : "forward");
    for (Json& way : ways) steps_.push_back(std::move(way));
    Json json;
    json["packet"] = fmt::format("frame for {}", to_string(run_.mac));
    json["on"] = segment_name();
    json["steps"] = std::move(steps_);
    json["verdict"] = reason ? "drop" : "forward";
    if (reason) json["reason"] = name_of(*reason);
    json["cacheable"] = false;
    json["nocache"] = Json::array();
    return json;
}

}  // namespace

bool is_switched(const Image& image, InterfaceRef came_by, Mac mac) {
    const TenantView& tenant = image.tenants()[came_by.tenant];
    const auto [first, last] =
        tenant.attachments_of(tenant.entered_by(tenant.interface_position(came_by.interface)));
    return first != last && !is_for_router(image, came_by, mac);
}

bool is_for_router(const Image& image, InterfaceRef came_by, Mac mac) {
    const TenantView& tenant = image.tenants()[came_by.tenant];
    const std::uint16_t segment = tenant.entered_by(tenant.interface_position(came_by.interface));
    return from_image(tenant.interfaces[segment].mac()) == mac;
}

Json switch_report(const Image& image, const SwitchRun& run) {
    return SwitchWriter(image, run).write();
}

}  // namespace sluice
