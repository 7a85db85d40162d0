#ifndef CONNECTOR_AGENT_IO_RELOAD_H
#define CONNECTOR_AGENT_IO_RELOAD_H

struct agent;

/* SIGHUP: read agent.conf and the policy directory anew and check them whole. Without a fault the
 * reloadable settings and what their files hold take effect, and the tunnels that are up tell the
 * platform of the policy; neither a tunnel nor a job ends. With a fault nothing changes. What came
 * of it is in the log and in the agent's `reload`. */
void agent_reload(struct agent *a);

#endif
