// Problem: Debian's libzmq can speak PGM, NORM and GSSAPI, none of which is used here. As a shared library it brings fourteen
// others into every process (Kerberos among them), which cost a millisecond at each start of a job and half of an idle
// agent's memory.
// Choice: libzmq is linked statically, and the names it wants of those libraries are defined here.
// Price: an endpoint or option that would use them ends the process; endpoints are written by this folder alone.
#include <cstddef>
#include <cstdlib>
#include <cstring>

#define UNUSED(name) \
  [[noreturn]] void name() { std::abort(); }

extern "C" {

int pgm_init(void*) { return 1; }
UNUSED(pgm_bind3)
UNUSED(pgm_close)
UNUSED(pgm_connect)
UNUSED(pgm_error_free)
UNUSED(pgm_free)
UNUSED(pgm_freeaddrinfo)
UNUSED(pgm_getaddrinfo)
UNUSED(pgm_getsockopt)
UNUSED(pgm_gsi_create_from_data)
UNUSED(pgm_recvmsgv)
UNUSED(pgm_send)
UNUSED(pgm_setsockopt)
UNUSED(pgm_shutdown)
UNUSED(pgm_socket)

void *GSS_C_NT_HOSTBASED_SERVICE, *GSS_C_NT_USER_NAME;
UNUSED(gss_accept_sec_context)
UNUSED(gss_acquire_cred)
UNUSED(gss_delete_sec_context)
UNUSED(gss_display_name)
UNUSED(gss_import_name)
UNUSED(gss_init_sec_context)
UNUSED(gss_release_buffer)
UNUSED(gss_release_cred)
UNUSED(gss_release_name)
UNUSED(gss_unwrap)
UNUSED(gss_wrap)

extern const void *const NORM_INSTANCE_INVALID = nullptr, *const NORM_SESSION_INVALID = nullptr, *const NORM_OBJECT_INVALID = nullptr;
extern const unsigned NORM_NODE_ANY = 0xffffffff;
UNUSED(NormCreateInstance)
UNUSED(NormCreateSession)
UNUSED(NormDestroyInstance)
UNUSED(NormDestroySession)
UNUSED(NormGetDescriptor)
UNUSED(NormGetNextEvent)
UNUSED(NormGetRandomSessionId)
UNUSED(NormIsUnicastAddress)
UNUSED(NormNodeDelete)
UNUSED(NormObjectGetType)
UNUSED(NormObjectGetUserData)
UNUSED(NormObjectSetUserData)
UNUSED(NormSetCongestionControl)
UNUSED(NormSetDefaultSyncPolicy)
UNUSED(NormSetDefaultUnicastNack)
UNUSED(NormSetLoopback)
UNUSED(NormSetMulticastInterface)
UNUSED(NormSetRxPortReuse)
UNUSED(NormSetTTL)
UNUSED(NormStartReceiver)
UNUSED(NormStartSender)
UNUSED(NormStopInstance)
UNUSED(NormStopReceiver)
UNUSED(NormStopSender)
UNUSED(NormStreamFlush)
UNUSED(NormStreamOpen)
UNUSED(NormStreamRead)
UNUSED(NormStreamSeekMsgStart)
UNUSED(NormStreamWrite)

// Of libbsd.
std::size_t strlcpy(char* to, const char* from, std::size_t room) {
  const std::size_t length = std::strlen(from);
  if (room == 0) return length;
  const std::size_t taken = length < room ? length : room - 1;
  std::memcpy(to, from, taken);
  to[taken] = 0;
  return length;
}

}  // extern "C"
