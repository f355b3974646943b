// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "compiler/lower/aligned_vector.h"
#include "compiler/lower/emit.h"
#include "schemas/layout/binding_key.h"
#include "schemas/layout/closure.h"

namespace sluice::lower {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

std::uint64_t binding_key_of(const policy::Interface& interface) {
    if (interface.encapsulation != policy::Encapsulation::none) {
        const bool geneve = interface.encapsulation == policy::Encapsulation::geneve;
        return tunnel_binding_key(interface.port, geneve ? vni_of_geneve(interface.vni) : interface.vni);
    }
    const auto& vids = interface.vids;
    return binding_key(interface.port, vids.empty() ? absent_binding_tag : vids[0],
                       vids.size() < 2 ? absent_binding_tag : vids[1]);
}

std::vector<image::Binding> bindings_of(const policy::Policy& policy) {
    std::vector<image::Binding> rows;
    for (std::size_t tenant = 0; tenant < policy.tenants.size(); ++tenant) {
        const auto& interfaces = policy.tenants[tenant].interfaces;
        for (std::size_t i = 0; i < interfaces.size(); ++i) {
            if (interfaces[i].port == policy::no_index) continue;
            rows.emplace_back(binding_key_of(interfaces[i]), static_cast<std::uint16_t>(tenant),
                              static_cast<std::uint16_t>(i), 0);
        }
    }
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.key() < b.key(); });
    return rows;
}

Offset<image::TenantSection> emit_section(FlatBufferBuilder& builder, const std::vector<std::uint8_t>& bytes) {
    builder.ForceVectorAlignment(bytes.size(), 1, image_alignment);
    const auto section = builder.CreateVector(bytes);
    const Digest digest = digest_of(bytes);
    const auto digest_row = builder.CreateVector(digest.data(), digest.size());
    const auto closure = builder.CreateVector(Digest{}.data(), Digest{}.size());  // known when all are here
    return image::CreateTenantSection(builder, digest_row, section, closure);
}

// What a section or a table takes beside its bytes: rows, digests, padding.
constexpr std::size_t frame_bytes = 4 * image_alignment;

std::size_t size_of(const std::vector<std::vector<std::uint8_t>>& sections, const TableStore& store) {
    std::size_t bytes = 0;
    for (const auto& section : sections) bytes += section.size() + frame_bytes;
    for (const auto& [digest, table] : store.tables()) bytes += table.size() + frame_bytes;
    return bytes;
}

Offset<flatbuffers::Vector<Offset<image::SharedTable>>> emit_tables(FlatBufferBuilder& builder,
                                                                    const TableStore& store) {
    std::vector<Offset<image::SharedTable>> rows;
    for (const auto& [digest, table] : store.tables()) {
        builder.ForceVectorAlignment(table.size(), 1, image_alignment);
        const auto bytes = builder.CreateVector(table);
        const image::TableDigest name = to_image(digest);
        rows.push_back(image::CreateSharedTable(builder, &name, bytes));
    }
    return builder.CreateVector(rows);
}

void check_size(std::size_t bytes) {
    constexpr std::size_t margin = 64ULL << 20;  // ports, bindings, padding
    if (bytes + margin > longest_image_bytes) {
        throw std::length_error("the tenants need " + std::to_string(bytes) +
                                " bytes; an image holds less than 2 GiB");
    }
}

}  // namespace

std::vector<std::uint8_t> emit_image(const policy::Policy& policy,
                                     const std::vector<std::vector<std::uint8_t>>& sections,
                                     const TableStore& store) {
    const std::size_t bytes = size_of(sections, store);
    check_size(bytes);
    FlatBufferBuilder builder(bytes + (1U << 20));  // once, instead of a copy whenever it doubles
    const auto tables = emit_tables(builder, store);
    std::vector<Offset<image::TenantSection>> tenants;
    for (const auto& section : sections) tenants.push_back(emit_section(builder, section));
    const auto tenant_rows = builder.CreateVector(tenants);
    std::vector<Offset<image::Port>> ports;
    for (const policy::Port& port : policy.ports) {
        ports.push_back(image::CreatePort(builder, builder.CreateString(port.name), port.mtu, port.underlay));
    }
    const auto port_rows = builder.CreateVector(ports);
    const auto bindings = aligned_structs(builder, bindings_of(policy));
    const auto gateway = builder.CreateString(policy.gateway);
    image::FinishImageBuffer(builder, image::CreateImage(builder, image_schema_version, gateway, port_rows,
                                                         bindings, tenant_rows, tables));

    std::vector<std::uint8_t> file(sizeof(ImageHeader) + builder.GetSize());
    std::memcpy(file.data() + sizeof(ImageHeader), builder.GetBufferPointer(), builder.GetSize());
    seal_closures(std::span(file).subspan(sizeof(ImageHeader)));
    seal_image(file);
    return file;
}

}  // namespace sluice::lower
