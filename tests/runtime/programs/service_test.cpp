// SPDX-License-Identifier: Apache-2.0
#include "runtime/programs/service.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>

#include "tests/replay/captures.h"

namespace sluice {
namespace {

/// Stands for systemd; the socket's name is in the environment while it lives.
class Systemd {
  public:
    Systemd() : socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = directory_ / "notify";
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        EXPECT_EQ(bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        setenv("NOTIFY_SOCKET", path.c_str(), 1);
        setenv("WATCHDOG_USEC", "40000", 1);
    }
    ~Systemd() {
        unsetenv("NOTIFY_SOCKET");
        unsetenv("WATCHDOG_USEC");
        close(socket_);
    }
    Systemd(const Systemd&) = delete;
    Systemd& operator=(const Systemd&) = delete;

    /// Empty where nothing comes in time.
    std::string receive(int milliseconds = 30'000) {
        pollfd waiting{socket_, POLLIN, 0};
        if (poll(&waiting, 1, milliseconds) != 1) return {};
        char text[1024];
        const ssize_t length = recv(socket_, text, sizeof text, 0);
        return {text, static_cast<std::size_t>(length)};
    }

  private:
    test::TemporaryDirectory directory_;
    int socket_;
};

/// Serves the mailbox as the packet thread does, unless it hangs.
class PacketThread {
  public:
    explicit PacketThread(Mailbox& mailbox)
        : thread_([this, &mailbox] {
              while (!stop_) {
                  if (!hangs_) mailbox.serve();
                  std::this_thread::yield();
              }
              mailbox.close();
          }) {}
    ~PacketThread() {
        stop_ = true;
        thread_.join();
    }
    PacketThread(const PacketThread&) = delete;
    PacketThread& operator=(const PacketThread&) = delete;

    void hang(bool hangs) { hangs_ = hangs; }

  private:
    std::atomic<bool> hangs_{true}, stop_{false};
    std::thread thread_;
};

TEST(ServiceNotifier, SaysThatItLivesOnlyWhileThePacketThreadTurns) {
    Systemd systemd;
    Mailbox mailbox;
    auto packets = std::make_unique<PacketThread>(mailbox);
    std::atomic<int> image{1};
    ServiceNotifier notifier(mailbox, [&] { return "image " + std::to_string(image); });
    EXPECT_EQ(systemd.receive(200), "") << "ready before a packet could have been served";
    packets->hang(false);
    EXPECT_EQ(systemd.receive(), "READY=1\nSTATUS=image 1\nWATCHDOG=1");
    EXPECT_EQ(systemd.receive(), "WATCHDOG=1");
    image = 2;
    std::string next = systemd.receive();
    if (next == "WATCHDOG=1") next = systemd.receive();
    EXPECT_EQ(next, "STATUS=image 2\nWATCHDOG=1");
    packets->hang(true);
    for (int signs = 0; systemd.receive(500) != ""; ++signs) ASSERT_LT(signs, 10) << "of life, from the dead";
    packets->hang(false);
    EXPECT_EQ(systemd.receive(), "WATCHDOG=1");
}

TEST(ServiceNotifier, SaysThatItEnds) {
    Systemd systemd;
    Mailbox mailbox;
    {
        const ServiceNotifier notifier(mailbox, [] { return std::string("up"); });
        const PacketThread ends_at_once(mailbox);
    }
    EXPECT_EQ(systemd.receive(), "STOPPING=1");
}

TEST(ServiceNotifier, DoesNothingWhereNobodyAsked) {
    Mailbox mailbox;
    const ServiceNotifier notifier(mailbox, [] {
        ADD_FAILURE() << "asked for its status";
        return std::string();
    });
}

}  // namespace
}  // namespace sluice
