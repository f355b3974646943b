// SPDX-License-Identifier: Apache-2.0
#include "runtime/shard/start_leaves.h"

#include "schemas/layout/lpm_burst.h"

namespace sluice {
namespace {

/// By packet, in host order.
using Addresses = std::array<std::uint32_t, most_burst_frames>;

/// One field of every packet's leaves, as an array.
struct Column {
    StartLeaves* leaves;
    std::uint32_t StartLeaves::*field;
    std::uint32_t& operator[](std::size_t i) const noexcept { return leaves[i].*field; }
};

class LookUps {
  public:
    LookUps(std::span<const StartLookUp> all, StartLeaves* leaves) noexcept : all_(all), leaves_(leaves) {
        for (std::size_t i = 0; i < all.size(); ++i) {
            sources_[i] = __builtin_bswap32(all[i].key->source);
            destinations_[i] = __builtin_bswap32(all[i].key->destination);
            leaves[i] = StartLeaves{};
            leaves[i].l4_kind = all[i].l4_kind;
        }
    }
    void routes() noexcept { in_both(&StartRow::routes, &StartLeaves::route_back, &StartLeaves::route); }
    void nat() noexcept { in_both(&StartRow::nat, &StartLeaves::source_nat, &StartLeaves::destination_nat); }
    void own_routes() noexcept;  // what they cover, they decide (RouteView)
    void services() noexcept;
    void classes() noexcept;

  private:
    void in_both(LpmView StartRow::*table, std::uint32_t StartLeaves::*source,
                 std::uint32_t StartLeaves::*destination) noexcept {
        const auto table_of = [=, this](std::size_t i) -> const LpmView& { return all_[i].row->*table; };
        look_up(table_of, sources_, Column{leaves_, source});
        look_up(table_of, destinations_, Column{leaves_, destination});
    }
    template <typename TableOf, typename Found>
    void look_up(const TableOf& table_of, const Addresses& addresses, Found found) const noexcept {
        lpm_lookup_burst(
            all_.size(), table_of, [&](std::size_t i) { return addresses[i]; }, found);
    }
    bool of_one_ingress() const noexcept {
        for (const StartLookUp& one : all_) {
            if (one.row != all_.front().row) return false;
        }
        return true;
    }

    std::span<const StartLookUp> all_;
    StartLeaves* leaves_;
    Addresses sources_, destinations_;
};

void LookUps::own_routes() noexcept {
    const auto table_of = [this](std::size_t i) -> const LpmView& { return all_[i].row->own_routes; };
    Addresses back, forward;
    look_up(table_of, sources_, back.data());
    look_up(table_of, destinations_, forward.data());
    for (std::size_t i = 0; i < all_.size(); ++i) {
        if (back[i] != 0) leaves_[i].route_back = back[i];
        if (forward[i] != 0) leaves_[i].route = forward[i];
    }
}

/// ServiceMapView::lookup in steps.
void LookUps::services() noexcept {
    std::array<std::size_t, most_burst_frames> rows;
    const auto cell = [this](std::size_t i, std::size_t row, std::size_t column) -> std::size_t {
        return all_[i].row->has_rules ? all_[i].row->services.cells[row * service_row_cells + column] : 0;
    };
    for (std::size_t i = 0; i < all_.size(); ++i) rows[i] = cell(i, 0, all_[i].key->protocol);
    for (std::size_t i = 0; i < all_.size(); ++i) rows[i] = cell(i, rows[i], all_[i].port >> 8);
    for (std::size_t i = 0; i < all_.size(); ++i)
        leaves_[i].service = static_cast<std::uint16_t>(cell(i, rows[i], all_[i].port & 0xff));
}

void LookUps::classes() noexcept {
    if (of_one_ingress()) {
        const AddressClassView sets = all_.front().row->address_classes();
        Addresses found;
        sets.lookup_burst(std::span(sources_.data(), all_.size()), found.data());
        for (std::size_t i = 0; i < all_.size(); ++i) leaves_[i].source_class = found[i];
        sets.lookup_burst(std::span(destinations_.data(), all_.size()), found.data());
        for (std::size_t i = 0; i < all_.size(); ++i) leaves_[i].destination_class = found[i];
        return;
    }
    // Walks of different packets overlap by themselves.
    for (std::size_t i = 0; i < all_.size(); ++i) {
        if (!all_[i].row->has_rules) continue;
        const AddressClassView sets = all_[i].row->address_classes();
        leaves_[i].source_class = sets.lookup(Ip::from_v4(sources_[i]));
        leaves_[i].destination_class = sets.lookup(Ip::from_v4(destinations_[i]));
    }
}

}  // namespace

void look_up_leaves(std::span<const StartLookUp> look_ups, StartLeaves* leaves) noexcept {
    bool any_own_routes = false, any_nat = false, any_rules = false;
    for (const StartLookUp& one : look_ups) {
        any_own_routes |= one.row->has_own_routes;
        any_nat |= one.row->has_nat;
        any_rules |= one.row->has_rules;
    }
    LookUps all(look_ups, leaves);
    all.routes();
    if (any_own_routes) all.own_routes();
    if (any_nat) all.nat();
    if (!any_rules) return;
    all.services();
    all.classes();
}

}  // namespace sluice
