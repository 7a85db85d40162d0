#ifndef CONNECTOR_PLATFORM_IO_LISTENERS_H
#define CONNECTOR_PLATFORM_IO_LISTENERS_H

#include "common/core/err.h"

/* The platform's sockets: the tunnel's port, the API's, the control socket. */

struct platform;

/* Open them all, as the settings say; `fail` names the one that can't be. Errors: http_server_new's
 * and ws_server_new's. */
enum cx_err listeners_open(struct platform *p, struct cx_fail *fail) CX_MUST_CHECK;

/* Close them. Before web_free. */
void listeners_close(struct platform *p);

/* Issue the server's certificate anew if it is time, and put it in effect. */
void listeners_renew_certificate(struct platform *p);

/* Put the files' certificate and key in effect, as they are now. */
void listeners_reload(struct platform *p);

/* One line that says where it listens, with the ports that were taken. */
void listeners_log(const struct platform *p);

#endif
