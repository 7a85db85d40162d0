#ifndef CONNECTOR_TESTS_SUPPORT_REQUEST_ROW_H
#define CONNECTOR_TESTS_SUPPORT_REQUEST_ROW_H

/* Rows for the tests of request_build: a job in short, and the request it must give. */

#include "common/core/request.h"

enum { REQUEST_ROW_FIELDS_MAX = 80, REQUEST_ROW_VARIABLES_MAX = 32 };

#define REQUEST_ROW_URL "https://idp.example/token"
#define REQUEST_ROW_HEADERS                                                                        \
    "Accept: application/json, */*;q=0.5\n"                                                        \
    "Content-Type: application/x-www-form-urlencoded\n"

struct request_row {
    const char *why;
    const char *url;
    struct request_row_field {
        enum field_place place; /* PLACE_UNKNOWN ends them */
        const char *key, *value;
    } fields[8];
    enum http_method method;     /* METHOD_UNKNOWN: POST */
    enum body_encoding encoding; /* ENCODING_UNKNOWN: form */
    enum client_method client;
    const char *id, *secret;
    const struct request_keeper *keeper; /* NULL: keeps nothing */
    const char *want_url, *want_headers; /* each header line ends with '\n' */
    const char *want_body;               /* NULL: no body */
    enum cx_err err;                     /* not CX_OK: refused, and that is how */
    enum stage stage;
    const char *says;
};

/* A job and the arrays it points to. */
struct request_row_job {
    struct msg_job job;
    struct msg_field fields[REQUEST_ROW_FIELDS_MAX];
    struct msg_variable variables[REQUEST_ROW_VARIABLES_MAX];
};

/* The row's job; every job has the same variables (see the .c file). */
void request_row_job(struct request_row_job *m, const struct request_row *row);

/* Build each row's job and compare; the test fails at the first difference. */
void request_row_check(const struct request_row *rows, size_t nrows);

#endif
