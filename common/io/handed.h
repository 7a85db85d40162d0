#ifndef CONNECTOR_COMMON_IO_HANDED_H
#define CONNECTOR_COMMON_IO_HANDED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* Listening sockets that a service manager has opened before it started us, and keeps open when we
 * end (systemd's socket activation, sd_listen_fds(3)): who connects while nobody accepts waits in
 * the kernel's queue. They are found by their address. */

/* A descriptor of its own (close-on-exec, non-blocking) for the socket that listens at exactly this
 * address, or -1: none was handed over. */
int handed_socket(const struct sockaddr *address);

/* The address, as text, of the n-th (from 0) of those that were handed over and that nobody has
 * asked for; false: there is none. */
bool handed_left_over(unsigned n, char *out, size_t bytes);

#endif
