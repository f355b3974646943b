// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/host_file.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

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

std::string text_of(const YAML::Node& node) {
    return node.IsScalar() ? node.Scalar() : std::string();
}

class Reader {
  public:
    explicit Reader(const std::string& name) : name_(name) {}

    std::variant<HostFile, HostFileProblems> read(std::string_view text);

  private:
    /// One `key: value` of the file.
    struct Pair {
        YAML::Node key;
        YAML::Node value;
        /// Where a message about the value points.
        const YAML::Node& place() const { return value.IsScalar() ? value : key; }
    };
    using Handler = std::function<void(const Pair& pair)>;
    struct Key {
        std::string_view name;
        Handler handle;
    };

    void problem(const YAML::Node& at, const std::string& text);
    void warning(const YAML::Node& at, const std::string& text);
    std::string place(const YAML::Mark& mark) const;
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
    void metrics(const Pair& pair);
    void trusted_keys(const Pair& pair);

    const std::string& name_;
    HostFile host_;
    HostFileProblems problems_;
};

std::string Reader::place(const YAML::Mark& mark) const {
    return mark.is_null() ? name_ : fmt::format("{}:{}:{}", name_, mark.line + 1, mark.column + 1);
}

void Reader::problem(const YAML::Node& at, const std::string& text) {
    problems_.push_back(fmt::format("{}: {}", place(at.Mark()), text));
}

void Reader::warning(const YAML::Node& at, const std::string& text) {
    host_.warnings.push_back(fmt::format("{}: {}", place(at.Mark()), text));
}

void Reader::pairs(const Pair& mapping_pair, std::string_view what, const Handler& handle) {
    if (!mapping_pair.value.IsMap()) {
        return problem(mapping_pair.place(), fmt::format("{} must be a mapping (KEY: VALUE)", what));
    }
    std::vector<std::string> seen;
    for (const auto& pair : mapping_pair.value) {
        const std::string name = text_of(pair.first);
        if (std::ranges::find(seen, name) != seen.end()) {
            problem(pair.first, fmt::format("\"{}\" stands here twice", name));
        } else {
            seen.push_back(name);
            handle({pair.first, pair.second});
        }
    }
}

void Reader::mapping(const Pair& mapping_pair, std::string_view what, std::initializer_list<Key> keys) {
    pairs(mapping_pair, what, [&](const Pair& pair) {
        const std::string name = text_of(pair.key);
        const auto* known = std::ranges::find(keys, name, &Key::name);
        if (known != keys.end()) return known->handle(pair);
        std::string names;
        for (const Key& candidate : keys) names += (names.empty() ? "" : ", ") + std::string(candidate.name);
        problem(pair.key, fmt::format("unknown key \"{}\"; {} has: {}", name, what, names));
    });
}

std::optional<std::string> Reader::scalar(const Pair& pair, std::string_view what) {
    if (std::string text = text_of(pair.value); !text.empty()) return text;
    problem(pair.place(), fmt::format("{} must be a text", what));
    return std::nullopt;
}

template <typename Value>
void Reader::choice(const Pair& pair, std::string_view what,
                    std::initializer_list<std::pair<std::string_view, Value>> choices, Value& value) {
    const std::string text = text_of(pair.value);
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
    if (!pair.value.IsSequence() || pair.value.size() == 0) {
        return problem(pair.place(), "cores must be a list of core numbers, such as [1]");
    }
    host_.cores.clear();
    for (const YAML::Node& item : pair.value) {
        const std::string text = text_of(item);
        unsigned core = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), core);
        if (text.empty() || error != std::errc() || end != text.data() + text.size() || core > highest_core) {
            problem(item, fmt::format("\"{}\" is no core number", text));
        } else {
            host_.cores.push_back(core);
        }
    }
    if (pair.value.size() > 1) {
        problem(pair.key, "this version runs one shard: name one core");
    }
}

void Reader::port(const Pair& port_pair) {
    HostPort port{.name = text_of(port_pair.key), .device = {}, .pci = false};
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

void Reader::metrics(const Pair& pair) {
    const std::string text = text_of(pair.value);
    const std::size_t colon = text.rfind(':');
    std::string address = text.substr(0, colon);
    const bool in_brackets = address.starts_with('[') && address.ends_with(']');
    if (in_brackets) address = address.substr(1, address.size() - 2);
    in6_addr binary{};
    const char* end = text.data() + text.size();
    const auto [parsed, error] = std::from_chars(
        end - (colon == std::string::npos ? 0 : text.size() - colon - 1), end, host_.metrics_port);
    if (inet_pton(in_brackets ? AF_INET6 : AF_INET, address.c_str(), &binary) != 1 || error != std::errc() ||
        parsed != end) {
        return problem(pair.place(), "metrics must be ADDRESS:PORT, such as 127.0.0.1:9180 or \"[::1]:9180\"");
    }
    host_.metrics_address = address;
}

void Reader::trusted_keys(const Pair& pair) {
    if (!pair.value.IsSequence()) {
        return problem(pair.place(), "trust must be a list of minisign public key files");
    }
    for (const YAML::Node& item : pair.value) {
        const std::string path = text_of(item);
        if (!path.starts_with('/')) {
            problem(item, "a key file in trust must be an absolute path");
        } else {
            host_.trusted_keys.push_back(path);
        }
    }
}

std::variant<HostFile, HostFileProblems> Reader::read(std::string_view text) {
    YAML::Node root;
    try {
        root = YAML::Load(std::string(text));
    } catch (const YAML::Exception& error) {
        return HostFileProblems{fmt::format("{}: {}", place(error.mark), error.msg)};
    }
    if (root.IsNull()) return HostFileProblems{name_ + ": not a YAML document"};

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
    const Handler directory = [&](const Pair& pair) {
        const auto path = scalar(pair, "directory");
        if (!path) return;
        if (!path->starts_with('/')) return problem(pair.place(), "directory must be an absolute path");
        host_.images_directory = *path;
    };
    const Handler trust = [&](const Pair& pair) { trusted_keys(pair); };
    const Handler images = [&](const Pair& pair) {
        const std::size_t problems_before = problems_.size();
        mapping(pair, "images", {{"directory", directory}, {"trust", trust}});
        if (problems_.size() != problems_before) return;
        if (host_.images_directory.empty()) return problem(pair.key, "images needs a directory");
        if (host_.trusted_keys.empty()) {
            warning(pair.key,
                    "images.trust names no key: whoever may use the control socket may push any image");
        }
    };
    mapping(
        {root, root}, "the host file",
        {{"cores", [&](const Pair& pair) { cores(pair); }},
         {"memory",
          [&](const Pair& pair) {
              mapping(pair, "memory", {{"hugepages", hugepages}});
          }},
         {"polling", polling},
         {"ports", [&](const Pair& pair) { pairs(pair, "ports", [&](const Pair& entry) { port(entry); }); }},
         {"control",
          [&](const Pair& pair) {
              mapping(pair, "control",
                      {{"socket", socket}, {"metrics", [&](const Pair& entry) { metrics(entry); }}});
          }},
         {"images", images}});
    if (problems_.empty() && host_.ports.empty())
        problems_.push_back(name_ + ": no ports: bind each port of the policy to a device");
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
