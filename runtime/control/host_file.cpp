// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/host_file.h"

#include <fmt/format.h>
#include <libfyaml.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>

namespace sluice {
namespace {

constexpr std::size_t longest_file_bytes = 1 << 20;
constexpr unsigned highest_core = 1023;
constexpr std::size_t longest_socket_path = 107;  // sockaddr_un::sun_path with its end

struct DiagnosticsFree {
    void operator()(fy_diag* diagnostics) const { fy_diag_destroy(diagnostics); }
};
struct DocumentFree {
    void operator()(fy_document* document) const { fy_document_destroy(document); }
};

std::string_view text_of(fy_node* node) {
    std::size_t length = 0;
    const char* text = fy_node_get_scalar(node, &length);
    return {text != nullptr ? text : "", text != nullptr ? length : 0};
}

const fy_mark* mark_of(fy_node* node) {
    fy_token* token = node != nullptr ? fy_node_get_scalar_token(node) : nullptr;
    return token != nullptr ? fy_token_start_mark(token) : nullptr;
}

class Reader {
  public:
    explicit Reader(const std::string& name) : name_(name) {}

    std::variant<HostFile, HostFileProblems> read(std::string_view text);

  private:
    /// One `key: value` of the file.
    struct Pair {
        fy_node* key;
        fy_node* value;
        /// Where a message about the value points: lists and mappings have no place of their own in libfyaml.
        fy_node* place() const { return fy_node_is_scalar(value) && mark_of(value) != nullptr ? value : key; }
    };
    using Handler = std::function<void(const Pair& pair)>;
    struct Key {
        std::string_view name;
        Handler handle;
    };

    void problem(fy_node* at, const std::string& text);
    void warning(fy_node* at, const std::string& text);
    std::string place(fy_node* node) const;
    void syntax_problems(fy_diag* diagnostics);
    /// Calls the handler of each key; unknown and repeated keys are problems.
    void mapping(const Pair& pair, std::string_view what, std::initializer_list<Key> keys);
    void pairs(const Pair& pair, std::string_view what, const Handler& handle);
    std::optional<std::string> scalar(const Pair& pair, std::string_view what);
    template <typename Value>
    void choice(const Pair& pair, std::string_view what,
                std::initializer_list<std::pair<std::string_view, Value>> choices, Value& value);

    void cores(const Pair& pair);
    void port(const Pair& pair);
    void control_socket(const Pair& pair);

    const std::string& name_;
    HostFile host_;
    HostFileProblems problems_;
};

std::string Reader::place(fy_node* node) const {
    const fy_mark* mark = mark_of(node);
    return mark == nullptr ? name_ : fmt::format("{}:{}:{}", name_, mark->line + 1, mark->column + 1);
}

void Reader::problem(fy_node* at, const std::string& text) {
    problems_.push_back(fmt::format("{}: {}", place(at), text));
}

void Reader::warning(fy_node* at, const std::string& text) {
    host_.warnings.push_back(fmt::format("{}: {}", place(at), text));
}

void Reader::syntax_problems(fy_diag* diagnostics) {
    void* position = nullptr;
    while (const fy_diag_error* error = fy_diag_errors_iterate(diagnostics, &position)) {
        problems_.push_back(fmt::format("{}:{}:{}: {}", name_, error->line, error->column, error->msg));
    }
    if (problems_.empty()) problems_.push_back(name_ + ": not a YAML document");
}

void Reader::pairs(const Pair& mapping_pair, std::string_view what, const Handler& handle) {
    fy_node* node = mapping_pair.value;
    if (!fy_node_is_mapping(node)) {
        return problem(mapping_pair.place(), fmt::format("{} must be a mapping (KEY: VALUE)", what));
    }
    std::vector<std::string_view> seen;
    void* position = nullptr;
    while (fy_node_pair* pair = fy_node_mapping_iterate(node, &position)) {
        fy_node* key = fy_node_pair_key(pair);
        const std::string_view name = text_of(key);
        if (std::ranges::find(seen, name) != seen.end()) {
            problem(key, fmt::format("\"{}\" stands here twice", name));
        } else {
            seen.push_back(name);
            handle({key, fy_node_pair_value(pair)});
        }
    }
}

void Reader::mapping(const Pair& mapping_pair, std::string_view what, std::initializer_list<Key> keys) {
    pairs(mapping_pair, what, [&](const Pair& pair) {
        const std::string_view name = text_of(pair.key);
        const auto* known = std::ranges::find(keys, name, &Key::name);
        if (known != keys.end()) return known->handle(pair);
        std::string names;
        for (const Key& candidate : keys) names += (names.empty() ? "" : ", ") + std::string(candidate.name);
        problem(pair.key, fmt::format("unknown key \"{}\"; {} has: {}", name, what, names));
    });
}

std::optional<std::string> Reader::scalar(const Pair& pair, std::string_view what) {
    if (fy_node_is_scalar(pair.value) && !text_of(pair.value).empty()) return std::string(text_of(pair.value));
    problem(pair.place(), fmt::format("{} must be a text", what));
    return std::nullopt;
}

template <typename Value>
void Reader::choice(const Pair& pair, std::string_view what,
                    std::initializer_list<std::pair<std::string_view, Value>> choices, Value& value) {
    const std::string_view text = fy_node_is_scalar(pair.value) ? text_of(pair.value) : std::string_view();
    std::string names;
    for (const auto& [name, meaning] : choices) {
        if (name == text) {
            value = meaning;
            return;
        }
        names += (names.empty() ? "" : ", ") + std::string(name);
    }
    problem(pair.place(), fmt::format("{} must be one of {}", what, names));
}

void Reader::cores(const Pair& pair) {
    if (!fy_node_is_sequence(pair.value) || fy_node_sequence_item_count(pair.value) == 0) {
        return problem(pair.place(), "cores must be a list of core numbers, such as [1]");
    }
    host_.cores.clear();
    void* position = nullptr;
    while (fy_node* item = fy_node_sequence_iterate(pair.value, &position)) {
        const std::string_view text = fy_node_is_scalar(item) ? text_of(item) : std::string_view();
        unsigned core = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), core);
        if (text.empty() || error != std::errc() || end != text.data() + text.size() || core > highest_core) {
            problem(item, fmt::format("\"{}\" is no core number", text));
        } else {
            host_.cores.push_back(core);
        }
    }
    if (fy_node_sequence_item_count(pair.value) > 1) {
        problem(pair.key, "this version runs one shard: name one core");
    }
}

void Reader::port(const Pair& port_pair) {
    HostPort port{.name = std::string(text_of(port_pair.key)), .device = {}, .pci = false};
    const std::string what = "port " + port.name;
    int devices = 0;
    const auto device = [&](bool pci) {
        return [&, pci](const Pair& pair) {
            ++devices;
            if (auto text = scalar(pair, pci ? "pci" : "vdev")) {
                port.device = *text;
                port.pci = pci;
            }
        };
    };
    const std::size_t problems_before = problems_.size();
    mapping(port_pair, what, {{"vdev", device(false)}, {"pci", device(true)}});
    if (problems_.size() != problems_before) return;
    if (devices != 1) {
        return problem(port_pair.key, what + " needs one device: vdev: \"ARGUMENTS\" or pci: \"ADDRESS\"");
    }
    for (const HostPort& other : host_.ports) {
        if (other.device_name() == port.device_name()) {
            return problem(port_pair.key, fmt::format("{} has the same device as port {}: {}", what, other.name,
                                                      port.device_name()));
        }
    }
    host_.ports.push_back(std::move(port));
}

void Reader::control_socket(const Pair& pair) {
    const auto path = scalar(pair, "socket");
    if (!path) return;
    if (path->front() != '/' || path->size() > longest_socket_path) {
        return problem(pair.place(),
                       fmt::format("socket must be an absolute path of at most {} bytes", longest_socket_path));
    }
    host_.control_socket = *path;
}

std::variant<HostFile, HostFileProblems> Reader::read(std::string_view text) {
    fy_diag_cfg quiet;
    fy_diag_cfg_default(&quiet);
    quiet.fp = nullptr;  // collected, not printed
    const std::unique_ptr<fy_diag, DiagnosticsFree> diagnostics(fy_diag_create(&quiet));
    fy_diag_set_collect_errors(diagnostics.get(), true);
    fy_parse_cfg settings{};
    // Duplicates are found here, so that they don't end the run at the first one.
    settings.flags = static_cast<fy_parse_cfg_flags>(FYPCF_QUIET | FYPCF_ALLOW_DUPLICATE_KEYS);
    settings.diag = diagnostics.get();
    const std::unique_ptr<fy_document, DocumentFree> document(
        fy_document_build_from_string(&settings, text.data(), text.size()));
    fy_node* root = document ? fy_document_root(document.get()) : nullptr;
    if (root == nullptr) {
        syntax_problems(diagnostics.get());
        return std::move(problems_);
    }

    const Handler hugepages = [&](const Pair& pair) {
        choice<Hugepages>(
            pair, "hugepages",
            {{"auto", Hugepages::automatic}, {"required", Hugepages::required}, {"off", Hugepages::off}},
            host_.hugepages);
    };
    const Handler polling = [&](const Pair& pair) {
        choice<Polling>(pair, "polling",
                        {{"auto", Polling::automatic}, {"busy", Polling::busy}, {"sleep", Polling::sleep}},
                        host_.polling);
    };
    const Handler socket = [&](const Pair& pair) { control_socket(pair); };
    const Handler metrics = [&](const Pair& pair) {
        warning(pair.place(), "control.metrics does nothing in this version: no metrics are served");
    };
    const Handler images = [&](const Pair& pair) {
        warning(pair.key,
                "images does nothing in this version: the image is the one named on the command line");
        const Handler accept = [](const Pair&) {};
        mapping(pair, "images", {{"directory", accept}, {"trust", accept}});
    };
    mapping(
        {nullptr, root}, "the host file",
        {{"cores", [&](const Pair& pair) { cores(pair); }},
         {"memory",
          [&](const Pair& pair) {
              mapping(pair, "memory", {{"hugepages", hugepages}});
          }},
         {"polling", polling},
         {"ports", [&](const Pair& pair) { pairs(pair, "ports", [&](const Pair& entry) { port(entry); }); }},
         {"control",
          [&](const Pair& pair) {
              mapping(pair, "control", {{"socket", socket}, {"metrics", metrics}});
          }},
         {"images", images}});
    if (problems_.empty() && host_.ports.empty())
        problem(root, "no ports: bind each port of the policy to a device");
    if (!problems_.empty()) return std::move(problems_);
    return std::move(host_);
}

}  // namespace

std::variant<HostFile, HostFileProblems> parse_host_file(std::string_view text, const std::string& name) {
    return Reader(name).read(text);
}

std::variant<HostFile, HostFileProblems> read_host_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file) return HostFileProblems{path + ": can't be read"};
    if (text.size() > longest_file_bytes) return HostFileProblems{path + ": longer than 1 MiB"};
    return parse_host_file(text, path);
}

}  // namespace sluice
