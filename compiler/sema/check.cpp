// SPDX-License-Identifier: Apache-2.0
#include "compiler/sema/check.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "compiler/front/yaml.h"
#include "compiler/sema/keys.h"
#include "compiler/sema/passes.h"
#include "compiler/sema/scalars.h"

namespace sluice::sema {
namespace {

constexpr std::size_t most_tenants = 65534;

// What a user of the directory would type; no leading "./".
std::string sibling(const std::string& gateway_path, std::string_view name) {
    const auto path = std::filesystem::path(gateway_path).parent_path() / std::filesystem::path(name);
    return path.lexically_normal().string();
}

class Checker {
  public:
    Checker(CheckResult& result, const front::Files& files, policy::Policy& policy)
        : result_(result), files_(files), context_{result.sources, result.diagnostics, policy} {}

    void run(const std::string& path);

  private:
    void load_tenants(const Object& gateway);
    void load_tenant(const Node& name, const std::string& gateway_path);
    void name_tenant(TenantScope& scope);
    void check_tenants();
    void lint();

    CheckResult& result_;
    const front::Files& files_;
    Context context_;
    std::string gateway_path_;
    std::map<std::string, Span> tenant_files_;
    std::map<std::string_view, Span> tenant_names_;
};

void Checker::run(const std::string& path) {
    gateway_path_ = files_.is_directory(path) ? (std::filesystem::path(path) / "gateway.yaml").string() : path;
    auto read = files_.read(gateway_path_);
    if (!read.error.empty()) {
        auto& diagnostic = context_.report(Code::cannot_read_policy, {},
                                           fmt::format("cannot read the policy: {}", read.error));
        diagnostic.path = gateway_path_;
        diagnostic.help("give the directory that holds gateway.yaml, or that file");
        return;
    }
    const std::uint32_t file = result_.sources.add(gateway_path_, std::move(read.text));
    context_.policy.files.push_back(gateway_path_);
    const auto document = front::read_yaml(result_.sources, file, result_.diagnostics);
    if (!document) return;
    const Span start{file, document->root.span.begin, document->root.span.begin};
    const Object gateway(context_, document->root, keys::gateway, start);
    read_gateway(context_, gateway);
    load_tenants(gateway);
    load_provider(context_, gateway);
    check_tenants();
    lint();
    add_underlays(context_);
}

void Checker::load_tenants(const Object& gateway) {
    const auto* list = gateway["tenants"];
    if (list == nullptr) return;
    const auto items = list_of(context_, *list, "tenants");
    if (items.size() > most_tenants) {
        context_.report(Code::too_many, gateway.key_span("tenants"),
                        fmt::format("a gateway has at most {} tenants", most_tenants));
        return;
    }
    context_.policy.tenants.reserve(items.size());
    for (const auto* item : items) load_tenant(*item, gateway_path_);
}

void Checker::load_tenant(const Node& name, const std::string& gateway_path) {
    if (!text_of(context_, name, "a tenant's file")) return;
    const auto path = sibling(gateway_path, name.text);
    const auto [first, is_new] = tenant_files_.emplace(path, name.span);
    if (!is_new) {
        context_
            .report(Code::tenant_file_twice, name.span,
                    fmt::format("the file \"{}\" is listed twice", name.text))
            .note(first->second, "the first time");
        return;
    }
    auto read = files_.read(path);
    if (!read.error.empty()) {
        context_
            .report(Code::cannot_read_tenant, name.span,
                    fmt::format("cannot read \"{}\": {}", path, read.error))
            .help("file names are relative to the file that names them");
        return;
    }
    const std::uint32_t file = result_.sources.add(path, std::move(read.text));
    context_.policy.files.push_back(path);
    auto document = front::read_yaml(result_.sources, file, result_.diagnostics);
    if (!document) return;
    auto& scope = context_.tenants.emplace_back();
    scope.document = std::move(*document);
    scope.file = file;
    scope.index = static_cast<std::uint16_t>(context_.policy.tenants.size());
    context_.policy.tenants.emplace_back().file = name.text;
    name_tenant(scope);
}

void Checker::name_tenant(TenantScope& scope) {
    const auto& root = scope.document.root;
    scope.name_span = {scope.file, root.span.begin, root.span.begin};
    scope.object.emplace(context_, root, keys::tenant, scope.name_span);
    const auto* node = (*scope.object)["tenant"];
    if (node == nullptr) return;
    scope.name_span = node->span;
    if (!is_name(context_, *node, "a tenant")) return;
    if (node->text == "gateway") {
        context_.report(
            Code::reserved_name, node->span,
            "a tenant cannot be called \"gateway\": counters that belong to no tenant are called so");
        return;
    }
    if (node->text.starts_with(underlay_prefix)) {
        context_.report(
            Code::reserved_name, node->span,
            fmt::format("a tenant cannot be called \"{}\": the routers of tunnel endpoints are called so",
                        node->text));
        return;
    }
    const auto [first, is_new] = tenant_names_.emplace(node->text, node->span);
    if (!is_new) {
        context_.report(Code::name_twice, node->span, fmt::format("there are two tenants \"{}\"", node->text))
            .note(first->second, "the first one");
        return;
    }
    context_.tenant(scope).name = node->text;
}

void Checker::check_tenants() {
    for (auto& scope : context_.tenants) {
        read_router(context_, scope);
        read_interfaces(context_, scope);
    }
    link_peers(context_);
    check_bindings(context_);
    for (auto& scope : context_.tenants) {
        read_addresses(context_, scope);
        read_services(context_, scope);
        read_routes(context_, scope);
        read_nat(context_, scope);
        read_firewall(context_, scope);
        check_transit(context_, scope);
        read_limits(context_, scope);
        read_timeouts(context_, scope);
        read_tests(context_, scope);
    }
    route_externals(context_);
    check_external_addresses(context_);
}

void Checker::lint() {
    // A tenant with errors is incomplete: what a lint says about it may be an error's echo.
    std::vector<bool> has_errors(result_.sources.size(), false);
    for (const auto& diagnostic : result_.diagnostics.all()) {
        const bool is_error = front::info(diagnostic.code).severity() == front::Severity::error;
        if (is_error && diagnostic.where.file != front::no_file) has_errors[diagnostic.where.file] = true;
    }
    if (has_errors[0]) return;
    for (const auto& scope : context_.tenants) {
        if (has_errors[scope.file]) continue;
        lint_unused_names(context_, scope);
        lint_routes(context_, scope);
        lint_nat(context_, scope);
        lint_shadowed_rules(context_, scope);
    }
}

}  // namespace

CheckResult check_policy(const std::string& path, const front::Files& files) {
    CheckResult result;
    policy::Policy policy;
    Checker(result, files, policy).run(path);
    result.diagnostics.sort();
    if (result.diagnostics.error_count() == 0) result.policy = std::move(policy);
    return result;
}

}  // namespace sluice::sema
