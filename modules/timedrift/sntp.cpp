#include "modules/timedrift/sntp.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace mig::modules::timedrift {
namespace {

using Steady = std::chrono::steady_clock;
using Packet = std::array<unsigned char, 48>;

// Offsets into the packet (RFC 5905, figure 8).
constexpr std::size_t stratum_at = 1, reference_at = 12, origin_at = 24, received_at = 32, sent_at = 40;
constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t from_1900_to_1970 = 2'208'988'800;

std::int64_t ns_of(Steady::duration span) { return std::chrono::duration_cast<std::chrono::nanoseconds>(span).count(); }
std::int64_t wall_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::uint32_t word_at(const Packet& packet, std::size_t at) {
  return std::uint32_t{packet[at]} << 24 | std::uint32_t{packet[at + 1]} << 16 | std::uint32_t{packet[at + 2]} << 8 | packet[at + 3];
}

/// Nanoseconds since 1970. Seconds whose top bit is clear are of the era that begins in 2036 (RFC 4330, section 3).
std::int64_t time_at(const Packet& packet, std::size_t at) {
  std::int64_t seconds = word_at(packet, at);
  if (seconds < std::int64_t{1} << 31) seconds += std::int64_t{1} << 32;
  const std::int64_t fraction = static_cast<std::int64_t>((std::uint64_t{word_at(packet, at + 4)} * second_ns) >> 32);
  return (seconds - from_1900_to_1970) * second_ns + fraction;
}

core::Error trouble(std::string text) { return {core::Code::world, std::move(text)}; }

/// What a server that will not tell the time says instead: "RATE", "DENY" (RFC 5905, 7.4).
std::string kiss_of(const Packet& packet) {
  std::string out;
  for (std::size_t i = 0; i < 4; ++i)
    if (const char c = static_cast<char>(packet[reference_at + i]); c >= '0' && c <= 'Z') out += c;
  return out.empty() ? "no reason" : out;
}

core::Status usable(const Packet& packet) {
  if (packet[stratum_at] == 0) return trouble("refused to tell the time (" + kiss_of(packet) + ")");
  if (packet[stratum_at] > 15 || packet[0] >> 6 == 3) return trouble("answered that it is not in time itself");
  const std::int64_t received = time_at(packet, received_at), sent = time_at(packet, sent_at);
  const bool no_time = word_at(packet, sent_at) == 0 || word_at(packet, received_at) == 0;
  if (no_time || received < 0 || sent < received) return trouble("answered without a time");
  return core::Done{};
}

Sample sample_of(const Packet& answer, std::int64_t began_wall, std::int64_t latency) {
  const std::int64_t ended_wall = began_wall + latency;
  const std::int64_t ahead = (time_at(answer, received_at) - began_wall) / 2 + (time_at(answer, sent_at) - ended_wall) / 2;
  return {ended_wall + ahead, -ahead, latency};
}

}  // namespace

std::optional<core::Result<Sample>> read_answer(core::BytesView packet, core::BytesView number, std::int64_t began_wall_ns, std::int64_t latency_ns) {
  Packet answer{};
  if (packet.size() < answer.size()) return {};  // authenticators and extensions may follow
  std::memcpy(answer.data(), packet.data(), answer.size());
  const bool from_server = (answer[0] & 7) == 4;
  if (!from_server || packet.substr(origin_at, 8) != number) return {};
  if (auto fits = usable(answer); !fits) return fits.error();
  return sample_of(answer, began_wall_ns, latency_ns);
}

core::Result<Sample> ask_time(const Address& server, double seconds, Budget& budget) {
  Socket socket(::socket(server.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return trouble(fmt::format("no socket: {}", std::strerror(errno)));
  if (connect(socket.get(), server.get(), server.size) != 0) return trouble(std::strerror(errno));
  Packet asked{};
  asked[0] = 4 << 3 | 3;  // version 4, client; the rest is nobody's business
  // A number nobody can guess stands where our time would: an answer that repeats it answers us.
  if (getrandom(asked.data() + sent_at, 8, 0) != 8) return trouble("the kernel gave no random numbers");
  const std::int64_t began_wall = wall_ns();
  const auto began = Steady::now();
  if (send(socket.get(), asked.data(), asked.size(), MSG_NOSIGNAL) < 0)
    return trouble(errno == ECONNREFUSED ? "nothing listens there" : std::strerror(errno));
  const auto deadline = began + std::chrono::duration_cast<Steady::duration>(std::chrono::duration<double>(seconds));
  for (;;) {
    switch (wait_for(socket.get(), POLLIN, deadline, budget)) {
      case Waited::overdue: return trouble(fmt::format("gave no answer within {:g}s", seconds));
      case Waited::spent: return trouble("was given up");
      case Waited::ready: break;
    }
    char block[512];
    const ssize_t got = recv(socket.get(), block, sizeof block, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got < 0) return trouble(errno == ECONNREFUSED ? "nothing listens there" : std::strerror(errno));
    // From the steady clock: the wall clock may be set while we wait. What else comes is passed over.
    auto said = read_answer({block, static_cast<std::size_t>(got)}, {reinterpret_cast<const char*>(asked.data()) + sent_at, 8}, began_wall,
                            ns_of(Steady::now() - began));
    if (said) return *std::move(said);
  }
}

}  // namespace mig::modules::timedrift
