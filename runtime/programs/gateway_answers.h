// SPDX-License-Identifier: Apache-2.0
//
// What sluiced says over the control socket. answer() runs in the control server's thread, the work about
// images that it gives back in the worker's; what belongs to the packet thread is fetched through the mailbox
// in slices, and turned into JSON here.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "runtime/control/control_server.h"
#include "runtime/control/image_commands.h"
#include "runtime/control/live_image.h"
#include "runtime/control/mailbox.h"
#include "runtime/io/dpdk_port.h"
#include "runtime/programs/handover.h"
#include "runtime/shard/shard.h"

namespace sluice {

/// What does not change while the gateway runs.
struct GatewayFacts {
    std::string image_file;        // that it was started with
    std::string images_directory;  // of the store, where there is one
    std::vector<unsigned> cores;
    bool hugepages = false;
    bool cache = true;
    std::string telemetry_socket;  // of DPDK
    bool sleeps_when_idle = false;
    Time started = 0;
    StartKind start;
};

class GatewayAnswers {
  public:
    /// `image` is the one that runs, changed by `live` alone; `images` is null where the host file names no
    /// store.
    GatewayAnswers(GatewayFacts facts, const ImagePointer& image, const LiveImage& live, ImageCommands* images,
                   Shard& shard, const std::vector<std::unique_ptr<DpdkPort>>& ports, Mailbox& mailbox)
        : facts_(std::move(facts)),
          image_(image),
          live_(live),
          images_(images),
          shard_(shard),
          ports_(ports),
          mailbox_(mailbox) {}

    /// {"command": NAME} to {"ok": true, "result": ...} or {"ok": false, "error": TEXT, "exit": N}, where N is
    /// what the asking program ends with.
    ControlAnswer answer(const std::string& request);

  private:
    nlohmann::ordered_json look(const std::string& command);
    nlohmann::ordered_json work_on_images(const nlohmann::ordered_json& request);
    ImagePointer image() const;
    nlohmann::ordered_json status() const;
    nlohmann::ordered_json stats();
    nlohmann::ordered_json drops();
    nlohmann::ordered_json sessions();
    nlohmann::ordered_json neighbours();
    nlohmann::ordered_json flows();
    nlohmann::ordered_json trace(const nlohmann::ordered_json& request);
    // gateway_stations.cpp
    nlohmann::ordered_json station(const nlohmann::ordered_json& request);
    nlohmann::ordered_json stations();
    Counters fetch_counters(const Image& image);
    void on_packet_thread(const MailboxJob& job);

    GatewayFacts facts_;
    const ImagePointer& image_;  // read while live_.hold() is held
    const LiveImage& live_;
    ImageCommands* images_;
    Shard& shard_;  // touched by jobs only
    const std::vector<std::unique_ptr<DpdkPort>>& ports_;
    Mailbox& mailbox_;
};

}  // namespace sluice
