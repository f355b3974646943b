// SPDX-License-Identifier: Apache-2.0
#include "tests/support/filter_classifier.h"

namespace sluice::test {
namespace {

using lower::ClassRange;

// One set a rule, and one list of services.
template <typename SetOf>
auto sets_of(const std::vector<FilterRule>& rules, SetOf set) {
    std::vector<decltype(set(rules[0]))> sets;
    for (const FilterRule& rule : rules) sets.push_back(set(rule));
    return sets;
}
policy::AddressSet source_of(const FilterRule& rule) {
    return {"", {{Ip::from_v4(rule.source), rule.source_length, Family::v4}}};
}
policy::AddressSet destination_of(const FilterRule& rule) {
    return {"", {{Ip::from_v4(rule.destination), rule.destination_length, Family::v4}}};
}
std::vector<policy::Service> source_port_of(const FilterRule& rule) {
    return {{0, 4, rule.source_port_low, rule.source_port_high}};
}
std::vector<policy::Service> destination_port_of(const FilterRule& rule) {
    return {{0, 4, rule.destination_port_low, rule.destination_port_high}};
}

}  // namespace

FilterClassifier::FilterClassifier(const std::vector<FilterRule>& rules)
    : sources_(lower::classify_addresses(sets_of(rules, source_of))),
      destinations_(lower::classify_addresses(sets_of(rules, destination_of))),
      source_ports_(lower::classify_services(sets_of(rules, source_port_of))),
      destination_ports_(lower::classify_services(sets_of(rules, destination_port_of))) {
    std::vector<lower::ClassifierBox> boxes;
    for (std::uint32_t i = 0; i < rules.size(); ++i) {
        const FilterRule& rule = rules[i];
        lower::ClassifierBox box;
        box.rule = i;
        if (rule.protocol_mask != 0) box.low[4] = box.high[4] = rule.protocol;  // sets have masks 0 and 0xff
        const std::vector<ClassRange> all_wide{{0, 0xffffffff}}, all_narrow{{0, 0xffff}};
        const auto is_any_port = [](std::uint16_t low, std::uint16_t high) {
            return low == 0 && high == 0xffff;
        };
        const auto sources = rule.source_length == 0 ? all_wide : sources_.ranges_of({i});
        const auto destinations = rule.destination_length == 0 ? all_wide : destinations_.ranges_of({i});
        const auto source_ports = is_any_port(rule.source_port_low, rule.source_port_high)
                                      ? all_narrow
                                      : source_ports_.numbering.ranges_of(i);
        const auto destination_ports = is_any_port(rule.destination_port_low, rule.destination_port_high)
                                           ? all_narrow
                                           : destination_ports_.numbering.ranges_of(i);
        const auto set = [&](unsigned field, const ClassRange& range) {
            box.low[field] = range.low;
            box.high[field] = range.high;
        };
        for (const ClassRange& source : sources) {
            set(0, source);
            for (const ClassRange& destination : destinations) {
                set(1, destination);
                for (const ClassRange& source_port : source_ports) {
                    set(2, source_port);
                    for (const ClassRange& destination_port : destination_ports) {
                        set(3, destination_port);
                        boxes.push_back(box);
                    }
                }
            }
        }
    }
    classifier_ = lower::build_classifier(
        std::move(boxes),
        {sources_.numbering.count() - 1, destinations_.numbering.count() - 1,
         source_ports_.numbering.count() - 1, destination_ports_.numbering.count() - 1, 0xff});
    source_view_ = sources_.table4.view();
    destination_view_ = destinations_.table4.view();
    source_port_view_ = {source_ports_.cells.data()};
    destination_port_view_ = {destination_ports_.cells.data()};
    view_ = classifier_.view();
}

void FilterClassifier::lookup_burst(std::span<const FilterHeader> headers, std::uint32_t* rules) const {
    std::array<std::uint32_t, classifier_most_burst> sources, destinations, source_classes, destination_classes;
    for (std::size_t i = 0; i < headers.size(); ++i) {
        sources[i] = headers[i].source;
        destinations[i] = headers[i].destination;
    }
    source_view_.lookup_burst(std::span(sources).first(headers.size()), source_classes.data());
    destination_view_.lookup_burst(std::span(destinations).first(headers.size()), destination_classes.data());
    std::array<ClassifierKey, classifier_most_burst> keys;
    for (std::size_t i = 0; i < headers.size(); ++i) {
        keys[i] = {source_classes[i], destination_classes[i],
                   source_port_view_.lookup(Family::v4, 0, headers[i].source_port),
                   destination_port_view_.lookup(Family::v4, 0, headers[i].destination_port),
                   headers[i].protocol};
    }
    sluice::lookup_burst(view_, std::span(keys).first(headers.size()), rules);
}

std::size_t FilterClassifier::class_bytes() const {
    return sources_.table4.bytes() + destinations_.table4.bytes() +
           (source_ports_.cells.size() + destination_ports_.cells.size()) * sizeof(std::uint16_t);
}

}  // namespace sluice::test
