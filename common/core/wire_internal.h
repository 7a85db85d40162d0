#ifndef CONNECTOR_COMMON_CORE_WIRE_INTERNAL_H
#define CONNECTOR_COMMON_CORE_WIRE_INTERNAL_H

#include "common/core/message.h"

/* What the reading and the writing half of the codec share; private to it. */

enum wire_need { WIRE_OPTIONAL, WIRE_REQUIRED };

struct wire_range {
    uint64_t min, max;
};

/* One range for each number of the protocol that has one, for both halves. */
static const struct wire_range wire_u32 = {0, UINT32_MAX};
static const struct wire_range wire_u64 = {0, UINT64_MAX};
static const struct wire_range wire_capacity = {1, MSG_CAPACITY_MAX};
static const struct wire_range wire_tunnel = {0, MSG_TUNNELS_MAX - 1};
static const struct wire_range wire_heartbeat_ms = {MSG_HEARTBEAT_MS_MIN, MSG_HEARTBEAT_MS_MAX};
static const struct wire_range wire_message_bytes = {MSG_MESSAGE_BYTES_MIN, MSG_MESSAGE_BYTES_MAX};

#endif
