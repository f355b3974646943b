// SPDX-License-Identifier: Apache-2.0
//
// A loaded, verified image: what the stages read. Loading copies the bytes into memory of our own, verifies
// that copy in depth (layout, then meaning) and sets up one view a tenant; after that nothing is checked again
// and nothing changes.
//
// Load: any thread but a packet thread (it allocates). Everything else: any thread, read only, no allocation.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "schemas/image_generated.h"
#include "schemas/layout/address.h"
#include "schemas/layout/lpm.h"

namespace sluice {

class SealedMemory;

constexpr std::uint32_t no_row = 0xffffffff;

/// Spans into one tenant's section; see image.fbs for what each row means.
struct TenantView {
    std::uint16_t index = 0;
    std::string_view name;
    bool has_service_router = false;
    bool has_firewall = false;
    image::FirewallAction default_action{};
    image::FirewallAction default_action_from_uplink{};
    std::vector<std::string_view> interface_names;
    std::span<const image::Interface> interfaces;
    std::span<const image::InterfaceAddress> addresses;
    std::span<const image::ProxiedAddress> proxied;
    std::span<const image::StaticNeighbour> neighbours;
    LpmView routes4, routes6;
    std::span<const image::Adjacency> adjacencies;
    std::span<const std::uint32_t> ecmp_members;
    std::span<const image::PrefixRow> prefixes;
    std::span<const image::ExternalAddress> externals;
    std::span<const std::uint32_t> pool_addresses;
    std::span<const image::SnatRule> snat_rules;
    std::span<const image::DnatRule> dnat_rules;
    std::span<const image::OneToOneRule> one_to_one_rules;
    LpmView sets4, sets6;
    std::uint32_t set_words = 0;
    std::span<const std::uint64_t> class_rows;
    std::uint32_t zone_words = 0;
    std::span<const std::uint64_t> masks;
    std::span<const image::Service> services;
    std::span<const image::FirewallRule> rules;
    std::vector<std::string_view> rule_names;
    const image::Tenant* table = nullptr;  // names, assertions: for people, off the packet path

    std::uint32_t route(Ip destination, Family family) const noexcept {
        return (family == Family::v4 ? routes4 : routes6).lookup(destination);
    }
};

/// Why an image was refused: what was expected, what was found. `integrity` (exit code 4): the bytes are not
/// what the compiler wrote. Otherwise the file could not be read or is of a version this program does not know.
struct ImageError {
    enum class Kind : std::uint8_t { unreadable, version, integrity } kind;
    std::string text;
};

struct BindingTarget {
    std::uint16_t tenant;
    std::uint16_t interface;
};

class Image {
  public:
    using Result = std::variant<std::unique_ptr<const Image>, ImageError>;

    static Result load(const std::string& path);
    static Result from_bytes(std::span<const std::uint8_t> file);  // copies

    Image(const Image&) = delete;
    Image& operator=(const Image&) = delete;
    ~Image();

    std::string_view gateway() const noexcept;
    image::TtlMode ttl_mode() const noexcept { return ttl_mode_; }
    std::span<const std::string_view> port_names() const noexcept { return port_names_; }
    std::span<const TenantView> tenants() const noexcept { return tenants_; }
    const image::Image& root() const noexcept { return *root_; }
    std::uint64_t bytes() const noexcept;                   // of the file
    std::span<const std::uint8_t> digest() const noexcept;  // 32 bytes, the image's identity

    /// The interface that a frame with these tags enters on `port`; null where the policy binds none.
    /// 0xffff stands for an absent tag. Cost: a binary search over all bindings.
    const image::Binding* find_binding(std::uint16_t port, std::uint16_t outer,
                                       std::uint16_t inner) const noexcept;

  private:
    Image() = default;
    static Result from_storage(std::variant<SealedMemory, ImageError> copy);
    struct Storage;
    std::unique_ptr<Storage> storage_;
    const image::Image* root_ = nullptr;
    image::TtlMode ttl_mode_{};
    std::vector<std::string_view> port_names_;
    std::span<const image::Binding> bindings_;
    std::vector<TenantView> tenants_;
};

}  // namespace sluice
