#include "node/wire/router.h"

#include <fmt/format.h>

#include "node/core/limits.h"
#include "node/wire/context.h"

namespace mig::wire {

using namespace core;

namespace {

constexpr int zap_enforce_domain = 93;  // ZMQ_ZAP_ENFORCE_DOMAIN: in the library, in the header only with drafts
constexpr int handshake_failed =
    ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
// libzmq reports a disconnect just before it hands over the last frames of that connection: whatever still turns up
// in this time belongs to the dead.
constexpr Duration grave_time = Duration::seconds(10);

zmq::socket_t make_socket(const Setting& setting, const ZapDomain& zap) {
  zmq::socket_t socket(context(setting.io_threads), zmq::socket_type::router);
  socket.set(zmq::sockopt::zap_domain, zap.name());
  const int on = 1;
  // An empty handler list or domain would let everybody in.
  if (zmq_setsockopt(socket.handle(), zap_enforce_domain, &on, sizeof on) != 0) throw zmq::error_t();
  socket.set(zmq::sockopt::curve_server, 1);
  socket.set(zmq::sockopt::curve_secretkey, setting.secret.view());
  socket.set(zmq::sockopt::router_mandatory, 1);  // else a send to nobody succeeds
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(limits::zmq_message_bytes));
  socket.set(zmq::sockopt::handshake_ivl, 5000);  // a connection that says nothing holds a descriptor so long
  socket.set(zmq::sockopt::backlog, 4096);
  socket.set(zmq::sockopt::sndhwm, 1000);
  socket.set(zmq::sockopt::rcvhwm, 0);  // any other value can abort the process in libzmq 4.3.4 when the pipe is full
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, 60);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, 15);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, 4);
  return socket;
}

const char* property(zmq::message_t& frame, const char* name) { return zmq_msg_gets(frame.handle(), name); }

}  // namespace

Router::Router(const Setting& setting)
    : socket_(make_socket(setting, zap_)), monitor_(socket_, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | handshake_failed) {}

Result<std::string> Router::bind(const std::string& address) {
  try {
    socket_.set(zmq::sockopt::ipv6, address.find('[') == std::string::npos ? 0 : 1);
    socket_.bind(address);
    return socket_.get(zmq::sockopt::last_endpoint);
  } catch (const zmq::error_t& trouble) {
    const char* helps = trouble.num() == EADDRINUSE     ? "; another program listens there, take another port or end it"
                        : trouble.num() == EACCES       ? "; ports below 1024 need root"
                        : trouble.num() == EADDRNOTAVAIL ? "; this machine has no such address"
                                                         : "; an address looks like tcp://0.0.0.0:7447";
    return Error{Code::world, fmt::format("listen {}: {}{}", address, trouble.what(), helps)};
  }
}

Router::Arrival Router::drop_rest(zmq::message_t& part, const char* why) {
  Arrival out;
  out.why = why;
  while (part.more() && receive(socket_, part)) {
  }
  return out;
}

std::optional<Router::Arrival> Router::take() {
  zmq::message_t id, frame;
  if (!receive(socket_, id)) return {};
  if (!id.more() || !receive(socket_, frame)) return drop_rest(id, "parts");
  if (frame.more()) return drop_rest(frame, "parts");
  if (frame.size() == 0) return drop_rest(frame, "empty");
  Arrival out;
  const std::string routing = id.to_string();
  auto it = peers_.find(routing);
  if (it != peers_.end() && it->second.forgotten) return out;
  if (it == peers_.end()) {
    // User-Id is read from the payload: 4.3.4 loses it on the routing id's frame.
    const char* hex = property(frame, "User-Id");
    auto key = hex ? from_hex(hex) : Result<Bytes>(invalid("no key"));
    auto peer = key ? LinkPublic::from(*key) : Result<LinkPublic>(key.error());
    if (!peer) return drop_rest(frame, "no_key");
    const char* address = property(frame, "Peer-Address");
    out.opened = Linked{next_++, Direction::in, *peer, true, address ? address : ""};
    it = peers_.emplace(routing, Peer{out.opened->link}).first;
    arrived(it->second, routing, frame);
  }
  out.link = it->second.link;
  out.frame.assign(frame.data<char>(), frame.size());
  return out;
}

void Router::arrived(Peer& peer, const std::string& routing, zmq::message_t& first) {
  // Whatever happened to earlier owners of this descriptor number is in the monitor already: their events were written
  // before this connection could be accepted.
  look();
  routing_[peer.link] = routing;
  peer.fd = zmq_msg_get(first.handle(), ZMQ_SRCFD);
  if (peer.fd < 0) return;
  mark_departed(peer.fd);  // an earlier owner whose end we missed
  by_fd_[peer.fd] = routing;
  if (!open_.contains(peer.fd)) mark_departed(peer.fd);  // came, spoke and went before we looked
}

void Router::mark_departed(int fd) {
  auto it = by_fd_.find(fd);
  if (it == by_fd_.end()) return;
  departing_.push_back(it->second);
  by_fd_.erase(it);
}

bool Router::look() {
  while (auto happening = monitor_.next()) {
    if (happening->what == ZMQ_EVENT_ACCEPTED) open_.insert(happening->value);
    if (happening->what == ZMQ_EVENT_DISCONNECTED) {
      open_.erase(happening->value);
      mark_departed(happening->value);
    }
    if (happening->what & handshake_failed) ++failed_handshakes_;
  }
  return !departing_.empty();
}

std::vector<LinkId> Router::departed(Instant now) {
  std::vector<LinkId> out;
  for (const std::string& routing : std::exchange(departing_, {})) {
    auto peer = peers_.find(routing);
    if (peer == peers_.end()) continue;
    graves_.emplace_back(now, routing);
    if (peer->second.forgotten) continue;
    out.push_back(peer->second.link);
    forget(peer->second.link);
  }
  while (!graves_.empty() && now >= graves_.front().first + grave_time) {
    peers_.erase(graves_.front().second);
    graves_.pop_front();
  }
  return out;
}

Sent Router::send(LinkId link, zmq::message_t& frame) {
  auto it = routing_.find(link);
  if (it == routing_.end()) return Sent::gone;
  zmq::message_t id(it->second.data(), it->second.size());
  if (Sent first = transmit(socket_, id, ZMQ_SNDMORE); first != Sent::sent) return first;
  return transmit(socket_, frame);
}

void Router::forget(LinkId link) {
  auto it = routing_.find(link);
  if (it == routing_.end()) return;
  if (auto peer = peers_.find(it->second); peer != peers_.end()) peer->second.forgotten = true;
  routing_.erase(it);
}

}  // namespace mig::wire
