// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/service_classes.h"

#include <algorithm>
#include <array>
#include <map>
#include <stdexcept>

#include "schemas/layout/service_map.h"

namespace sluice::lower {
namespace {

constexpr std::size_t most_cells = 0x10000;  // values that a cell can have
constexpr std::uint32_t ports_end = 0x10000;

// A list gains or loses a port range here.
struct Event {
    std::uint32_t port;
    std::uint32_t list;
    bool begins;
};

struct Stretch {
    std::uint32_t first;   // port; up to the next stretch
    std::uint32_t handle;  // of its class
};

std::vector<Stretch> stretches_of(std::vector<Event> events, ClassNumbering& numbering) {
    std::stable_sort(events.begin(), events.end(),
                     [](const Event& a, const Event& b) { return a.port < b.port; });
    std::vector<Stretch> stretches{{0, 0}};
    std::map<std::uint32_t, std::uint32_t> open;  // list, how many of its ranges
    for (std::size_t i = 0; i < events.size();) {
        const std::uint32_t port = events[i].port;
        for (; i < events.size() && events[i].port == port; ++i) {
            if (events[i].begins) {
                ++open[events[i].list];
            } else if (--open[events[i].list] == 0) {
                open.erase(events[i].list);
            }
        }
        if (port == ports_end) break;
        Membership membership;
        for (const auto& [list, ranges] : open) membership.push_back(list);
        if (stretches.back().first == port) stretches.pop_back();
        stretches.push_back({port, numbering.handle_of(membership)});
    }
    return stretches;
}

class CellRows {
  public:
    using Row = std::array<std::uint16_t, service_row_cells>;

    CellRows() : cells_(service_root_rows * service_row_cells) {}

    std::uint16_t number_of(const Row& row) {
        const std::size_t next = cells_.size() / service_row_cells;
        const auto [place, is_new] = rows_.try_emplace(row, static_cast<std::uint16_t>(next));
        if (is_new) {
            if (next >= most_cells) throw std::length_error("a tenant's services need more than 32 MiB");
            cells_.insert(cells_.end(), row.begin(), row.end());
        }
        return place->second;
    }
    void set_root(std::size_t family, std::size_t protocol, std::uint16_t row) {
        cells_[family * service_row_cells + protocol] = row;
    }
    std::vector<std::uint16_t> take() { return std::move(cells_); }

  private:
    std::vector<std::uint16_t> cells_;
    std::map<Row, std::uint16_t> rows_;
};

std::uint16_t ports_row(const std::vector<Stretch>& stretches, const ClassNumbering& numbering,
                        CellRows& rows) {
    CellRows::Row pages;
    std::size_t stretch = 0;
    for (std::size_t page = 0; page < service_row_cells; ++page) {
        CellRows::Row classes;
        for (std::size_t i = 0; i < service_row_cells; ++i) {
            const auto port = page * service_row_cells + i;
            if (stretch + 1 < stretches.size() && stretches[stretch + 1].first == port) ++stretch;
            classes[i] = static_cast<std::uint16_t>(numbering.class_of(stretches[stretch].handle));
        }
        pages[page] = rows.number_of(classes);
    }
    return rows.number_of(pages);
}

}  // namespace

ServiceClasses classify_services(const std::vector<std::vector<policy::Service>>& lists) {
    std::array<std::array<std::vector<Event>, 256>, service_root_rows> events;
    for (std::uint32_t list = 0; list < lists.size(); ++list) {
        for (const policy::Service& service : lists[list]) {
            for (std::size_t family = 0; family < service_root_rows; ++family) {
                if (service.family != 0 && service.family != (family == 0 ? 4 : 6)) continue;
                events[family][service.protocol].push_back({service.low, list, true});
                events[family][service.protocol].push_back({service.high + 1u, list, false});
            }
        }
    }
    ServiceClasses result;
    std::array<std::array<std::vector<Stretch>, 256>, service_root_rows> stretches;
    for (std::size_t family = 0; family < service_root_rows; ++family) {
        for (std::size_t protocol = 0; protocol < 256; ++protocol) {
            stretches[family][protocol] = stretches_of(std::move(events[family][protocol]), result.numbering);
        }
    }
    result.numbering.number(lists.size());
    if (result.numbering.count() > most_cells) {
        throw std::length_error("a tenant's rules tell more than 65,536 classes of services apart");
    }
    CellRows rows;
    const std::uint16_t unnamed = ports_row({{0, 0}}, result.numbering, rows);
    for (std::size_t family = 0; family < service_root_rows; ++family) {
        for (std::size_t protocol = 0; protocol < 256; ++protocol) {
            const auto& named = stretches[family][protocol];
            rows.set_root(
                family, protocol,
                named.size() == 1 && named[0].handle == 0 ? unnamed : ports_row(named, result.numbering, rows));
        }
    }
    result.cells = rows.take();
    return result;
}

}  // namespace sluice::lower
