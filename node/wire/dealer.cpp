#include "node/wire/dealer.h"

#include <charconv>

#include "node/core/limits.h"
#include "node/wire/context.h"

namespace mig::wire {

using namespace core;

namespace {

constexpr int goodbye_ms = 1000;

zmq::socket_t make_socket(const Setting& setting, const Endpoint& to) {
  zmq::socket_t socket(context(setting.io_threads), zmq::socket_type::dealer);
  socket.set(zmq::sockopt::curve_serverkey, to.key.view());
  socket.set(zmq::sockopt::curve_publickey, setting.key.view());
  socket.set(zmq::sockopt::curve_secretkey, setting.secret.view());
  socket.set(zmq::sockopt::reconnect_ivl, -1);
  socket.set(zmq::sockopt::connect_timeout, 5000);
  socket.set(zmq::sockopt::handshake_ivl, 5000);
  socket.set(zmq::sockopt::tcp_maxrt, 20'000);
  socket.set(zmq::sockopt::immediate, 1);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(limits::zmq_message_bytes));
  socket.set(zmq::sockopt::sndhwm, 1000);
  socket.set(zmq::sockopt::rcvhwm, 0);  // as for the ROUTER: a full pipe can abort the process
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, 60);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, 15);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, 4);
  if (!setting.socks_proxy.empty()) socket.set(zmq::sockopt::socks_proxy, setting.socks_proxy);
  if (to.address.find('[') != std::string::npos) socket.set(zmq::sockopt::ipv6, 1);
  return socket;
}

}  // namespace

Status check_proxy(std::string_view text) {
  if (text.empty()) return Done{};
  const std::size_t colon = text.rfind(':');
  unsigned port = 0;
  if (colon != std::string_view::npos && colon > 0 && text.find_first_of("/# ") == std::string_view::npos) {
    const auto [end, error] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
    if (error == std::errc() && end == text.data() + text.size() && port > 0 && port <= 65535) return Done{};
  }
  return invalid("'" + std::string(text) + "' is no proxy; write HOST:PORT, such as 127.0.0.1:1080");
}

Dealer::Dealer(const Setting& setting, const Endpoint& to, Instant now)
    : socket_(make_socket(setting, to)), monitor_(socket_, ZMQ_EVENT_ALL), give_up_(now + patience) {
  socket_.connect(to.address);
}

Dealer::~Dealer() = default;

Dealer::State Dealer::look(Instant now) {
  auto down = [&](const char* why) {
    if (state_ != State::down) why_ = why;
    state_ = State::down;
  };
  while (auto happening = monitor_.next()) switch (happening->what) {
      case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        if (state_ == State::dialling) state_ = State::up;
        break;
      case ZMQ_EVENT_DISCONNECTED: down("disconnected"); break;
      case ZMQ_EVENT_CLOSED: down("no connection"); break;
      case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: down("handshake broke off"); break;
      case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: down("handshake failed"); break;
      case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: down("not admitted"); break;
      default: break;
    }
  if (state_ == State::dialling && now >= give_up_) down("no answer");
  return state_;
}

std::optional<Dealer::Arrival> Dealer::take() {
  zmq::message_t frame;
  if (!receive(socket_, frame)) return {};
  Arrival out;
  if (frame.more()) {
    while (frame.more() && receive(socket_, frame)) {
    }
    out.why = "parts";
  } else if (frame.size() == 0) {
    out.why = "empty";
  } else {
    out.frame.assign(frame.data<char>(), frame.size());
  }
  return out;
}

Sent Dealer::send(zmq::message_t& frame) { return state_ == State::up ? transmit(socket_, frame) : Sent::gone; }

void Dealer::part_gently() { socket_.set(zmq::sockopt::linger, goodbye_ms); }

}  // namespace mig::wire
