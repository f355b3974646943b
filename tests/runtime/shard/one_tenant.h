// SPDX-License-Identifier: Apache-2.0
//
// One tenant with a segment and an uplink, in each tier of the cache: for tests of what a section of its policy
// does. Segment lan (VLAN 1 of lan0, 10.1.1.1/24 and 2001:db8:1::1/64, hosts 5 and 6 of both), segments
// more (VLAN 2, 10.1.2.1/24) and six (VLAN 3, 2001:db8:3::1/64), uplink internet (VLAN 1 of uplink0,
// 203.0.113.2/24 and 2001:db8:f::2/64) with the default routes.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "tests/support/compile.h"
#include "tests/support/test_gateway.h"

namespace sluice::test {

/// `rest`: the sections behind the routes.
inline std::unique_ptr<const Image> one_tenant(const std::string& rest) {
    static constexpr const char* gateway = R"(gateway: edge
mac: 02:00:5e:00:01:01
ports: {lan0: {}, uplink0: {}}
tenants: [blue.yaml]
)";
    static constexpr const char* tenant = R"(tenant: blue
segments:
  lan:
    vlan: {port: lan0, id: 1}
    gateway: [10.1.1.1/24, "2001:db8:1::1/64"]
    neighbours:
      10.1.1.5: "02:00:00:00:00:01"
      10.1.1.6: "02:00:00:00:00:02"
      "2001:db8:1::5": "02:00:00:00:00:01"
      "2001:db8:1::6": "02:00:00:00:00:02"
  more: {vlan: {port: lan0, id: 2}, gateway: 10.1.2.1/24}
  six: {vlan: {port: lan0, id: 3}, gateway: "2001:db8:3::1/64"}
uplinks:
  internet:
    vlan: {port: uplink0, id: 1}
    address: [203.0.113.2/24, "2001:db8:f::2/64"]
    neighbours: {203.0.113.1: "02:00:00:00:09:01", "2001:db8:f::1": "02:00:00:00:09:01"}
routes:
  - {to: 0.0.0.0/0, via: 203.0.113.1}
  - {to: "::/0", via: "2001:db8:f::1"}
)";
    return compile_texts({{"gateway.yaml", gateway}, {"blue.yaml", tenant + rest}});
}

class OneTenant : public testing::TestWithParam<CacheTiers> {
  protected:
    void run(std::unique_ptr<const Image> image) {
        image_ = std::move(image);
        ShardSettings settings;
        settings.cache = GetParam();
        gateway_ = std::make_unique<TestGateway>(*image_, settings);
        gateway_->advance(nanoseconds_per_second);
    }
    void TearDown() override { EXPECT_TRUE(gateway_->counters().balanced()); }
    std::uint64_t refused(DropReason reason) { return gateway_->drops("blue.sr", reason); }

    std::unique_ptr<const Image> image_;
    std::unique_ptr<TestGateway> gateway_;
};

}  // namespace sluice::test
