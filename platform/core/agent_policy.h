#ifndef CONNECTOR_PLATFORM_CORE_AGENT_POLICY_H
#define CONNECTOR_PLATFORM_CORE_AGENT_POLICY_H

#include "common/core/message.h"

/* What an agent tells of its policy, as the JSON that the API shows:
 * {"rules":[{"name":"hr","url":"https://…","methods":["POST"]}]}; url and methods are left out
 * where the agent keeps them to itself. To be freed by free(); NULL if out of memory. Pure. */
char *agent_policy_json(const struct msg_policy *policy);

#endif
