// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "compiler/analyze/image_report.h"
#include "compiler/program/commands.h"
#include "compiler/program/table_report.h"
#include "runtime/show/names.h"
#include "schemas/layout/image_types.h"

namespace sluice::program {
namespace {

using Json = nlohmann::ordered_json;

std::string attachment_of(const Image& image, const image::Interface& row) {
    if (row.kind() == image::InterfaceKind::Peer) {
        return fmt::format("tenant {}", image.tenants()[row.peer_tenant()].name);
    }
    if (!takes_frames(row)) return "nothing";
    const std::string_view port = image.port_names()[row.port()];
    if (row.encapsulation() != image::Encapsulation::None) {
        return fmt::format("{} {}, {} remote{}", port, attachment_words(row), row.remote_count(),
                           row.remote_count() == 1 ? "" : "s");
    }
    if (row.tag_count() == 0) return fmt::format("{} untagged", port);
    if (row.tag_count() == 1) return fmt::format("{} VLAN {}", port, row.outer_vid());
    return fmt::format("{} QinQ {}.{}", port, row.outer_vid(), row.inner_vid());
}

const char* kind_of(const image::Interface& row) {
    switch (row.kind()) {
        case image::InterfaceKind::Segment:
            return "segment";
        case image::InterfaceKind::Uplink:
            return "uplink";
        case image::InterfaceKind::Peer:
            return "peer";
        case image::InterfaceKind::Transit:
            return "transit";
        case image::InterfaceKind::Attachment:
            break;
    }
    return "attachment";
}

std::vector<std::string> addresses_of(const TenantView& tenant, const image::Interface& row) {
    std::vector<std::string> texts;
    for (const auto& address : tenant.addresses.subspan(row.first_address(), row.address_count())) {
        const auto family = static_cast<Family>(address.family());
        texts.push_back(to_string(from_image(address.ip()), family) + "/" +
                        std::to_string(address.prefix_length()));
    }
    return texts;
}

Json json_of(const LpmReport& table) {
    return {{"prefixes", table.prefixes}, {"bytes", table.bytes}, {"levels", table.levels}};
}

Json interfaces_json(const Image& image, const TenantView& tenant) {
    Json rows = Json::array();
    for (std::size_t i = 0; i < tenant.interfaces.size(); ++i) {
        const image::Interface& row = tenant.interfaces[i];
        rows.push_back({{"name", tenant.interface_names[i]},
                        {"kind", kind_of(row)},
                        {"on", attachment_of(image, row)},
                        {"mac", to_string(from_image(row.mac()))},
                        {"mtu", row.mtu()},
                        {"addresses", addresses_of(tenant, row)}});
    }
    return rows;
}

void print_json(const Image& image, const ImageReport& report) {
    Json json{{"gateway", report.gateway}, {"digest", report.digest},
              {"bytes", report.bytes},     {"schema_version", image.root().schema_version()},
              {"ports", Json::array()},    {"tenants", Json::array()}};
    for (const image::Port* port : *image.root().ports()) {
        json["ports"].push_back({{"name", port->name()->str()}, {"mtu", port->mtu()}});
    }
    for (const TenantView& tenant : image.tenants()) {
        const TenantReport& row = report.tenants[tenant.index];
        json["tenants"].push_back({{"name", row.name},
                                   {"file", row.file},
                                   {"ttl", tenant.ttl_per_stage ? "per-stage" : "per-router"},
                                   {"digest", row.digest},
                                   {"closure", row.closure},
                                   {"bytes", row.bytes},
                                   {"table_bytes", row.table_bytes},
                                   {"shared_bytes", row.shared_bytes},
                                   {"service_router", row.has_service_router},
                                   {"interfaces", interfaces_json(image, tenant)},
                                   {"own_routes4", json_of(row.own_routes4)},
                                   {"own_routes6", json_of(row.own_routes6)},
                                   {"routes4", json_of(row.routes4)},
                                   {"routes6", json_of(row.routes6)},
                                   {"adjacencies", row.adjacencies},
                                   {"nat",
                                    {{"snat", row.snat_rules},
                                     {"dnat", row.dnat_rules},
                                     {"one_to_one", row.one_to_one_rules},
                                     {"external_addresses", row.external_addresses},
                                     {"classes", row.nat_classes},
                                     {"nat4", json_of(row.nat4)},
                                     {"nat6", json_of(row.nat6)},
                                     {"worst_steps", row.nat_steps},
                                     {"bytes", row.nat_bytes}}},
                                   {"firewall",
                                    {{"rules", row.firewall_rules},
                                     {"address_sets", row.address_sets},
                                     {"address_classes", row.address_classes},
                                     {"sets4", json_of(row.sets4)},
                                     {"sets6", json_of(row.sets6)},
                                     {"classifier",
                                      {{"bytes", row.classifier.bytes},
                                       {"worst_nodes", row.classifier.nodes},
                                       {"worst_rows", row.classifier.rows}}},
                                     {"bytes", row.firewall_bytes}}},
                                   {"tests", row.assertions}});
    }
    json["tables"] = json_of_tables(report);
    fmt::print("{}\n", json.dump(2));
}

void print_table(std::string_view name, const LpmReport& table) {
    if (table.prefixes == 0) return;
    fmt::print("  {:<9} {} {}, {} bytes, at most {} look-ups\n", name, table.prefixes,
               table.prefixes == 1 ? "prefix" : "prefixes", table.bytes, table.levels);
}

void print_tenant(const Image& image, const TenantView& tenant, const TenantReport& row) {
    fmt::print("\ntenant {}  ({}, {} bytes and {} of tables, {} of them shared, digest {})\n", row.name,
               row.file, row.bytes, row.table_bytes, row.shared_bytes, row.digest);
    fmt::print("  closure   {}\n", row.closure);
    for (std::size_t i = 0; i < tenant.interfaces.size(); ++i) {
        const image::Interface& interface = tenant.interfaces[i];
        fmt::print("  {:<9} {}  {}  MTU {}", kind_of(interface), tenant.interface_names[i],
                   attachment_of(image, interface), interface.mtu());
        for (const std::string& address : addresses_of(tenant, interface)) fmt::print("  {}", address);
        fmt::print("\n");
    }
    print_table("own4", row.own_routes4);
    print_table("own6", row.own_routes6);
    print_table("routes4", row.routes4);
    print_table("routes6", row.routes6);
    if (row.snat_rules + row.dnat_rules + row.one_to_one_rules != 0) {
        fmt::print(
            "  nat       {} SNAT, {} DNAT, {} one-to-one, {} external addresses in {} classes, {} bytes, "
            "at most {} compares\n",
            row.snat_rules, row.dnat_rules, row.one_to_one_rules, row.external_addresses, row.nat_classes,
            row.nat_bytes, row.nat_steps);
    }
    print_table("nat4", row.nat4);
    print_table("nat6", row.nat6);
    if (tenant.has_firewall) {
        fmt::print(
            "  firewall  {} rules, {} address sets in {} classes, {} bytes; at most {} nodes and {} rows\n",
            row.firewall_rules, row.address_sets, row.address_classes, row.firewall_bytes, row.classifier.nodes,
            row.classifier.rows);
    }
    print_table("sets4", row.sets4);
    print_table("sets6", row.sets6);
    if (row.assertions != 0) fmt::print("  tests     {}\n", row.assertions);
}

Exit inspect(const std::string& path, bool json) {
    const auto result = Image::load(path);
    if (const auto* error = std::get_if<ImageError>(&result)) {
        fmt::print(stderr, "sluicec: {}: {}\n", path, error->text);
        return error->kind == ImageError::Kind::integrity ? Exit::integrity : Exit::failed;
    }
    const Image& image = *std::get<std::unique_ptr<const Image>>(result);
    const ImageReport report = report_on(image);
    if (json) {
        print_json(image, report);
        return Exit::done;
    }
    fmt::print("gateway {}  ({} bytes, schema {})\ndigest  {}\nports   ", report.gateway, report.bytes,
               image.root().schema_version(), report.digest);
    for (const image::Port* port : *image.root().ports()) {
        fmt::print(" {} (MTU {})", port->name()->string_view(), port->mtu());
    }
    fmt::print("\n");
    for (const TenantView& tenant : image.tenants()) print_tenant(image, tenant, report.tenants[tenant.index]);
    fmt::print("\n");
    print_tables(report);
    return Exit::done;
}

}  // namespace

void add_inspect(CLI::App& app, Exit& exit) {
    struct Options {
        std::string image;
        bool json = false;
    };
    auto options = std::make_shared<Options>();
    auto* command = app.add_subcommand("inspect", "Show what an image holds");
    command->add_option("IMAGE", options->image, "the image")->required();
    command->add_flag("--json", options->json, "print it as JSON");
    command->callback([options, &exit] { exit = inspect(options->image, options->json); });
}

}  // namespace sluice::program
