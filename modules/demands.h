// What a module asks of the wall its job stands behind, beyond what every module may do: read files and the
// clock, compute, start threads. No module writes files, starts programs, listens or signals others: there is
// no word for it here.
//
// THE list: a module that needs more says so in `Module::demands()`, in one line, and nothing else has to
// change. node/wall.h turns it into system calls, capabilities and Landlock rules.
#pragma once

namespace mig::modules {

struct Demands {
  bool network = false;  ///< ask other machines by TCP, UDP or ICMP datagrams; resolve names; list interfaces
  bool raw_packets = false;  ///< raw IP sockets (CAP_NET_RAW): ICMP where net.ipv4.ping_group_range is closed
  bool netlink =
      false;  ///< ask the kernel's socket and connection tables (sock_diag, netfilter), never change them
  bool namespaces =
      false;  ///< look into other network namespaces: setns (CAP_SYS_ADMIN); implies `processes`
  /// Look into other processes: /proc/PID/{mem,maps,exe,fd,environ,pagemap}, process_vm_readv
  /// (CAP_SYS_PTRACE). Landlock keeps a process from all of these, so it is left out then; files stay
  /// read-only by the list of system calls.
  bool processes = false;
  bool root = false;  ///< keep the agent's user and all its capabilities; nothing else helps

  /// What a job of several modules needs.
  Demands& operator|=(const Demands& other) {
    network |= other.network;
    raw_packets |= other.raw_packets;
    netlink |= other.netlink;
    namespaces |= other.namespaces;
    processes |= other.processes;
    root |= other.root;
    return *this;
  }
};

}  // namespace mig::modules
