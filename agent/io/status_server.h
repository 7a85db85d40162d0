#ifndef CONNECTOR_AGENT_IO_STATUS_SERVER_H
#define CONNECTOR_AGENT_IO_STATUS_SERVER_H

#include "common/io/http_server.h"

struct agent;

/* Serves `GET /status` on the control socket (mode 0600): JSON, as `connector-agent status --json`
 * prints it. Errors: CX_E_EXISTS (another agent runs there), CX_E_IO, CX_E_NOMEM. */
enum cx_err status_server_new(struct agent *a, struct http_server **out,
                              struct cx_fail *fail) CX_MUST_CHECK;

#endif
