#ifndef CONNECTOR_PLATFORM_IO_RELOAD_H
#define CONNECTOR_PLATFORM_IO_RELOAD_H

struct platform;

/* SIGHUP: read platform.conf anew and check it whole, with the files that it names. Without a fault
 * the reloadable settings and the server's certificate take effect, and no tunnel ends. With a
 * fault nothing changes. What came of it is in the log and in the platform's `reload`. */
void platform_reload(struct platform *p);

#endif
