// SPDX-License-Identifier: Apache-2.0
#include "runtime/programs/sluiced.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <sys/random.h>

#include <algorithm>
#include <csignal>
#include <stdexcept>

#include "runtime/control/control_server.h"
#include "runtime/control/exit_codes.h"
#include "runtime/control/host_file.h"
#include "runtime/io/dpdk_frames.h"
#include "runtime/programs/dpdk_telemetry.h"
#include "runtime/programs/event_log.h"
#include "runtime/programs/gateway_answers.h"
#include "runtime/programs/gateway_metrics.h"
#include "runtime/programs/handover.h"
#include "runtime/programs/image_log.h"
#include "runtime/programs/image_source.h"
#include "runtime/programs/link_watch.h"
#include "runtime/programs/log.h"
#include "runtime/programs/metrics_server.h"
#include "runtime/programs/packet_loop.h"
#include "runtime/programs/pool_watch.h"
#include "runtime/programs/service.h"
#include "schemas/layout/hexadecimal.h"

namespace sluice {
namespace {

std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set by a signal handler");

extern "C" void request_stop(int) {
    stop_requested.store(true, std::memory_order_relaxed);
}

void catch_signals() {
    struct sigaction action {};
    action.sa_handler = request_stop;
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, nullptr);
}

cpu_set_t own_cores() {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    pthread_getaffinity_np(pthread_self(), sizeof cores, &cores);
    return cores;
}

/// For its lifetime the calling thread, and so the threads it starts, may run on `cores`.
class OnCores {
  public:
    explicit OnCores(const cpu_set_t& cores) : before_(own_cores()) {
        pthread_setaffinity_np(pthread_self(), sizeof cores, &cores);
    }
    ~OnCores() { pthread_setaffinity_np(pthread_self(), sizeof before_, &before_); }
    OnCores(const OnCores&) = delete;
    OnCores& operator=(const OnCores&) = delete;

  private:
    cpu_set_t before_;
};

/// Unpredictable, so that nobody can aim at hash buckets or guess NAT ports.
std::uint64_t random_seed() {
    std::uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        throw std::runtime_error("the kernel gives no random numbers");
    return seed;
}

/// The host file's ports in the order of the image.
std::vector<HostPort> bind_ports(const Image& image, const HostFile& host) {
    std::vector<HostPort> bound;
    for (const std::string_view name : image.port_names()) {
        const auto found = std::ranges::find(host.ports, name, &HostPort::name);
        if (found == host.ports.end()) {
            throw std::runtime_error(
                fmt::format("the image has a port {} and the host file binds no device to it", name));
        }
        bound.push_back(*found);
    }
    for (const HostPort& port : host.ports) {
        if (std::ranges::find(image.port_names(), port.name) == image.port_names().end()) {
            log_warning(
                fmt::format("port {} of the host file is not in the image and stays unused", port.name));
        }
    }
    return bound;
}

/// By slot.
std::uint16_t mtu_of(const Image& image, std::size_t port) {
    return image.root().ports()->Get(image.port_slots().position(static_cast<std::uint32_t>(port)))->mtu();
}

EnvironmentSettings environment_settings(const Image& image, const HostFile& host,
                                         std::vector<HostPort> devices) {
    constexpr unsigned layer2_bytes = 14 + 2 * 4;  // Ethernet header and two tags
    constexpr unsigned frames_a_port = 4096;       // both queues full, a burst in work, some held
    EnvironmentSettings settings;
    settings.cores = host.cores;
    settings.hugepages = host.hugepages;
    settings.telemetry = true;
    for (std::size_t port = 0; port < devices.size(); ++port) {
        settings.longest_frame_bytes =
            std::max(settings.longest_frame_bytes, mtu_of(image, port) + layer2_bytes);
    }
    settings.frames = std::max(settings.frames, static_cast<unsigned>(devices.size()) * frames_a_port - 1);
    settings.devices = std::move(devices);
    return settings;
}

// Where the packet thread has all cores but one or less, spinning takes time from whoever makes or takes the
// packets: on two cores with client and server beside it, sleeping gave 1.2 against 0.8 Gbit/s of TCP.
WhenIdle when_idle(const HostFile& host, const cpu_set_t& all_cores) {
    if (host.polling == Polling::automatic) {
        const auto cores = static_cast<std::size_t>(CPU_COUNT(&all_cores));
        return cores <= host.cores.size() + 1 ? WhenIdle::sleep : WhenIdle::spin;
    }
    return host.polling == Polling::sleep ? WhenIdle::sleep : WhenIdle::spin;
}

void run_gateway(const DaemonOptions& options, const HostFile& host, ControlSocket& socket,
                 const ImageSource& source) {
    Handover handover(host.control_socket, source, options.warm);
    // Before the shard, which reads the image that runs to its end.
    ImagePointer running = handover.image();
    const Image& image = *running;
    const std::vector<HostPort> devices = bind_ports(image, host);
    const cpu_set_t all_cores = own_cores();
    const WhenIdle idle = when_idle(host, all_cores);
    const Environment environment(environment_settings(image, host, devices));
    DpdkFrames frames(environment.pool(), environment.longest_frame());
    ShardSettings settings;
    settings.seed = handover.seed().value_or(random_seed());
    if (!options.cache) settings.cache = CacheTiers::none;
    Shard shard(image, settings, frames);
    std::vector<std::unique_ptr<DpdkPort>> ports;
    std::vector<std::string> warnings;
    for (std::size_t port = 0; port < devices.size(); ++port) {
        ports.push_back(std::make_unique<DpdkPort>(environment, devices[port], static_cast<std::uint16_t>(port),
                                                   mtu_of(image, port), warnings));
    }
    for (const std::string& warning : warnings) log_warning(warning);

    running = handover.resume(shard);  // no `image` from here on
    Mailbox mailbox;
    BurstWatch watch;
    std::unique_ptr<EventLog> event_log;
    Quiescence quiescence(1);
    LiveImage live(
        running, shard, mailbox, [&](const ImagePointer& next) { event_log->follow(next); },
        [&] { quiescence.wait(); });
    Shadow shadow(shard, mailbox, watch, [&] {
        const auto held = live.hold();
        return running;
    });
    std::unique_ptr<Lifecycle> lifecycle;
    std::unique_ptr<ImageCommands> commands;
    if (source.store) {
        lifecycle = std::make_unique<Lifecycle>(
            *source.store, source.first, [&](const ImagePointer& next) { return live.go_over_to(*next); },
            log_image_event);
        commands = std::make_unique<ImageCommands>(
            *source.store, *lifecycle, Lifecycle::Now{PacketLoop::now(), wall_seconds()},
            [&] { return std::make_unique<ShardHealth>(shard, mailbox, watch); }, &shadow);
    }
    GatewayAnswers answers({.image_file = source.file,
                            .images_directory = host.images_directory,
                            .cores = host.cores,
                            .hugepages = environment.hugepages(),
                            .cache = options.cache,
                            .telemetry_socket = environment.runtime_folder() + "/dpdk_telemetry.v2",
                            .sleeps_when_idle = idle == WhenIdle::sleep,
                            .started = PacketLoop::now(),
                            .start = handover.start_kind(PacketLoop::now())},
                           running, live, commands.get(), shard, ports, mailbox);
    std::unique_ptr<GatewayMetrics> metrics;
    std::unique_ptr<DpdkTelemetry> telemetry;
    std::unique_ptr<MetricsServer> metrics_server;
    std::unique_ptr<ServiceNotifier> notifier;
    std::unique_ptr<ControlServer> server;
    std::unique_ptr<LinkWatch> link_watch;
    std::unique_ptr<PoolWatch> pool_watch;
    {
        // DPDK has bound this thread to the packet core: no other thread may share it.
        const OnCores everywhere(all_cores);
        event_log = std::make_unique<EventLog>(running);
        metrics = std::make_unique<GatewayMetrics>(running, live, commands.get(), shard, ports, *event_log);
        telemetry = std::make_unique<DpdkTelemetry>(*metrics);
        if (!host.metrics_address.empty()) {
            metrics_server = std::make_unique<MetricsServer>(
                host.metrics_address, host.metrics_port,
                [metrics = metrics.get()] { return prometheus_text(metrics->collect()); });
            log_info("metrics at " + metrics_server->url());
        }
        server = std::make_unique<ControlServer>(
            socket, [&](const std::string& request) { return answers.answer(request); }, log_info,
            [&] {
                if (commands) commands->tick({PacketLoop::now(), wall_seconds()});
            });
        link_watch = std::make_unique<LinkWatch>(shard, ports, mailbox);
        pool_watch = std::make_unique<PoolWatch>([&] {
            const auto held = live.hold();
            return pools_of(*running, shard);
        });
        notifier = std::make_unique<ServiceNotifier>(mailbox, [&] {
            const bool pending = commands && commands->shown().pending;
            const auto held = live.hold();
            return fmt::format("gateway {}, image {}{}", running->gateway(),
                               hexadecimal(running->digest()).substr(0, 12),
                               pending ? ", not confirmed yet" : "");
        });
    }
    log_info(fmt::format("gateway {} is up: core {}, {}, control socket {}", source.first.image->gateway(),
                         host.cores.front(), environment.hugepages() ? "hugepages" : "no hugepages",
                         host.control_socket));
    log_start(handover.start_kind(PacketLoop::now()));
    PacketLoop(shard, ports, mailbox, watch, *event_log, quiescence, idle).run(stop_requested);
    notifier.reset();
    link_watch.reset();
    pool_watch.reset();
    server.reset();
    metrics_server.reset();
    telemetry.reset();
    handover.leave(shard);
    log_info("stopped");
}

}  // namespace

int run_daemon(const DaemonOptions& options) {
    catch_signals();
    const auto host = read_host_file(options.host_file);
    if (const auto* problems = std::get_if<HostFileProblems>(&host)) {
        for (const std::string& problem : *problems) log_error(problem);
        return exit_failed;
    }
    for (const std::string& warning : std::get<HostFile>(host).warnings) log_warning(warning);
    try {
        // First: whoever comes second must touch neither devices nor images.
        ControlSocket socket(std::get<HostFile>(host).control_socket);
        const auto source = open_image_source(std::get<HostFile>(host), options.image_file);
        if (const auto* refused = std::get_if<StartRefused>(&source)) {
            log_error(refused->text);
            return refused->exit_code;
        }
        run_gateway(options, std::get<HostFile>(host), socket, std::get<ImageSource>(source));
        return exit_done;
    } catch (const std::exception& error) {
        log_error(error.what());
        return exit_failed;
    }
}

}  // namespace sluice
