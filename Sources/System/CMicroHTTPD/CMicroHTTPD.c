#include "CMicroHTTPD.h"
#include <string.h>

static size_t leave_encoded(void *context, struct MHD_Connection *connection, char *text) {
  (void)context;
  (void)connection;
  return strlen(text);
}

struct MHD_Daemon *passflow_mhd_start(const struct sockaddr *address, unsigned int connections_max,
                                      unsigned int idle_seconds, size_t connection_bytes_max,
                                      MHD_AccessHandlerCallback handle,
                                      MHD_RequestCompletedCallback completed, void *context) {
  unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_SUSPEND_RESUME | MHD_USE_ITC;
  if (address->sa_family == AF_INET6) flags |= MHD_USE_IPv6;
  return MHD_start_daemon(flags, 0, NULL, NULL, handle, context,
                          MHD_OPTION_SOCK_ADDR, address,
                          MHD_OPTION_CONNECTION_LIMIT, connections_max,
                          MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds,
                          MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_bytes_max,
                          MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024u,
                          MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, NULL,
                          MHD_OPTION_NOTIFY_COMPLETED, completed, context, MHD_OPTION_END);
}

uint16_t passflow_mhd_port(struct MHD_Daemon *daemon) {
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
  return info == NULL ? 0 : info->port;
}
