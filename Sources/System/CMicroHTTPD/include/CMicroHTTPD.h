#pragma once
#include <microhttpd.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

// Only what Swift cannot call: MHD_start_daemon is variadic, MHD_get_daemon_info too.

// Starts one epoll thread listening on `address` (port 0: any). NULL with errno set on failure.
// Both callbacks run on that thread and get `context` first. Paths and queries are handed over
// still percent-encoded.
struct MHD_Daemon *passflow_mhd_start(const struct sockaddr *address, unsigned int connections_max,
                                      unsigned int idle_seconds, size_t connection_bytes_max,
                                      MHD_AccessHandlerCallback handle,
                                      MHD_RequestCompletedCallback completed, void *context);

// The port that is really bound, 0 if unknown.
uint16_t passflow_mhd_port(struct MHD_Daemon *daemon);
