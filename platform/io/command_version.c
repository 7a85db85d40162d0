#include "common/core/message.h"
#include "platform/io/commands.h"

#include <libwebsockets.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdio.h>

enum cli_status command_version(const struct cli_args *args)
{
    (void)args;
    printf("connector-platform %s\n", CONNECTOR_VERSION);
    printf("protocol %s\n", MSG_SUBPROTOCOL);
    printf("libwebsockets %s, SQLite %s, %s\n", lws_get_library_version(), sqlite3_libversion(),
           OpenSSL_version(OPENSSL_VERSION));
    return CLI_DONE;
}
