// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/control_server.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <ctime>
#include <filesystem>
#include <future>
#include <mutex>
#include <thread>

#include "runtime/control/control_client.h"
#include "tests/replay/captures.h"

namespace sluice {
namespace {

constexpr std::chrono::seconds patience{30};

class Connection {
  public:
    explicit Connection(
        const std::string& path, const std::function<void()>& before_connecting = [] {})
        : socket_(socket(AF_UNIX, SOCK_STREAM, 0)) {
        before_connecting();
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        connected_ = connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }
    ~Connection() { close(socket_); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    bool connected() const { return connected_; }
    bool send_text(const std::string& text) {
        return send(socket_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
    }
    /// What comes until `lines` lines are there or the other end closes.
    std::string receive(std::size_t lines) {
        std::string text;
        char byte = 0;
        while (lines > 0 && recv(socket_, &byte, 1, 0) == 1) {
            text += byte;
            if (byte == '\n') --lines;
        }
        return text;
    }

  private:
    int socket_;
    bool connected_ = false;
};

class ControlServerTest : public testing::Test {
  protected:
    std::string ask(const std::string& request) {
        const auto answer = ask_gateway(path_, request, patience);
        const auto* unreachable = std::get_if<ControlUnreachable>(&answer);
        return unreachable != nullptr ? "unreachable: " + unreachable->reason : std::get<std::string>(answer);
    }
    static std::string echo(const std::string& request) { return "<" + request + ">"; }

    test::TemporaryDirectory directory_;
    std::string path_ = directory_ / "run/control.sock";
};

TEST_F(ControlServerTest, AnswersALineWithALine) {
    ControlSocket socket(path_);
    ControlServer server(socket, echo, [](const std::string&) {});
    EXPECT_EQ(ask("one"), "<one>");
    EXPECT_EQ(ask("two"), "<two>");
}

TEST_F(ControlServerTest, AnswersSeveralRequestsOfOneConnectionInOrder) {
    ControlSocket socket(path_);
    ControlServer server(socket, echo, [](const std::string&) {});
    Connection connection(path_);
    ASSERT_TRUE(connection.send_text("a\nb\nc\n"));
    EXPECT_EQ(connection.receive(3), "<a>\n<b>\n<c>\n");
}

TEST_F(ControlServerTest, SendsAnswersLongerThanTheSocketBuffer) {
    ControlSocket socket(path_);
    const std::string longest(8 << 20, 'x');
    ControlServer server(
        socket, [&](const std::string&) { return longest; }, [](const std::string&) {});
    EXPECT_EQ(ask("all").size(), longest.size());
}

TEST_F(ControlServerTest, TheSocketIsForOwnerAndGroup) {
    const ControlSocket socket(path_);
    struct stat status {};
    ASSERT_EQ(stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0660u);
}

TEST_F(ControlServerTest, LogsWhoConnects) {
    ControlSocket socket(path_);
    std::mutex mutex;
    std::vector<std::string> lines;
    {
        ControlServer server(socket, echo, [&](const std::string& line) {
            const std::lock_guard lock(mutex);
            lines.push_back(line);
        });
        ask("one");
    }
    EXPECT_EQ(lines, (std::vector<std::string>{"control connection from process " + std::to_string(getpid()) +
                                               ", user " + std::to_string(getuid()) + ", group " +
                                               std::to_string(getgid())}));
}

TEST_F(ControlServerTest, CutsOffARequestWithoutEnd) {
    ControlSocket socket(path_);
    std::vector<std::string> lines;
    {
        ControlServer server(socket, echo, [&](const std::string& line) { lines.push_back(line); });
        Connection hostile(path_);
        const std::string noise(4096, 'x');
        for (int i = 0; i < 64 && hostile.send_text(noise); ++i) continue;
        EXPECT_EQ(hostile.receive(1), "");
        EXPECT_EQ(ask("still there"), "<still there>");
    }
    EXPECT_THAT(lines, testing::Contains("control connection closed: a request longer than 64 KiB"));
}

TEST_F(ControlServerTest, SilentClientsHoldUpNoOne) {
    ControlSocket socket(path_);
    ControlServer server(socket, echo, [](const std::string&) {});
    const Connection silent_one(path_), silent_two(path_);
    Connection half(path_);
    ASSERT_TRUE(half.send_text("half a requ"));
    EXPECT_EQ(ask("one"), "<one>");
}

TEST_F(ControlServerTest, WorkThatTakesLongHoldsUpNoOneElse) {
    ControlSocket socket(path_);
    std::promise<void> verified;
    const std::shared_future<void> is_verified = verified.get_future();
    std::atomic<int> ticks{0};
    ControlServer server(
        socket,
        [&](const std::string& request) -> ControlAnswer {
            if (request != "activate") return echo(request);
            return [is_verified] {
                is_verified.wait();
                return std::string("active");
            };
        },
        [](const std::string&) {}, [&] { ++ticks; });
    Connection waiting(path_);
    ASSERT_TRUE(waiting.send_text("activate\nstatus\n"));
    EXPECT_EQ(ask("status"), "<status>");
    {
        Connection gone(path_);  // its work is done all the same
        ASSERT_TRUE(gone.send_text("activate\n"));
    }
    verified.set_value();
    EXPECT_EQ(waiting.receive(2), "active\n<status>\n");
    EXPECT_GT(ticks, 0) << "after the work, before its answer";
}

TEST_F(ControlServerTest, WaitsForDescriptorsWithoutSpinning) {
    ControlSocket socket(path_);
    std::mutex mutex;
    std::vector<std::string> lines;
    ControlServer server(
        socket, [](const std::string& request) -> ControlAnswer { return [request] { return echo(request); }; },
        [&](const std::string& line) {
            const std::lock_guard lock(mutex);
            lines.push_back(line);
        });
    // Both threads have begun: sanitizers need descriptors to look at what is new to them.
    EXPECT_EQ(ask("begun"), "<begun>");
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    Connection connection(path_, [&] {
        const int lowest_free = open("/dev/null", O_RDONLY | O_CLOEXEC);
        close(lowest_free);
        rlimit none = before;
        none.rlim_cur = static_cast<rlim_t>(lowest_free);
        setrlimit(RLIMIT_NOFILE, &none);
    });
    EXPECT_TRUE(connection.connected());
    const std::clock_t began = std::clock();
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    const double busy_seconds = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
    setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_LT(busy_seconds, 0.1);
    ASSERT_TRUE(connection.send_text("one\n"));
    EXPECT_EQ(connection.receive(1), "<one>\n");
    const std::lock_guard lock(mutex);
    EXPECT_THAT(lines, testing::Contains("control connections wait: Too many open files"));
}

TEST_F(ControlServerTest, ASecondGatewayIsRefusedAndToldWhy) {
    const ControlSocket first(path_);
    try {
        const ControlSocket second(path_);
        FAIL() << "two on one socket";
    } catch (const std::runtime_error& error) {
        EXPECT_EQ(error.what(), "another gateway (process " + std::to_string(getpid()) +
                                    ") has the control socket " + path_ +
                                    ": stop it, or give this one another control.socket in the host file");
    }
}

TEST_F(ControlServerTest, AStaleSocketIsReplaced) {
    {
        ControlSocket socket(path_);
        // What a killed process leaves: the file, without anybody listening.
        std::filesystem::rename(path_, path_ + ".old");
    }
    std::filesystem::rename(path_ + ".old", path_);
    ControlSocket socket(path_);
    ControlServer server(socket, echo, [](const std::string&) {});
    EXPECT_EQ(ask("one"), "<one>");
}

TEST_F(ControlServerTest, AFileOfSomebodyElseIsLeftAlone) {
    test::write_text(path_, "precious");
    EXPECT_THROW(ControlSocket{path_}, std::runtime_error);
    EXPECT_EQ(test::read_text(path_), "precious");
}

TEST_F(ControlServerTest, LeavesNothingBehind) {
    { const ControlSocket socket(path_); }
    EXPECT_TRUE(std::filesystem::is_empty(directory_ / "run"));
}

TEST_F(ControlServerTest, TheClientSaysThatNobodyListensOrAnswers) {
    EXPECT_EQ(ask("one"), "unreachable: " + path_ + ": No such file or directory");
    const ControlSocket socket(path_);  // and no server
    const auto answer = ask_gateway(path_, "one", std::chrono::milliseconds(50));
    EXPECT_EQ(std::get<ControlUnreachable>(answer).reason, path_ + ": the gateway did not answer in time");
}

}  // namespace
}  // namespace sluice
