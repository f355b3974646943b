// SPDX-License-Identifier: Apache-2.0
//
// retarget: a capture of another network becomes one that arrives at a port of our gateway (see rewrite.h).
#include <pcap/pcap.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/retarget/rewrite.h"

namespace {

using sluice::test::AddressMap;
using sluice::test::Retarget;

constexpr int exit_failed = 1, exit_usage = 2, exit_partly = 3;
constexpr const char* usage =
    "usage: retarget IN OUT --mac MAC [--vlan ID]... [--from PREFIX] [--to PREFIX]\n"
    "                [--map-source OLD=NEW]... [--map-destination OLD=NEW]... [--map OLD=NEW]... [--start "
    "SECONDS]\n"
    "  --vlan   replaces all tags; twice: 802.1ad outer, then 802.1Q; absent: untagged\n"
    "  --from, --to   only packets with this source, this destination\n"
    "  --map    both ways; prefixes of one length keep the host part\n"
    "  --start  the time of IN's first frame; the others follow as they did\n"
    "exit status: 0 done; 3 IN is not Ethernet or breaks off, what could be read was written\n";

[[noreturn]] void refuse(const std::string& why) {
    std::fprintf(stderr, "retarget: %s\n%s", why.c_str(), usage);
    std::exit(exit_usage);
}

sluice::Prefix prefix(std::string_view text) {
    if (const auto ip = sluice::parse_ip(text))
        return {ip->ip, static_cast<std::uint8_t>(sluice::address_bits(ip->family)), ip->family};
    const auto parsed = sluice::parse_prefix(text);
    if (!parsed) refuse("not a prefix: " + std::string(text));
    return {parsed->ip & sluice::prefix_mask(parsed->length), parsed->length, parsed->family};
}

AddressMap address_map(std::string_view text) {
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) refuse("not OLD=NEW: " + std::string(text));
    const AddressMap map{prefix(text.substr(0, equals)), prefix(text.substr(equals + 1))};
    if (map.from.family != map.to.family) refuse("both sides must be of one family: " + std::string(text));
    return map;
}

struct Options {
    std::string in, out;
    Retarget how;
    std::optional<std::int64_t> start_seconds;
};

Options parse(int argc, char** argv) {
    Options options;
    bool has_mac = false;
    int files = 0;
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (!name.starts_with("--")) {
            if (files == 2) refuse("too many files");
            (files++ == 0 ? options.in : options.out) = name;
            continue;
        }
        if (++i == argc) refuse(std::string(name) + " needs a value");
        const std::string_view value = argv[i];
        if (name == "--mac") {
            const auto mac = sluice::parse_mac(value);
            if (!mac) refuse("not a MAC address: " + std::string(value));
            options.how.gateway = *mac;
            has_mac = true;
        } else if (name == "--vlan") {
            options.how.vids.push_back(static_cast<std::uint16_t>(std::strtoul(argv[i], nullptr, 10) & 0xfff));
        } else if (name == "--from") {
            options.how.only_from = prefix(value);
        } else if (name == "--to") {
            options.how.only_to = prefix(value);
        } else if (name == "--map-source") {
            options.how.sources.push_back(address_map(value));
        } else if (name == "--map-destination") {
            options.how.destinations.push_back(address_map(value));
        } else if (name == "--map") {
            options.how.sources.push_back(address_map(value));
            options.how.destinations.push_back(address_map(value));
        } else if (name == "--start") {
            options.start_seconds = std::strtoll(argv[i], nullptr, 10);
        } else {
            refuse("unknown option " + std::string(name));
        }
    }
    if (files != 2 || !has_mac) refuse("IN, OUT and --mac are needed");
    return options;
}

struct Close {
    void operator()(pcap_t* capture) const { pcap_close(capture); }
    void operator()(pcap_dumper_t* dumper) const { pcap_dump_close(dumper); }
};

}  // namespace

int main(int argc, char** argv) {
    const Options options = parse(argc, argv);
    char error[PCAP_ERRBUF_SIZE] = {};
    constexpr int most_captured = 262144;
    const std::unique_ptr<pcap_t, Close> format(
        pcap_open_dead_with_tstamp_precision(DLT_EN10MB, most_captured, PCAP_TSTAMP_PRECISION_NANO));
    const std::unique_ptr<pcap_dumper_t, Close> out(pcap_dump_open(format.get(), options.out.c_str()));
    if (!out) {
        std::fprintf(stderr, "retarget: %s\n", pcap_geterr(format.get()));
        return exit_failed;
    }
    const std::unique_ptr<pcap_t, Close> in(
        pcap_open_offline_with_tstamp_precision(options.in.c_str(), PCAP_TSTAMP_PRECISION_NANO, error));
    if (!in) {
        std::fprintf(stderr, "retarget: %s: %s\n", options.in.c_str(), error);
        return exit_partly;
    }
    if (pcap_datalink(in.get()) != DLT_EN10MB) {
        std::fprintf(stderr, "retarget: %s: link type %d is not Ethernet\n", options.in.c_str(),
                     pcap_datalink(in.get()));
        return exit_partly;
    }

    pcap_pkthdr* header = nullptr;
    const u_char* bytes = nullptr;
    std::optional<std::int64_t> shift_seconds;
    int result = 0;
    while ((result = pcap_next_ex(in.get(), &header, &bytes)) == 1) {
        if (!shift_seconds)
            shift_seconds = options.start_seconds ? *options.start_seconds - header->ts.tv_sec : 0;
        const auto frame = sluice::test::retarget(options.how, {bytes, header->caplen});
        if (!frame) continue;
        pcap_pkthdr written = *header;
        written.ts.tv_sec += *shift_seconds;
        written.caplen = static_cast<bpf_u_int32>(frame->size());
        // What was not captured stays uncaptured.
        written.len = written.caplen + (header->len > header->caplen ? header->len - header->caplen : 0);
        pcap_dump(reinterpret_cast<u_char*>(out.get()), &written, frame->data());
    }
    if (pcap_dump_flush(out.get()) != 0) {
        std::fprintf(stderr, "retarget: %s: could not be written\n", options.out.c_str());
        return exit_failed;
    }
    if (result == PCAP_ERROR) {
        std::fprintf(stderr, "retarget: %s: %s\n", options.in.c_str(), pcap_geterr(in.get()));
        return exit_partly;
    }
    return 0;
}
