// SPDX-License-Identifier: Apache-2.0
#include "tests/acceptance/change.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tests/support/compile.h"

namespace sluice::test {
namespace {

constexpr const char* tenant_c = R"(tenant: c
segments:
  c1:
    vlan: {port: V0, id: 701}
    gateway: 198.18.3.1/24
    neighbours: {198.18.3.5: "02:cc:00:00:00:05"}
uplinks:
  first:
    vlan: {port: U0, id: 103}
    address: 203.0.113.18/29
    neighbours: {203.0.113.17: "02:00:00:00:09:01"}
  second:
    vlan: {port: U0, id: 104}
    address: 203.0.113.26/29
    neighbours: {203.0.113.25: "02:00:00:00:09:01"}
routes:
  - {to: 0.0.0.0/0, via: 203.0.113.17}
)";

std::string read(const std::string& path) {
    const char* source = std::getenv("SLUICE_SOURCE_DIR");
    std::ifstream file((source != nullptr ? std::string(source) + "/" : std::string()) + path);
    if (!file) throw std::runtime_error("cannot read " + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

Texts texts_of(const std::string& directory) {
    Texts texts;
    for (const std::string name : {"gateway.yaml", "tenants/a.yaml", "tenants/b.yaml"}) {
        texts[name] = read(directory + name);
    }
    return texts;
}

}  // namespace

Texts overlay_texts() {
    return texts_of("tests/acceptance/overlay/");
}

Texts bridge_texts() {
    return texts_of("tests/acceptance/bridge/");
}

Texts two_underlays_texts() {
    return texts_of("tests/acceptance/two-underlays/");
}

Texts provider_texts() {
    Texts texts = texts_of("rules/t1/");
    texts["tenants/c.yaml"] = read("rules/t1/tenants/c.yaml");
    return texts;
}

Texts t1_texts() {
    Texts texts = texts_of("tests/acceptance/t1/");
    texts["tenants/c.yaml"] = tenant_c;
    return edited(std::move(texts), "gateway.yaml", "tenants/b.yaml]", "tenants/b.yaml, tenants/c.yaml]");
}

Texts edited(Texts texts, const std::string& file, std::string_view from, std::string_view to) {
    std::string& text = texts.at(file);
    const std::size_t at = text.find(from);
    if (at == std::string::npos || text.find(from, at + 1) != std::string::npos) {
        throw std::logic_error(file + " does not hold this once: " + std::string(from));
    }
    text.replace(at, from.size(), to);
    return texts;
}

Texts without_tenant(Texts texts, const std::string& file) {
    texts.erase(file);
    return edited(std::move(texts), "gateway.yaml", ", " + file, "");
}

void ChangeAcceptance::activate(const Texts& texts) {
    loaded_.push_back(compile_texts(texts));
    gateway.activate(*loaded_.back());
}

const RuleCount& ChangeAcceptance::rule_of(std::string_view tenant, std::string_view name) {
    const Image& image = gateway.image();
    const TenantView& view = image.tenants()[image.tenant_slots().find(tenant)];
    for (std::uint32_t slot = 0; slot < view.rule_slots(); ++slot) {
        if (view.name_of_rule(slot) == name) return gateway.counters().tenants[view.index].rules[slot];
    }
    throw std::logic_error("no rule " + std::string(name));
}

}  // namespace sluice::test
