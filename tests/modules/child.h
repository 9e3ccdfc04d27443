// Runs something in a child process that may give up rights or enter a network of its own, and gives what it says.
#pragma once

#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <net/if.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <string>

namespace mig::test {

inline std::string in_child(const std::function<std::string()>& work) {
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  const pid_t pid = fork();
  if (pid == 0) {
    const std::string said = work();
    for (std::size_t done = 0; done < said.size();) {
      const ssize_t wrote = write(ends[1], said.data() + done, said.size() - done);
      if (wrote <= 0) break;
      done += static_cast<std::size_t>(wrote);
    }
    _exit(0);  // no destructors, no test report of the copy
  }
  close(ends[1]);
  std::string out;
  char block[4096];
  for (ssize_t got; (got = read(ends[0], block, sizeof block)) > 0;) out.append(block, static_cast<std::size_t>(got));
  close(ends[0]);
  waitpid(pid, nullptr, 0);
  return out;
}

/// An empty network with nothing but loopback, which is down until `up`. False if this machine allows none.
inline bool own_network(bool up) {
  if (unshare(CLONE_NEWNET) != 0) return false;
  if (!up) return true;
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const bool done = ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  close(fd);
  return done;
}

}  // namespace mig::test
