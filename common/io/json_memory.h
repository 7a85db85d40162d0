#ifndef CONNECTOR_COMMON_IO_JSON_MEMORY_H
#define CONNECTOR_COMMON_IO_JSON_MEMORY_H

/* Give jansson an allocator that wipes what it frees: its values hold passwords and tokens. Once a
 * process, before its first use. */
void json_memory_init(void);

#endif
