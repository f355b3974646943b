// SPDX-License-Identifier: Apache-2.0
//
// sluicectl station: where the stations of segments with tunnels are, and the word of who knows better than
// their frames.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "runtime/control/exit_codes.h"
#include "runtime/programs/gateway_answers.h"
#include "runtime/programs/packet_loop.h"
#include "runtime/show/path_report.h"
#include "schemas/layout/image_types.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint32_t stations_a_slice = 256;

std::string text_of(const Json& request, const char* key) {
    const auto found = request.find(key);
    if (found == request.end() || !found->is_string()) {
        throw CommandRefused(fmt::format("station needs \"{}\"", key), exit_usage);
    }
    return found->get<std::string>();
}

InterfaceRef segment_of(const Image& image, const std::string& name) {
    const auto segment = interface_named(image, name);
    if (segment) {
        const TenantView& tenant = image.tenants()[segment->tenant];
        const image::Interface& row = tenant.interfaces[tenant.interface_position(segment->interface)];
        if (row.kind() == image::InterfaceKind::Segment && row.encapsulation() != image::Encapsulation::None) {
            return *segment;
        }
    }
    throw CommandRefused(fmt::format("\"{}\" is no segment with tunnels: write TENANT/SEGMENT", name),
                         exit_usage);
}

/// One of the segment's remotes, or SEGMENT@PORT.VLAN.
StationPlace place_of(const Image& image, InterfaceRef segment, const std::string& text) {
    const TenantView& tenant = image.tenants()[segment.tenant];
    const std::uint16_t position = tenant.interface_position(segment.interface);
    if (const auto ip = parse_ip(text); ip && tenant.has_remote(position, *ip)) {
        return {ip->ip, std::nullopt};
    }
    const auto [first, last] = tenant.attachments_of(position);
    for (std::uint16_t attachment = first; attachment < last; ++attachment) {
        if (tenant.interface_names[attachment] == text) {
            return {std::nullopt, tenant.interface_slot(attachment)};
        }
    }
    throw CommandRefused(fmt::format("\"{}\" is neither a remote of {}/{} nor a port that it is on", text,
                                     tenant.name, tenant.interface_names[position]),
                         exit_usage);
}

std::string place_text(const Image& image, InterfaceRef segment, const StationPlace& place) {
    const TenantView& tenant = image.tenants()[segment.tenant];
    if (place.remote) {
        const image::Interface& row = tenant.interfaces[tenant.interface_position(segment.interface)];
        return to_string(*place.remote, outer_family(row));
    }
    return std::string(tenant.name_of_interface(*place.attachment));
}

}  // namespace

Json GatewayAnswers::station(const Json& request) {
    const std::string action = text_of(request, "action");
    if (action == "list") return stations();
    if (action != "set" && action != "del") {
        throw CommandRefused("there are station list, station set and station del", exit_usage);
    }
    const std::string on = text_of(request, "on"), mac_text = text_of(request, "mac");
    const auto mac = parse_mac(mac_text);
    if (!mac || mac->is_group() || *mac == Mac{}) {
        throw CommandRefused(fmt::format("\"{}\" is no station's MAC", mac_text), exit_usage);
    }
    const auto held = live_.hold();
    const Image& image = *image_;
    const InterfaceRef segment = segment_of(image, on);
    Json json{{"on", on}, {"mac", to_string(*mac)}};
    std::optional<std::uint32_t> moved;
    if (action == "set") {
        const StationPlace place = place_of(image, segment, text_of(request, "behind"));
        on_packet_thread([&] {
            moved = shard_.set_station(segment, *mac, place);
            return true;
        });
        if (!moved) throw CommandRefused("the gateway has no room for one more station", exit_refused);
        json["behind"] = place_text(image, segment, place);
    } else {
        on_packet_thread([&] {
            moved = shard_.unset_station(segment, *mac);
            return true;
        });
        if (!moved) {
            throw CommandRefused(fmt::format("nobody said where {} of {} is", to_string(*mac), on),
                                 exit_refused);
        }
    }
    json["neighbours"] = *moved;
    return json;
}

Json GatewayAnswers::stations() {
    auto held = live_.hold();
    const ImagePointer image = image_;
    std::vector<StationSummary> copies;
    copies.reserve(shard_.station_places());
    std::uint32_t next = 0;
    on_packet_thread([&] {
        const std::uint32_t end = std::min(next + stations_a_slice, shard_.station_places());
        for (; next < end; ++next) {
            if (const auto station = shard_.station(next)) copies.push_back(*station);
        }
        return next == shard_.station_places();
    });
    held.unlock();
    Json rows = Json::array();
    const Time now = PacketLoop::now();
    for (const StationSummary& station : copies) {
        const TenantView& tenant = image->tenants()[station.segment.tenant];
        Json row;
        row["segment"] = fmt::format("{}/{}", tenant.name, tenant.name_of_interface(station.segment.interface));
        row["mac"] = to_string(station.mac);
        row["behind"] = place_text(*image, station.segment, station.place);
        row["known_by"] = station.set ? "command" : "frames";
        row["idle_seconds"] = static_cast<double>(now - std::min(now, station.seen)) /
                              static_cast<double>(nanoseconds_per_second);
        rows.push_back(std::move(row));
    }
    return {{"stations", std::move(rows)}};
}

}  // namespace sluice
