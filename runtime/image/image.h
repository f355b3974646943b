// SPDX-License-Identifier: Apache-2.0
//
// A loaded, verified image: what the stages read. Loading copies the bytes into memory of our own, verifies
// that copy in depth (layout, then meaning) and sets up one view a tenant; after that nothing is checked again
// and nothing changes.
//
// Load and follow: any thread but a packet thread (they allocate). Everything else: any thread, read only, no
// allocation.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/image/slots.h"
#include "schemas/image_generated.h"
#include "schemas/layout/address.h"
#include "schemas/layout/address_class.h"
#include "schemas/layout/binding_key.h"
#include "schemas/layout/classifier.h"
#include "schemas/layout/image_types.h"
#include "schemas/layout/lpm.h"
#include "schemas/layout/service_map.h"

namespace sluice {

class SealedMemory;
struct Numbering;

constexpr std::uint32_t no_row = 0xffffffff;

constexpr std::uint16_t no_interface = 0xffff;
constexpr std::uint16_t no_tenant = 0xffff;

/// Packets that enter by it come from the tenant's own hosts.
constexpr bool is_inside(image::InterfaceKind kind) {
    return kind == image::InterfaceKind::Segment || kind == image::InterfaceKind::Transit;
}

/// The other end of a peer interface: the tenant's slot and the interface's position in its section.
struct PeerEnd {
    std::uint16_t tenant = 0;
    std::uint16_t interface = 0;
    friend bool operator==(const PeerEnd&, const PeerEnd&) = default;
};

/// Names in an image, by number.
class NameList {
  public:
    using Names = flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>;

    NameList() = default;
    explicit NameList(const Names* names) : names_(names) {}
    std::size_t size() const noexcept { return names_ == nullptr ? 0 : names_->size(); }
    std::string_view operator[](std::size_t number) const noexcept {
        return names_->Get(static_cast<flatbuffers::uoffset_t>(number))->string_view();
    }
    std::vector<std::string_view> all() const;  // allocates

  private:
    const Names* names_ = nullptr;
};

/// The tables that a section refers to, as they stand in the image; null where it refers to none.
struct SharedTables {
    const image::Lpm *own_routes4 = nullptr, *own_routes6 = nullptr;
    const image::Lpm *routes4 = nullptr, *routes6 = nullptr;
    const image::Lpm *nat4 = nullptr, *nat6 = nullptr;
    const image::Lpm *sets4 = nullptr, *sets6 = nullptr;
    const image::Comb* sets4_walk = nullptr;
    const image::Classifier* classifier = nullptr;
    const image::Comb* classifier_walk = nullptr;
    const image::ServiceMap* services = nullptr;
    const image::RuleList* rules = nullptr;
};

/// Where addresses lead. What `own` does not cover is in `common`, which other tenants may read as well; a
/// tenant with few routes has them all there, and nothing in `own`.
struct RouteView {
    LpmView own, common;

    std::uint32_t lookup(Ip ip) const noexcept {
        if (!own.empty()) {
            const std::uint32_t leaf = own.lookup(ip);
            if (leaf != 0) return leaf;
        }
        return common.lookup(ip);
    }
};

/// Spans into one tenant's section and the tables it shares; see image.fbs for what each row means. Rows refer
/// to each other by position; whatever outlives a burst refers to slots (slots.h), and the functions below
/// translate.
struct TenantView {
    std::uint16_t index = 0;  // the tenant's slot
    std::string_view name;
    bool has_service_router = false;
    bool has_firewall = false;
    bool ttl_per_stage = false;
    image::FirewallAction default_action{};
    image::FirewallAction default_action_from_uplink{};
    bool keeps_denied_sessions = false;
    bool drops_implausible = false;
    std::uint32_t most_sessions = 0;          // 0: no limit
    std::uint32_t new_sessions_a_second = 0;  // the same
    std::uint32_t packets_a_second = 0, slow_path_a_second = 0;
    std::uint32_t most_host_sessions = 0, new_host_sessions_a_second = 0;
    std::uint32_t most_host_half_open = 0;
    bool limits_hosts() const noexcept { return (most_host_sessions | new_host_sessions_a_second) != 0; }
    bool limits_sessions() const noexcept {
        return (most_sessions | new_sessions_a_second) != 0 || limits_hosts();
    }
    const image::IdleTimes* idle_times = nullptr;  // null: the runtime's own
    std::vector<std::string_view> interface_names;
    std::span<const image::Interface> interfaces;
    std::span<const image::InterfaceAddress> addresses;
    std::span<const image::ProxiedAddress> proxied;
    std::span<const image::StaticNeighbour> neighbours;
    std::span<const image::Station> stations;
    std::span<const image::Ip> remotes;
    RouteView routes4, routes6;
    std::span<const image::Adjacency> adjacencies;
    std::span<const std::uint32_t> ecmp_members;
    std::span<const image::PrefixRow> prefixes;
    std::span<const image::ExternalAddress> externals;
    std::span<const std::uint32_t> pool_addresses;
    std::span<const image::SnatRule> snat_rules;
    std::span<const image::DnatRule> dnat_rules;
    std::span<const image::OneToOneRule> one_to_one_rules;
    std::span<const image::Exemption> exemptions;
    std::span<const image::PrefixRow> nat64_prefixes;
    LpmView nat4, nat6;
    std::span<const image::NatClass> nat_classes4, nat_classes6;
    std::span<const image::DnatPort> dnat_ports;
    std::span<const image::SourceMatch> source_matches;
    AddressClassView sets4;
    LpmView sets6;
    std::uint32_t address_class_count = 1;
    ClassifierView classifier;
    std::span<const std::uint16_t> from_zones, to_zones;
    std::span<const std::uint16_t> service_cells;
    std::span<const image::FirewallRule> rules;
    NameList rule_names;
    SharedTables shared;
    const image::Tenant* table = nullptr;  // names, assertions: for people, off the packet path; null: vanished
    std::span<const std::uint8_t> section_digest, closure;  // 32 bytes each
    std::uint16_t transit = no_interface;  // the position of the interface between the router's parts
    std::uint16_t first_attachment = 0;    // the position behind which there are attachments alone
    std::vector<PeerEnd> peers;  // by position of the interface; what others than Peer have is meaningless
    std::shared_ptr<const TenantSlots> slots;  // null: every slot is the position
    std::uint32_t section_changed = 0;         // the generation in which what its own stages read changed last
    std::uint32_t closure_changed = 0;         // and what packets entering it can read

    /// By slot: the generation in which an interface came or got other tags, another port or other addresses;
    /// empty: 0 for all.
    std::vector<std::uint32_t> links_changed;
    std::uint32_t link_changed(std::uint16_t slot) const noexcept {
        return slot < links_changed.size() ? links_changed[slot] : 0;
    }

    /// The other tunnel endpoints of an interface (a position), ascending.
    std::span<const image::Ip> remotes_of(std::uint16_t position) const noexcept {
        const image::Interface& row = interfaces[position];
        return remotes.subspan(row.first_remote(), row.remote_count());
    }
    /// The positions from .first up to .second: the ports and VLANs that a segment with tunnels (a position) is
    /// on as well. A binary search.
    std::pair<std::uint16_t, std::uint16_t> attachments_of(std::uint16_t position) const noexcept;
    /// The interface (a position) that packets enter where their frames come in by this one: an attachment's
    /// segment.
    std::uint16_t entered_by(std::uint16_t position) const noexcept {
        return position < first_attachment ? position : interfaces[position].peer_interface();
    }
    /// The row that the policy has for a station of an interface (a position); null: none. A binary search.
    const image::Station* find_station(std::uint16_t position, Mac mac) const noexcept;
    /// Whether stations of that interface may be behind this endpoint. A binary search.
    bool has_remote(std::uint16_t position, const IpAndFamily& remote) const noexcept;
    /// Of an underlay: the address that tunnels of a family end at here; nullopt: none do.
    std::optional<Ip> tunnel_endpoint(Family family) const noexcept {
        for (const image::InterfaceAddress& address : addresses) {
            if (address.family() == static_cast<std::uint8_t>(family)) return from_image(address.ip());
        }
        return std::nullopt;
    }

    /// False for one that has vanished since an earlier image.
    bool exists() const noexcept { return section_changed == 0 || table != nullptr; }

    std::uint16_t interface_slot(std::uint16_t position) const noexcept {
        return slots ? static_cast<std::uint16_t>(slots->interfaces.slot(position)) : position;
    }
    InterfaceRef ref(std::uint16_t position) const noexcept { return {index, interface_slot(position)}; }
    /// no_interface where it has vanished.
    std::uint16_t interface_position(std::uint16_t slot) const noexcept {
        return slots ? static_cast<std::uint16_t>(slots->interfaces.position(slot)) : slot;
    }
    std::uint32_t rule_slot(std::uint32_t position) const noexcept {
        return slots ? slots->rules.slot(position) : position;
    }
    /// no_position where it has vanished.
    std::uint32_t rule_position(std::uint32_t slot) const noexcept {
        return slots ? slots->rules.position(slot) : slot;
    }
    std::uint32_t snat_slot(std::uint32_t position) const noexcept {
        return slots ? slots->snat_rules.slot(position) : position;
    }
    std::uint32_t snat_position(std::uint32_t slot) const noexcept {
        return slots ? slots->snat_rules.position(slot) : slot;
    }
    /// Slots in all, those of vanished names included.
    std::uint16_t interface_slots() const noexcept {
        return static_cast<std::uint16_t>(slots ? slots->interfaces.size() : interface_names.size());
    }
    std::uint32_t rule_slots() const noexcept {
        return slots ? slots->rules.size() : static_cast<std::uint32_t>(rules.size());
    }
    std::string_view name_of_interface(std::uint16_t slot) const noexcept {
        return slots ? std::string_view(slots->interfaces.name(slot)) : interface_names[slot];
    }
    std::string_view name_of_rule(std::uint32_t slot) const noexcept {
        return slots ? std::string_view(slots->rules.name(slot)) : rule_names[slot];
    }

    std::uint32_t address_class(Ip ip, Family family) const noexcept {
        return family == Family::v4 ? sets4.lookup(ip) : sets6.lookup(ip);
    }
    ServiceMapView service_classes() const noexcept { return {service_cells.data()}; }
    std::uint32_t route(Ip destination, Family family) const noexcept {
        return (family == Family::v4 ? routes4 : routes6).lookup(destination);
    }
    const image::NatClass& nat_class(Ip ip, Family family) const noexcept {
        return family == Family::v4 ? nat_classes4[nat4.lookup(ip)] : nat_classes6[nat6.lookup(ip)];
    }
    std::uint32_t set_class(Ip ip, Family family) const noexcept {
        return family == Family::v4 ? sets4.lookup(ip) : sets6.lookup(ip);
    }
};

/// Why an image was refused: what was expected, what was found. `integrity` (exit code 4): the bytes are not
/// what the compiler wrote. Otherwise the file could not be read or is of a version this program does not know.
struct ImageError {
    enum class Kind : std::uint8_t { unreadable, version, integrity } kind;
    std::string text;
};

class Image {
  public:
    using Result = std::variant<std::unique_ptr<const Image>, ImageError>;

    static Result load(const std::string& path);
    static Result from_bytes(std::span<const std::uint8_t> file);  // copies
    static Result from_memory(SealedMemory memory);

    /// This image made ready to come after `running`: what both have keeps its slots. It shares this one's
    /// memory, which goes with the last user; `running` is not needed afterwards. Slots that vanished in
    /// generation `forgotten` or earlier may be given away: nothing refers to them any more. nullptr: there are
    /// more than 65,534 tenants or ports, or interfaces of a tenant, those that are not forgotten included.
    std::unique_ptr<const Image> follow(const Image& running, std::uint32_t forgotten = 0) const;

    /// The slots of this image, by name: what the next process needs to understand this one's.
    Numbering numbering() const;
    /// This image, as loaded, with slots that an earlier process gave. Names of which it has none count as
    /// vanished in generation 1, and everything as changed then. nullptr: the numbering is not one of this
    /// image.
    std::unique_ptr<const Image> renumbered(const Numbering& numbering) const;

    Image(const Image&) = delete;
    Image& operator=(const Image&) = delete;
    ~Image();

    /// 0 as loaded, then one more than the image it follows.
    std::uint32_t generation() const noexcept { return generation_; }
    std::string_view gateway() const noexcept;
    /// By slot: frames and counters number the ports so.
    std::span<const std::string_view> port_names() const noexcept { return port_names_; }
    std::uint16_t port_slot(std::uint16_t position) const noexcept {
        return static_cast<std::uint16_t>(port_slots_.slot(position));
    }
    const NameSlots& port_slots() const noexcept { return port_slots_; }
    /// By slot of a port: the tenant whose first interface is its tunnel endpoint; no_tenant where it has none.
    std::span<const std::uint16_t> underlays() const noexcept { return underlays_; }
    /// By slot; a vanished tenant has its name and no table.
    std::span<const TenantView> tenants() const noexcept { return tenants_; }
    const NameSlots& tenant_slots() const noexcept { return tenant_slots_; }
    const image::Image& root() const noexcept { return *root_; }
    std::uint64_t bytes() const noexcept;                   // of the file
    std::span<const std::uint8_t> digest() const noexcept;  // 32 bytes, the image's identity

    /// All interfaces that frames may enter by, sorted by key (layout/binding_key.h); ports, tenants,
    /// interfaces and the ingress' own number are slots.
    std::span<const image::Binding> bindings() const noexcept { return bindings_; }
    /// Ingress slots given so far.
    std::uint32_t ingress_slots() const noexcept { return ingress_slots_.size(); }
    /// The interface that frames with this key enter by; null where the policy binds none. Cost: a binary
    /// search over all bindings.
    const image::Binding* find_binding(std::uint64_t key) const noexcept;
    /// By port and VLAN tags; 0xffff stands for an absent one.
    const image::Binding* find_binding(std::uint16_t port, std::uint16_t outer,
                                       std::uint16_t inner) const noexcept {
        return find_binding(binding_key(port, outer, inner));
    }

    /// The last generation in which something vanished whose slot is still reserved; 0 where there is none.
    std::uint32_t vanished() const noexcept { return vanished_; }
    /// Whether anything of that name is in this image.
    bool has(InterfaceRef ref) const noexcept {
        return ref.tenant < tenants_.size() && tenants_[ref.tenant].exists() &&
               tenants_[ref.tenant].interface_position(ref.interface) != no_interface;
    }
    bool has_ingress(std::uint16_t slot) const noexcept { return ingress_slots_.position(slot) != no_position; }

  private:
    Image() = default;
    static Result from_storage(std::variant<SealedMemory, ImageError> copy);
    void number(const Image* running, std::uint32_t forgotten);
    void view_tenants(const Image* running, std::uint32_t forgotten);
    void view_bindings(const Image* running, std::uint32_t forgotten);
    void find_vanished();
    struct Storage;
    std::shared_ptr<const Storage> storage_;
    const image::Image* root_ = nullptr;
    std::uint32_t generation_ = 0;
    NameSlots port_slots_, tenant_slots_, ingress_slots_;
    std::uint32_t vanished_ = 0;
    std::vector<std::string_view> port_names_;
    std::vector<std::uint16_t> underlays_;
    std::vector<image::Binding> bindings_;
    std::vector<TenantView> tenants_;
};

}  // namespace sluice
