#ifndef CONNECTOR_AGENT_CORE_LEDGER_BYTES_H
#define CONNECTOR_AGENT_CORE_LEDGER_BYTES_H

#include <stdint.h>

/* Big-endian numbers in the ledger's file. */

static inline void ledger_put_u32(uint8_t out[4], uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        out[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

static inline void ledger_put_u64(uint8_t out[8], uint64_t value)
{
    ledger_put_u32(out, (uint32_t)(value >> 32));
    ledger_put_u32(out + 4, (uint32_t)value);
}

static inline uint32_t ledger_get_u32(const uint8_t in[4])
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

static inline uint64_t ledger_get_u64(const uint8_t in[8])
{
    return (uint64_t)ledger_get_u32(in) << 32 | ledger_get_u32(in + 4);
}

#endif
