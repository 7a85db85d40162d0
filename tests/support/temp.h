#ifndef CONNECTOR_TESTS_SUPPORT_TEMP_H
#define CONNECTOR_TESTS_SUPPORT_TEMP_H

/* A folder of its own for one test, below $TMPDIR or /tmp. Failures end the test. */
struct temp {
    char folder[256];
};

void temp_init(struct temp *t);
void temp_done(struct temp *t); /* removes the folder and all that is in it */

/* FOLDER/name, in one of a few static buffers that are used in turn. */
const char *temp_path(const struct temp *t, const char *name);

/* Write FOLDER/name with the text and mode; gives its path. */
const char *temp_write(const struct temp *t, const char *name, const char *text, unsigned mode);

#endif
