// SPDX-License-Identifier: Apache-2.0
//
// Images as people bring them to a gateway, have it follow them, keep them and go back: sluicectl against
// sluiced, over restarts and kills.
#include <sodium.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "compiler/sign/sign.h"
#include "runtime/image/minisign_format.h"
#include "schemas/layout/image_seal.h"
#include "tests/live/sluiced_process.h"

namespace sluice {
namespace {

using test::ChildProcess;
using test::Finished;

/// A key pair as `minisign -G -W` writes it.
void write_key_pair(const std::string& path, std::uint8_t seed) {
    minisign::EncodedSecretKey secret{};
    minisign::EncodedKey open{};
    std::array<std::uint8_t, crypto_sign_SEEDBYTES> seed_bytes;
    seed_bytes.fill(seed);
    crypto_sign_seed_keypair(open.key.key.data(), secret.secret.secret.data(), seed_bytes.data());
    open.algorithm = secret.algorithm = minisign::key_algorithm;
    secret.checksum_algorithm = minisign::blake2b;
    open.key.id.fill(seed);
    secret.secret.key_id.fill(seed);
    const std::string comment(minisign::untrusted_prefix);
    test::write_text(path + ".pub", comment + "key\n" + minisign::encode(open) + "\n");
    test::write_text(path + ".key", comment + "key\n" + minisign::encode(secret) + "\n");
}

class SluicedImages : public test::SluicedProcess {
  protected:
    void SetUp() override {
        write_key_pair(key_, 1);
        write_key_pair(stranger_, 2);
        more_of_host_file_ = "images: {directory: " + store_.string() + ", trust: [" + key_ + ".pub]}\n";
        test::SluicedProcess::SetUp();
        for (int number = 1; number <= 3; ++number) build_signed(number);
    }
    /// An image that differs from others in the name of a rule: IMAGE_NUMBER.img, with that revision.
    void build_signed(int number, const std::string& key = "") {
        std::string text = test::small_policy("203.0.113.1: '02:00:00:00:09:01'").at("blue.yaml");
        text.replace(text.find("outbound"), 8, "outbound-" + std::to_string(number));
        test::write_text(directory_ / "policy" / "blue.yaml", text);
        build_image(image(number),
                    {"--sign", (key.empty() ? key_ : key) + ".key", "--revision", std::to_string(number)});
    }
    std::string image(int number) { return directory_ / (std::to_string(number) + ".img"); }
    std::string digest(int number) {
        const std::string bytes = test::read_text(image(number));
        char text[65];
        sodium_bin2hex(text, sizeof text, reinterpret_cast<const unsigned char*>(bytes.data()) + 24, 32);
        return text;
    }
    Finished control(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {SLUICECTL_PROGRAM, "--socket", socket_});
        return test::run_program(arguments);
    }
    void expect_done(const std::vector<std::string>& arguments) {
        const Finished finished = control(arguments);
        EXPECT_EQ(finished.exit_code, 0) << arguments[0] << ": " << finished.err << log();
    }
    void expect_refused(int exit_code, const std::string& words, const std::vector<std::string>& arguments) {
        const Finished finished = control(arguments);
        EXPECT_EQ(finished.exit_code, exit_code) << finished.err;
        EXPECT_THAT(finished.err, testing::HasSubstr(words));
    }
    /// Without an image on the command line.
    std::unique_ptr<ChildProcess> start_from_store() {
        return start_gateway({SLUICED_PROGRAM, "--host", host_});
    }
    static void kill_and_clean(ChildProcess& gateway) {
        gateway.signal(SIGKILL);
        gateway.wait();
        for (const char* folder : {"/var/run/dpdk/", "/tmp/dpdk/"}) {
            std::filesystem::remove_all(folder + ("sluiced-" + std::to_string(gateway.id())));
        }
    }

    const std::filesystem::path store_ = directory_ / "images";
    const std::string key_ = directory_ / "edge";
    const std::string stranger_ = directory_ / "stranger";
};

TEST_F(SluicedImages, ArePushedActivatedConfirmedAndBootedAgain) {
    {
        const auto gateway = start_gateway();
        EXPECT_EQ(answer("status")["image"]["state"], "file");
        wait_until([&] { return answer("stats")["rx"]["packets"] == 41; });
        EXPECT_THAT(control({"push", image(1)}).out,
                    testing::HasSubstr(" is staged, revision 1, signed by 0101010101010101\n"));
        expect_done({"activate", "--confirm-within", "10m"});
        auto status = answer("status");
        EXPECT_EQ(status["image"]["digest"], digest(1));
        EXPECT_EQ(status["image"]["state"], "pending");
        EXPECT_EQ(status["image"]["file"], (store_ / (digest(1) + ".img")).string());
        EXPECT_EQ(status["image"]["revision"], 1);
        EXPECT_EQ(status["image"]["key"], "0101010101010101");
        EXPECT_GT(status["image"]["confirm_seconds_left"], 540);
        expect_done({"confirm"});
        EXPECT_EQ(answer("status")["image"]["state"], "confirmed");
        EXPECT_EQ(answer("stats")["rx"]["packets"], 41) << "counters go on";
        EXPECT_EQ(answer("sessions").size(), 1u) << "and sessions";
        expect_done({"push", image(2)});
        expect_done({"activate", digest(2).substr(0, 10), "--confirm-within", "10m"});
        EXPECT_TRUE(answer("stats")["tenants"]["blue"]["rules"].contains("outbound-2"));
        kill_and_clean(*gateway);
    }
    const auto gateway = start_from_store();
    const auto status = answer("status");
    EXPECT_EQ(status["image"]["digest"], digest(1)) << "what was pending is not booted";
    EXPECT_EQ(status["last_return"]["from"], digest(2));
    EXPECT_EQ(status["last_return"]["cause"], "the gateway ended before the image was confirmed");
    EXPECT_THAT(log(),
                testing::HasSubstr(" warning image " + digest(2) + " is not gone on with: the gateway ended "));
    const auto images = answer("images")["images"];
    ASSERT_EQ(images.size(), 2u);
    EXPECT_EQ(images[0]["state"], "staged");
    EXPECT_EQ(images[1]["state"], "confirmed");
    EXPECT_EQ(images[1]["active"], true);
    EXPECT_THAT(control({"images"}).out,
                testing::HasSubstr("*  " + digest(1).substr(0, 12) + "  confirmed  1 "));
    EXPECT_THAT(control({"status"}).out,
                testing::HasSubstr("image " + digest(1) + ", revision 1, confirmed\n"));
}

TEST_F(SluicedImages, GiveWayWhenNobodyConfirmsThem) {
    const auto gateway = start_gateway();
    expect_done({"push", image(1)});
    expect_done({"activate"});
    expect_done({"push", image(2)});
    expect_done({"activate", "--confirm-within", "1s"});
    wait_until([&] { return answer("status")["image"]["digest"] == digest(1); });
    const auto status = answer("status");
    EXPECT_EQ(status["last_return"]["from"], digest(2));
    EXPECT_EQ(status["last_return"]["to"], digest(1));
    EXPECT_EQ(status["last_return"]["cause"], "not confirmed in time");
    EXPECT_THAT(log(), testing::ContainsRegex(" warning image " + digest(1) + " comes back in place of image " +
                                              digest(2) + ": not confirmed in time"));
    expect_done({"activate", digest(2)});
    expect_done({"rollback"});
    EXPECT_EQ(answer("status")["image"]["digest"], digest(1));
    expect_done({"gc", "--keep", "0"});
    EXPECT_EQ(answer("images")["images"].size(), 1u);
}

TEST_F(SluicedImages, AreRefusedEachForItsReason) {
    const auto gateway = start_gateway();
    std::filesystem::rename(image(1) + ".minisig", directory_ / "kept.minisig");
    expect_refused(4, "expected a signature by key 0101010101010101, found none", {"push", image(1)});
    std::filesystem::copy(image(2) + ".minisig", image(1) + ".minisig");
    expect_refused(4, "the image is not what key 0101010101010101 signed", {"push", image(1)});
    build_signed(4, stranger_);
    expect_refused(4, "expected a signature by key 0101010101010101, found one by key 0202020202020202",
                   {"push", image(4)});
    std::filesystem::rename(directory_ / "kept.minisig", image(1) + ".minisig");
    expect_done({"push", image(2)});
    expect_done({"activate"});
    expect_refused(5, "expected a revision above 2, which was confirmed before, found 1", {"push", image(1)});
    expect_refused(5, "no image is waiting for a confirmation", {"confirm"});
    expect_refused(5, "there are 0 images to go back to, not 1", {"rollback"});

    std::string text = test::read_text(directory_ / "policy" / "gateway.yaml");
    text.replace(text.find("{mtu: 1500}"), 11, "{mtu: 1400}");
    test::write_text(directory_ / "policy" / "gateway.yaml", text);
    build_signed(5);
    expect_done({"push", image(5)});
    expect_refused(5, "its port access0 has an MTU of 1400, the open one 1500: devices are set up at a start",
                   {"activate"});
    EXPECT_EQ(answer("status")["image"]["digest"], digest(2));

    std::filesystem::resize_file(image(3), 1000);
    const std::string announced = std::to_string(std::filesystem::file_size(image(2)) - sizeof(ImageHeader));
    expect_refused(4, "the header announces " + announced + " bytes behind it, the file has 936",
                   {"push", image(3)});
    expect_refused(1, "cannot be read", {"push", directory_ / "absent.img"});
    expect_refused(2, "IMAGE is required", {"push"});
}

TEST_F(SluicedImages, AreTakenWithASignatureByMinisignItself) {
    if (!std::filesystem::exists("/usr/bin/minisign")) GTEST_SKIP() << "needs the program minisign";
    const auto gateway = start_gateway();
    std::filesystem::remove(image(1) + ".minisig");
    const Finished signing = test::run_program(
        {"/usr/bin/minisign", "-S", "-s", key_ + ".key", "-m", image(1), "-t", "revision=20 by hand"});
    ASSERT_EQ(signing.exit_code, 0) << signing.err;
    EXPECT_THAT(control({"push", image(1)}).out,
                testing::HasSubstr(" is staged, revision 20, signed by 0101010101010101\n"));
    expect_done({"activate"});
    const Finished verified =
        test::run_program({"/usr/bin/minisign", "-V", "-p", key_ + ".pub", "-m", image(2)});
    EXPECT_EQ(verified.exit_code, 0) << verified.err;
}

// Good bytes, well signed, and not for here: each has its sentence, pushed or named on the command line.
TEST_F(SluicedImages, ThatAreNotForThisProgramOrCpuAreRefused) {
    const auto spoil = [&](int number, const auto& change) {
        std::string bytes = test::read_text(image(1));
        change(std::span(reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()));
        test::write_text(image(number), bytes);
        const auto key = parse_secret_key(test::read_text(key_ + ".key"), [] { return std::nullopt; });
        test::write_text(image(number) + ".minisig",
                         sign(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()),
                              std::get<SecretKey>(key), "revision=9"));
    };
    spoil(7, [](std::span<std::uint8_t> file) { file[offsetof(ImageHeader, format_version)] = 9; });
    spoil(8, [](std::span<std::uint8_t> file) { seal_image(file, 1U << 31); });
    const auto gateway = start_gateway();
    expect_refused(5, "the image has format version 9; this program reads version 1", {"push", image(7)});
    expect_refused(5, "the image is for x86-64-v32; this CPU is x86-64", {"push", image(8)});
    kill_and_clean(*gateway);
    for (const int number : {7, 8}) {
        const Finished refused = test::run_program({SLUICED_PROGRAM, "--host", host_, image(number)});
        EXPECT_EQ(refused.exit_code, 5) << refused.err;
        EXPECT_THAT(refused.err, testing::HasSubstr(number == 7 ? "format version 9" : "for x86-64-v32"));
    }
    const Finished other = test::run_program(
        {SLUICEC_PROGRAM, "build", directory_ / "policy", "-o", image(9), "--target", "pdp-11"});
    EXPECT_EQ(other.exit_code, 2);
    EXPECT_THAT(other.err, testing::HasSubstr("expected x86-64, x86-64-v2, x86-64-v3 or x86-64-v4"));
    build_image(image(9), {"--target", "x86-64", "--target", "x86-64-v4", "--sign", key_ + ".key"});
    const auto again = start_gateway();
    expect_done({"push", image(9)});
    expect_done({"activate"});
}

TEST_F(SluicedImages, TheGatewayStartsWithoutAnImageOnlyWhereOneWasConfirmed) {
    const Finished none = test::run_program({SLUICED_PROGRAM, "--host", host_});
    EXPECT_EQ(none.exit_code, 1);
    EXPECT_THAT(none.err, testing::HasSubstr("no image was ever confirmed here"));
    {
        const auto gateway = start_gateway();
        expect_done({"push", image(1)});
        expect_done({"activate"});
        gateway->signal(SIGTERM);
        EXPECT_EQ(gateway->wait(), 0);
    }
    std::filesystem::resize_file(store_ / (digest(1) + ".img"), 500);
    const Finished damaged = test::run_program({SLUICED_PROGRAM, "--host", host_});
    EXPECT_EQ(damaged.exit_code, 4);
    EXPECT_THAT(damaged.err, testing::HasSubstr("the confirmed image " + digest(1) + " does not start: "));
}

// The store's own test ends the world at every operation; here it is the whole gateway, whenever it pleases.
TEST_F(SluicedImages, SurviveKillsAtRandomMoments) {
    const char* given = std::getenv("SLUICE_TEST_SEED");
    const unsigned seed = given != nullptr ? static_cast<unsigned>(std::atoi(given)) : std::random_device()();
    const char* rounds_given = std::getenv("SLUICE_KILL_ROUNDS");
    const int rounds = rounds_given != nullptr ? std::atoi(rounds_given) : 6;
    std::printf("SLUICE_TEST_SEED=%u, %d kills\n", seed, rounds);
    std::mt19937 random(seed);
    {
        const auto gateway = start_gateway();
        expect_done({"push", image(1)});
        expect_done({"activate"});
        kill_and_clean(*gateway);
    }
    for (int round = 0; round < rounds; ++round) {
        SCOPED_TRACE("round " + std::to_string(round));
        const auto gateway = start_from_store();
        ASSERT_TRUE(gateway->running()) << log();
        const std::string booted = answer("status")["image"]["digest"];
        EXPECT_EQ(answer("status")["image"]["state"], "confirmed");
        const auto stored = answer("images")["images"];
        EXPECT_TRUE(std::ranges::any_of(
            stored, [&](const auto& row) { return row["digest"] == booted && row["state"] == "confirmed"; }));
        std::atomic<bool> killed{false};
        std::thread busy([&] {
            for (int step = 0; !killed; ++step) {
                control({"push", image(2 + step % 2)});
                control({"activate", "--confirm-within", "60s"});
                control({step % 3 == 0 ? "rollback" : "confirm"});
                control({"rollback"});
                control({"gc", "--keep", "1"});
            }
        });
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 400'000));
        gateway->signal(SIGKILL);
        killed = true;
        busy.join();
        kill_and_clean(*gateway);
    }
    const auto gateway = start_from_store();
    EXPECT_EQ(answer("status")["image"]["state"], "confirmed");
}

}  // namespace
}  // namespace sluice
