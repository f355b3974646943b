// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/host_file.h"

namespace sluice {
namespace {

HostFile good(std::string_view text) {
    const auto result = parse_host_file(text, "host.yaml");
    if (const auto* problems = std::get_if<HostFileProblems>(&result)) {
        for (const std::string& problem : *problems) ADD_FAILURE() << problem;
        return {};
    }
    return std::get<HostFile>(result);
}

std::vector<std::string> problems(std::string_view text) {
    const auto result = parse_host_file(text, "host.yaml");
    const auto* found = std::get_if<HostFileProblems>(&result);
    return found != nullptr ? *found : HostFileProblems{};
}

using Lines = std::vector<std::string>;

TEST(HostFile, ReadsEverythingItKnows) {
    const HostFile host = good(
        "cores: [3]\n"
        "memory: {hugepages: required}\n"
        "polling: busy\n"
        "ports:\n"
        "  access0: {pci: \"0000:3b:00.0\"}\n"
        "  uplink0: {vdev: \"net_af_packet0,iface=eth1\"}\n"
        "control: {socket: /tmp/control.sock}\n");
    EXPECT_EQ(host.cores, std::vector<unsigned>{3});
    EXPECT_EQ(host.hugepages, Hugepages::required);
    EXPECT_EQ(host.polling, Polling::busy);
    ASSERT_EQ(host.ports.size(), 2u);
    EXPECT_EQ(host.ports[0].name, "access0");
    EXPECT_TRUE(host.ports[0].pci);
    EXPECT_EQ(host.ports[1].device, "net_af_packet0,iface=eth1");
    EXPECT_EQ(host.ports[1].device_name(), "net_af_packet0");
    EXPECT_EQ(host.control_socket, "/tmp/control.sock");
    EXPECT_TRUE(host.warnings.empty());
}

TEST(HostFile, NeedsOnlyPorts) {
    const HostFile host = good("ports: {a: {vdev: net_null0}}\n");
    EXPECT_EQ(host.cores, std::vector<unsigned>{0});
    EXPECT_EQ(host.hugepages, Hugepages::automatic);
    EXPECT_EQ(host.control_socket, "/run/sluice/control.sock");
}

TEST(HostFile, NamesWhereMetricsAreServed) {
    const HostFile host = good(
        "ports: {a: {vdev: net_null0}}\n"
        "control: {metrics: 127.0.0.1:9180}\n");
    EXPECT_EQ(host.metrics_address, "127.0.0.1");
    EXPECT_EQ(host.metrics_port, 9180);
    const HostFile ipv6 = good("ports: {a: {vdev: net_null0}}\ncontrol: {metrics: \"[::1]:9180\"}\n");
    EXPECT_EQ(ipv6.metrics_address, "::1");
    EXPECT_EQ(good("ports: {a: {vdev: net_null0}}\n").metrics_address, "");
    for (const std::string wrong : {"9180", "127.0.0.1", "localhost:9180", "\"::1:9180\"", "\"[127.0.0.1]:1\"",
                                    "127.0.0.1:65536", "127.0.0.1:x", "\"127.0.0.1:\"", "[]"}) {
        EXPECT_THAT(problems("ports: {a: {vdev: net_null0}}\ncontrol: {metrics: " + wrong + "}\n"),
                    testing::ElementsAre(testing::HasSubstr(
                        "metrics must be ADDRESS:PORT, such as 127.0.0.1:9180 or \"[::1]:9180\"")))
            << wrong;
    }
}

TEST(HostFile, NamesTheStoreAndTheKeysItTrusts) {
    const HostFile host = good(
        "ports: {a: {vdev: net_null0}}\n"
        "images: {directory: /var/lib/sluice/images, trust: [/etc/sluice/keys/edge.pub, "
        "/etc/sluice/keys/other.pub]}\n");
    EXPECT_EQ(host.images_directory, "/var/lib/sluice/images");
    EXPECT_EQ(host.trusted_keys, (Lines{"/etc/sluice/keys/edge.pub", "/etc/sluice/keys/other.pub"}));
    EXPECT_TRUE(host.warnings.empty());
    EXPECT_EQ(
        good("ports: {a: {vdev: net_null0}}\nimages: {directory: /images}\n").warnings,
        (Lines{"host.yaml:2:1: images.trust names no key: whoever may use the control socket may push any "
               "image"}));
    EXPECT_EQ(problems("ports: {a: {vdev: net_null0}}\nimages: {directory: images, trust: [edge.pub]}\n"),
              (Lines{"host.yaml:2:21: directory must be an absolute path",
                     "host.yaml:2:37: a key file in trust must be an absolute path"}));
    EXPECT_EQ(problems("ports: {a: {vdev: net_null0}}\nimages: {trust: [/edge.pub]}\n"),
              (Lines{"host.yaml:2:1: images needs a directory"}));
}

TEST(HostFile, ReportsAllProblemsInTheOrderOfTheFile) {
    EXPECT_EQ(problems("cores: [one]\n"
                       "memory: {hugepages: maybe}\n"
                       "colour: blue\n"
                       "ports:\n"
                       "  access0: {vdev: net_null0, speed: 10}\n"
                       "  uplink0: {}\n"
                       "control: {socket: relative.sock}\n"),
              (Lines{"host.yaml:1:9: \"one\" is no core number",
                     "host.yaml:2:21: hugepages must be one of auto, required, off",
                     std::string("host.yaml:3:1: unknown key \"colour\"; the host file has: ") +
                         "cores, memory, polling, ports, control, images",
                     "host.yaml:5:30: unknown key \"speed\"; port access0 has: vdev, pci",
                     "host.yaml:6:3: port uplink0 needs one device: vdev: \"ARGUMENTS\" or pci: \"ADDRESS\"",
                     "host.yaml:7:19: socket must be an absolute path of at most 107 bytes"}));
}

TEST(HostFile, RefusesRepeatedKeysAndDevices) {
    EXPECT_EQ(problems("cores: [1]\n"
                       "cores: [2]\n"
                       "ports:\n"
                       "  a: {vdev: \"net_null0,copy=1\"}\n"
                       "  b: {vdev: net_null0}\n"),
              (Lines{"host.yaml:2:1: \"cores\" stands here twice",
                     "host.yaml:5:3: port b has the same device as port a: net_null0"}));
}

TEST(HostFile, RefusesSeveralCoresForNow) {
    EXPECT_EQ(problems("cores: [1, 2]\nports: {a: {vdev: net_null0}}\n"),
              (Lines{"host.yaml:1:1: this version runs one shard: name one core"}));
}

TEST(HostFile, RefusesAFileWithoutPorts) {
    EXPECT_EQ(problems("cores: [1]\n"),
              (Lines{"host.yaml: no ports: bind each port of the policy to a device"}));
}

TEST(HostFile, SurvivesWhatIsNoHostFile) {
    for (const std::string_view text :
         {"", "\n", "- a\n- b\n", "just text\n", "ports:\n", "ports: [a]\n", "a: [\n", "ports: {a: 1}\n",
          "ports: {a: {vdev: [x]}}\n", "cores:\nports: {}\n", "? [a]\n: b\n", "control: {socket: }\n",
          "\xff\xfe\n", "a: *b\n"}) {
        EXPECT_FALSE(problems(text).empty()) << text;
    }
}

TEST(HostFile, NamesTheLineOfASyntaxError) {
    const auto lines = problems("cores: [1]\nports: {a: {vdev: net_null0}\n");
    ASSERT_FALSE(lines.empty());
    EXPECT_THAT(lines.front(), testing::MatchesRegex("host\\.yaml:[23]:[0-9]+: .+"));
}

TEST(HostFile, SaysThatAFileCantBeRead) {
    const auto result = read_host_file("/nowhere/host.yaml");
    EXPECT_EQ(std::get<HostFileProblems>(result), (Lines{"/nowhere/host.yaml: can't be read"}));
}

}  // namespace
}  // namespace sluice
