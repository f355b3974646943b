// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/live_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

namespace sluice {
namespace {

const image::Port* find_port(const Image& image, std::string_view name) {
    for (const image::Port* port : *image.root().ports()) {
        if (port->name()->string_view() == name) return port;
    }
    return nullptr;
}

}  // namespace

std::optional<std::string> port_difference(const Image& running, const Image& next) {
    for (const image::Port* port : *next.root().ports()) {
        const std::string_view name = port->name()->string_view();
        const image::Port* open = find_port(running, name);
        if (open == nullptr) return fmt::format("its port {} is not open: devices are opened at a start", name);
        if (open->mtu() != port->mtu()) {
            return fmt::format("its port {} has an MTU of {}, the open one {}: devices are set up at a start",
                               name, port->mtu(), open->mtu());
        }
    }
    for (const image::Port* port : *running.root().ports()) {
        const std::string_view name = port->name()->string_view();
        if (find_port(next, name) == nullptr) {
            return fmt::format("it has no port {}, which is open: devices are closed at a restart", name);
        }
    }
    return std::nullopt;
}

std::optional<std::string> LiveImage::go_over_to(const Image& loaded) {
    if (auto difference = port_difference(*running_, loaded)) return difference;
    const std::string ending = "the gateway is shutting down";
    std::uint32_t forgotten = 0;
    if (!mailbox_.run([&] {
            forgotten = shard_.forgotten();
            return true;
        })) {
        return ending;
    }
    const ImagePointer next = loaded.follow(*running_, forgotten);
    if (!next) return "with those that vanished it has more than 65,534 ports, tenants or interfaces";
    const Shard::Activation activation = shard_.prepare(*next);
    if (next_comes_) next_comes_(next);
    const std::unique_lock nobody_looks(moving_);
    bool moved = false;
    if (!mailbox_.run([&] {
            moved = shard_.activate(*activation);
            return true;
        })) {
        return ending;
    }
    if (!moved) return "another image came first";
    if (wait_for_readers_) wait_for_readers_();
    running_ = next;  // and with it may go the one before
    return std::nullopt;
}

}  // namespace sluice
