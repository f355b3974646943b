// SPDX-License-Identifier: Apache-2.0
//
// A filter set as the compiler would lower it: tables from addresses and ports to classes for each end, and a
// classifier over the classes and the protocol.
#pragma once

#include "compiler/lower/address_classes.h"
#include "compiler/lower/classifier_builder.h"
#include "compiler/lower/service_classes.h"
#include "schemas/layout/address_class.h"
#include "schemas/layout/classifier_burst.h"
#include "schemas/layout/service_map.h"
#include "tests/support/classbench.h"

namespace sluice::test {

class FilterClassifier {
  public:
    explicit FilterClassifier(const std::vector<FilterRule>& rules);

    ClassifierKey key_of(const FilterHeader& header) const {
        return {source_view_.lookup(Ip::from_v4(header.source)),
                destination_view_.lookup(Ip::from_v4(header.destination)),
                source_port_view_.lookup(Family::v4, 0, header.source_port),
                destination_port_view_.lookup(Family::v4, 0, header.destination_port), header.protocol};
    }
    std::uint32_t lookup(const FilterHeader& header) const { return view_.lookup(key_of(header)); }

    /// At most classifier_most_burst headers.
    void lookup_burst(std::span<const FilterHeader> headers, std::uint32_t* rules) const;

    const lower::ClassifierTable& classifier() const { return classifier_; }
    std::size_t class_bytes() const;  // of the tables to classes

  private:
    lower::AddressClasses sources_, destinations_;
    lower::ServiceClasses source_ports_, destination_ports_;
    lower::ClassifierTable classifier_;
    AddressClassView source_view_, destination_view_;
    ServiceMapView source_port_view_, destination_port_view_;
    ClassifierView view_;
};

}  // namespace sluice::test
