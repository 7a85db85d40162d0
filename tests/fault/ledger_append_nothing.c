#include "agent/io/ledger_file.h"

/* In the place of agent/io/ledger_append.c in a build with CONNECTOR_WITHOUT_LEDGER_WRITES: what
 * was noted is thrown away, and said to be written. */
int ledger_file_append(struct ledger_file *file, struct buf *frame)
{
    (void)file;
    buf_clear(frame);
    return 0;
}
