#include "agent/io/commands.h"

#include "common/core/message.h"

#include <curl/curl.h>
#include <libwebsockets.h>
#include <openssl/crypto.h>
#include <stdio.h>

enum cli_status command_version(const struct cli_args *args)
{
    (void)args;
    printf("connector-agent %s\n", CONNECTOR_VERSION);
    printf("protocol %s\n", MSG_SUBPROTOCOL);
    printf("libwebsockets %s, %s, %s\n", lws_get_library_version(), curl_version(),
           OpenSSL_version(OPENSSL_VERSION));
    return CLI_DONE;
}
