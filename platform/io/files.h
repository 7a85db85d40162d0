#ifndef CONNECTOR_PLATFORM_IO_FILES_H
#define CONNECTOR_PLATFORM_IO_FILES_H

#include "platform/io/settings.h"

/* The files that the settings name: are they there, for their owner only, and do they belong
 * together? Every fault is added to `faults`. Nothing is changed. True if there was none. */
bool platform_files_check(const struct platform_settings *s, struct faults *faults);

#endif
