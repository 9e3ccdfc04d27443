// The list of system calls a job may use. What is not on it fails with "not permitted", and the module goes
// on without; what only an intruder would call ends the process (SIGSYS), which the agent reports as
// "forbidden".
#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "node/wall.h"

namespace mig::node {
namespace {

// Younger than Debian 12's libseccomp; these numbers are the same everywhere.
constexpr int cachestat = 451;

constexpr int always[] = {
    // reading
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(preadv),
    SCMP_SYS(preadv2),
    SCMP_SYS(lseek),
    SCMP_SYS(_llseek),
    SCMP_SYS(close),
    SCMP_SYS(close_range),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(fstat),
    SCMP_SYS(stat64),
    SCMP_SYS(lstat64),
    SCMP_SYS(fstat64),
    SCMP_SYS(fstatat64),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(statfs64),
    SCMP_SYS(fstatfs64),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getdents64),
    SCMP_SYS(getcwd),
    SCMP_SYS(chdir),
    SCMP_SYS(fchdir),
    SCMP_SYS(getxattr),
    SCMP_SYS(lgetxattr),
    SCMP_SYS(fgetxattr),
    SCMP_SYS(listxattr),
    SCMP_SYS(llistxattr),
    SCMP_SYS(flistxattr),
    SCMP_SYS(fadvise64),
    SCMP_SYS(fadvise64_64),
    SCMP_SYS(readahead),
    cachestat,
    // writing into what is open already: the pipe to the agent
    SCMP_SYS(write),
    SCMP_SYS(writev),
    // memory, threads, signals to itself
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(mincore),
    SCMP_SYS(futex),
    SCMP_SYS(futex_time64),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(get_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(membarrier),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigreturn),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    // waiting
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(eventfd2),
    SCMP_SYS(pipe2),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    // asking the kernel about the time, the machine and itself
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(times),
    SCMP_SYS(getrusage),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getppid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getgroups),
    SCMP_SYS(getresuid),
    SCMP_SYS(getresgid),
    SCMP_SYS(getpgrp),
    SCMP_SYS(getpgid),
    SCMP_SYS(getsid),
    SCMP_SYS(getpriority),
    SCMP_SYS(getrlimit),
    SCMP_SYS(ugetrlimit),
    SCMP_SYS(capget),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
    SCMP_SYS(sched_get_priority_max),
    SCMP_SYS(sched_get_priority_min),
    SCMP_SYS(getcpu),
    SCMP_SYS(getrandom),
    SCMP_SYS(adjtimex),
};

constexpr int with_network[] = {
    SCMP_SYS(connect),     SCMP_SYS(bind),        SCMP_SYS(sendto),     SCMP_SYS(sendmsg),
    SCMP_SYS(sendmmsg),    SCMP_SYS(recvfrom),    SCMP_SYS(recvmsg),    SCMP_SYS(recvmmsg),
    SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
    SCMP_SYS(shutdown),
};

/// No module and no library of ours calls these.
constexpr int deadly[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(unshare),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(bpf),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(acct),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setgroups),
    SCMP_SYS(setfsuid),
    SCMP_SYS(capset),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(keyctl),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(personality),
    SCMP_SYS(quotactl),
    SCMP_SYS(pidfd_getfd),
};

constexpr unsigned long harmless_ioctls[] = {TCGETS, FIONREAD, FIONBIO};
constexpr unsigned long interface_ioctls[] = {SIOCGIFNAME, SIOCGIFINDEX, SIOCGIFCONF,   SIOCGIFFLAGS,
                                              SIOCGIFADDR, SIOCGIFMTU,   SIOCGIFHWADDR, SIOCGIFNETMASK};
constexpr unsigned long pagemap_scan = 0xc0606610;  // _IOWR('f', 16, struct pm_scan_arg), Linux 6.7

/// Rules added one after the other; the first that fails is remembered.
class Filter {
 public:
  Filter() : context_(seccomp_init(SCMP_ACT_ERRNO(EPERM)), seccomp_release) {
    if (!context_) {
      note(-ENOMEM);
      return;
    }
    note(seccomp_attr_set(get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
    seccomp_attr_set(get(), SCMP_FLTATR_CTL_OPTIMIZE,
                     2);  // a tree: nine comparisons a call in place of a hundred
  }

  template <typename... Conditions>
  void rule(std::uint32_t action, int call, Conditions... conditions) {
    if (!context_) return;
    const int code = seccomp_rule_add(get(), action, call, sizeof...(conditions), conditions...);
    if (code != -EDOM && code != -EFAULT) note(code);  // this architecture has no such call
  }
  template <typename... Conditions>
  void allow(int call, Conditions... conditions) {
    rule(SCMP_ACT_ALLOW, call, conditions...);
  }
  core::Status load() {
    if (trouble_ == 0) note(seccomp_load(get()));
    if (trouble_ == 0) return core::Done{};
    return core::Error{core::Code::world,
                       fmt::format("wall: this kernel takes no list of system calls (seccomp): {}",
                                   std::strerror(-trouble_))};
  }

 private:
  scmp_filter_ctx get() const { return context_.get(); }
  void note(int code) {
    if (code != 0 && trouble_ == 0) trouble_ = code;
  }
  std::unique_ptr<void, void (*)(scmp_filter_ctx)> context_;
  int trouble_ = 0;
};

scmp_arg_cmp is(unsigned argument, scmp_datum_t value) { return {argument, SCMP_CMP_EQ, value, 0}; }
scmp_arg_cmp masked(unsigned argument, scmp_datum_t mask, scmp_datum_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

void allow_opening(Filter& filter) {
  constexpr scmp_datum_t writing = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY);
  filter.allow(SCMP_SYS(open), masked(1, writing, O_RDONLY));
  filter.allow(SCMP_SYS(openat), masked(2, writing, O_RDONLY));
  filter.rule(SCMP_ACT_ERRNO(ENOSYS),
              SCMP_SYS(openat2));  // its flags are out of a filter's sight; callers fall back to openat
}

/// Nothing becomes executable that was ever writable, and memory that the budget does not see cannot be had.
void allow_mapping(Filter& filter) {
  for (int call : {SCMP_SYS(mmap), SCMP_SYS(mmap2)}) {
    filter.allow(call, masked(2, PROT_EXEC, 0), masked(3, MAP_TYPE, MAP_PRIVATE));
    filter.allow(call, masked(2, PROT_EXEC, 0), masked(3, MAP_TYPE | MAP_ANONYMOUS, MAP_SHARED));
    filter.allow(call, masked(2, PROT_EXEC | PROT_WRITE, PROT_EXEC),
                 masked(3, MAP_TYPE | MAP_ANONYMOUS, MAP_PRIVATE));
  }
  filter.allow(SCMP_SYS(mprotect), masked(2, PROT_EXEC, 0));
}

void allow_threads(Filter& filter) {
  filter.allow(SCMP_SYS(clone), masked(0, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM));
  filter.rule(SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
  filter.allow(SCMP_SYS(tgkill), is(0, static_cast<scmp_datum_t>(getpid())));
  filter.allow(SCMP_SYS(prlimit64), is(0, 0), is(2, 0));
  for (int question : {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS})
    filter.allow(SCMP_SYS(prctl), is(0, static_cast<scmp_datum_t>(question)));
  for (int question : {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL})
    for (int call : {SCMP_SYS(fcntl), SCMP_SYS(fcntl64)})
      filter.allow(call, is(1, static_cast<scmp_datum_t>(question)));
  for (unsigned long request : harmless_ioctls) filter.allow(SCMP_SYS(ioctl), is(1, request));
}

void allow_sockets(Filter& filter, const modules::Demands& demands) {
  constexpr scmp_datum_t kind = 0xf;  // without SOCK_CLOEXEC and SOCK_NONBLOCK
  if (!demands.network && !demands.raw_packets && !demands.netlink) return;
  for (int call : with_network) filter.allow(call);
  for (unsigned long request : interface_ioctls) filter.allow(SCMP_SYS(ioctl), is(1, request));
  for (int family : {AF_INET, AF_INET6}) {
    const auto domain = is(0, static_cast<scmp_datum_t>(family));
    if (demands.network) filter.allow(SCMP_SYS(socket), domain, masked(1, kind, SOCK_STREAM));
    filter.allow(SCMP_SYS(socket), domain, masked(1, kind, SOCK_DGRAM));
    if (demands.raw_packets) filter.allow(SCMP_SYS(socket), domain, masked(1, kind, SOCK_RAW));
  }
  // Listing interfaces and sorting addresses ask NETLINK_ROUTE; without CAP_NET_ADMIN it changes nothing.
  filter.allow(SCMP_SYS(socket), is(0, AF_NETLINK), is(2, NETLINK_ROUTE));
  if (!demands.netlink) return;
  filter.allow(SCMP_SYS(socket), is(0, AF_NETLINK), is(2, NETLINK_SOCK_DIAG));
  filter.allow(SCMP_SYS(socket), is(0, AF_NETLINK), is(2, NETLINK_NETFILTER));
}

}  // namespace

core::Status close_calls(const modules::Demands& demands) {
  Filter filter;
  for (int call : always) filter.allow(call);
  allow_opening(filter);
  allow_mapping(filter);
  allow_threads(filter);
  allow_sockets(filter, demands);
  if (demands.processes || demands.namespaces) {
    filter.allow(SCMP_SYS(process_vm_readv));
    filter.allow(SCMP_SYS(pidfd_open));
    filter.allow(SCMP_SYS(ioctl), is(1, pagemap_scan));
  }
  if (demands.namespaces) filter.allow(SCMP_SYS(setns), is(1, CLONE_NEWNET));
  for (int call : deadly) filter.rule(SCMP_ACT_KILL_PROCESS, call);
  return filter.load();
}

}  // namespace mig::node
