// SPDX-License-Identifier: Apache-2.0
//
// sluiced among the programs that look after services: systemd (a socket that stands for it, a stream that
// stands for the journal) and whoever reads DPDK's telemetry.
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "tests/live/sluiced_process.h"

namespace sluice {
namespace {

using nlohmann::json;

/// A Unix socket that waits half a minute at most.
class PatientSocket {
  public:
    explicit PatientSocket(int type) : socket_(socket(AF_UNIX, type | SOCK_CLOEXEC, 0)) {
        const timeval patience{30, 0};
        setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    ~PatientSocket() { close(socket_); }
    PatientSocket(const PatientSocket&) = delete;
    PatientSocket& operator=(const PatientSocket&) = delete;

    bool listen_at(const std::string& path) {
        const sockaddr_un address = address_of(path);
        return bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }
    bool connect_to(const std::string& path) {
        const sockaddr_un address = address_of(path);
        return connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }
    void send_text(const std::string& text) { send(socket_, text.data(), text.size(), MSG_NOSIGNAL); }
    std::string receive() {
        std::string text(1 << 16, '\0');
        const ssize_t length = recv(socket_, text.data(), text.size(), 0);
        text.resize(static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
        return text;
    }

  private:
    static sockaddr_un address_of(const std::string& path) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        return address;
    }
    int socket_;
};

class SluicedService : public test::SluicedProcess {
  protected:
    json telemetry(PatientSocket& socket, const std::string& request) {
        socket.send_text(request);
        return json::parse(socket.receive(), nullptr, false)[request.substr(0, request.find(','))];
    }
    static std::uint64_t value_of(const json& rows, const std::string& metric, const json& labels) {
        for (json row : rows) {
            const std::uint64_t value = row["value"];
            if (row["metric"] != metric) continue;
            row.erase("value");
            row.erase("metric");
            if (row == labels) return value;
        }
        ADD_FAILURE() << metric << labels << " is not among " << rows;
        return 0;
    }
};

TEST_F(SluicedService, AnswersOverDpdksTelemetrySocket) {
    const auto gateway = start_gateway();
    wait_until([&] { return answer("stats")["rx"]["packets"] == 41; });
    PatientSocket socket(SOCK_SEQPACKET);
    ASSERT_TRUE(socket.connect_to(answer("status")["telemetry_socket"])) << log();
    EXPECT_EQ(json::parse(socket.receive())["pid"], gateway->id());
    const json status = telemetry(socket, "/sluice/status");
    EXPECT_EQ(status["sluice_image_swaps_total"], 0);
    EXPECT_GT(status["sluice_start_time_seconds"], 1'700'000'000);
    const json stats = telemetry(socket, "/sluice/stats");
    EXPECT_EQ(stats["sluice_port_receive_packets_total"], 41);
    EXPECT_EQ(stats["sluice_port_transmit_packets_total"], 40);
    EXPECT_EQ(stats["sluice_dropped_packets_total"], 1);
    EXPECT_EQ(value_of(telemetry(socket, "/sluice/stats,sluice_dropped_packets_total"),
                       "sluice_dropped_packets_total",
                       {{"shard", "0"}, {"tenant", "blue"}, {"stage", "sr"}, {"reason", "FW_DENY"}}),
              1u);
    EXPECT_EQ(telemetry(socket, "/sluice/tenants"), json({"blue"}));
    EXPECT_EQ(value_of(telemetry(socket, "/sluice/tenants,blue"), "sluice_tenant_receive_packets_total",
                       {{"shard", "0"}, {"tenant", "blue"}}),
              41u);
    EXPECT_TRUE(telemetry(socket, "/sluice/tenants,nobody").is_null());
    EXPECT_TRUE(telemetry(socket, "/sluice/stats,sluice_nothing").is_null());
}

TEST_F(SluicedService, TellsSystemdWhenItServesThatItLivesAndThatItEnds) {
    const std::string path = directory_ / "notify";
    PatientSocket systemd(SOCK_DGRAM);
    ASSERT_TRUE(systemd.listen_at(path));
    const auto gateway = start_gateway({"/usr/bin/env", "NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=400000",
                                        SLUICED_PROGRAM, "--host", host_, image_});
    const std::string digest = answer("status")["image"]["digest"];
    EXPECT_EQ(systemd.receive(),
              "READY=1\nSTATUS=gateway edge, image " + digest.substr(0, 12) + "\nWATCHDOG=1");
    for (int sign = 0; sign < 3; ++sign) EXPECT_EQ(systemd.receive(), "WATCHDOG=1");
    gateway->signal(SIGTERM);
    EXPECT_EQ(gateway->wait(), 0);
    std::string last;
    while (last != "STOPPING=1") {
        last = systemd.receive();
        ASSERT_TRUE(last == "WATCHDOG=1" || last == "STOPPING=1") << last;
    }
}

TEST_F(SluicedService, LogsForTheJournalWhereThatListens) {
    const std::string command = std::string(SLUICED_PROGRAM) + " --host /absent.yaml";
    const std::string stream = "JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) ";
    EXPECT_EQ(test::run_program({"/bin/sh", "-c", stream + command}).err, "<3>/absent.yaml: can't be read\n");
    const std::string of_another = "JOURNAL_STREAM=1:2 ";
    for (const std::string& before : {std::string(), of_another}) {
        EXPECT_THAT(test::run_program({"/bin/sh", "-c", before + command}).err,
                    testing::MatchesRegex("....-..-..T.* error /absent.yaml: can't be read\n"));
    }
}

class SluicedJournal : public SluicedService {
  protected:
    void SetUp() override {
        if (test::run_program({"/usr/bin/unshare", "-m", "true"}).exit_code != 0)
            GTEST_SKIP() << "no mount namespaces";
        more_of_host_file_ = "images: {directory: " + (directory_ / "images").string() + "}\n";
        SluicedService::SetUp();
    }
    /// The journal's own socket has a fixed place: only a mount namespace can put another one there.
    std::unique_ptr<test::ChildProcess> start_with_journal(PatientSocket& journal) {
        EXPECT_TRUE(journal.listen_at(directory_ / "journal"));
        const std::string script =
            "mount --make-rprivate / && mount -t tmpfs none /run && mkdir -p /run/systemd/journal && "
            "touch /run/systemd/journal/socket && mount --bind " +
            (directory_ / "journal").string() +
            " /run/systemd/journal/socket && JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec " +
            SLUICED_PROGRAM + " --host " + host_ + " " + image_;
        return start_gateway({"/usr/bin/unshare", "-m", "/bin/sh", "-c", script});
    }
};

TEST_F(SluicedJournal, HearsWhatBecomesOfImagesFieldByField) {
    PatientSocket journal(SOCK_DGRAM);
    const auto gateway = start_with_journal(journal);
    const auto control = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {SLUICECTL_PROGRAM, "--socket", socket_});
        EXPECT_EQ(test::run_program(arguments).exit_code, 0);
    };
    const std::string digest = answer("status")["image"]["digest"];
    control({"push", image_});
    control({"activate", "--confirm-within", "1s"});
    EXPECT_EQ(journal.receive(),
              "MESSAGE=image " + digest + " is active for 1 s; unless it is confirmed, image " + digest +
                  " (started from a file) comes back\nPRIORITY=6\n" +
                  "SYSLOG_IDENTIFIER=sluiced\nSLUICE_EVENT=IMAGE_ACTIVATED\nSLUICE_IMAGE=" + digest + "\n");
    EXPECT_THAT(journal.receive(),
                testing::EndsWith(": not confirmed in time\nPRIORITY=4\nSYSLOG_IDENTIFIER=sluiced\n"
                                  "SLUICE_EVENT=IMAGE_RETURNED\nSLUICE_IMAGE=" +
                                  digest + "\nSLUICE_REASON=NOT_CONFIRMED\n"));
}

TEST_F(SluicedJournal, HearsWhatRulesDecidedFieldByField) {
    std::string policy = test::read_text(directory_ / "policy/blue.yaml");
    policy.replace(policy.find("action: drop"), 12, "action: drop, log: true");
    test::write_text(directory_ / "policy/blue.yaml", policy);
    build_image(image_);
    PatientSocket journal(SOCK_DGRAM);
    const auto gateway = start_with_journal(journal);
    EXPECT_EQ(journal.receive(),
              "MESSAGE=rule blue/no-mail drop: tcp 10.1.1.5:5000 > 198.18.0.9:25\nPRIORITY=6\n"
              "SYSLOG_IDENTIFIER=sluiced\nSLUICE_TENANT=blue\nSLUICE_RULE=no-mail\nSLUICE_ACTION=drop\n"
              "SLUICE_PACKET=tcp 10.1.1.5:5000 > 198.18.0.9:25\n");
    EXPECT_THAT(log(), testing::HasSubstr("<6>gateway edge is up"));
}

}  // namespace
}  // namespace sluice
