#ifndef CONNECTOR_COMMON_IO_CLIENT_PEM_H
#define CONNECTOR_COMMON_IO_CLIENT_PEM_H

#include "common/core/profile.h"

/* Keys and certificates of a profile's client, looked at by OpenSSL: a profile_pem_check. Of
 * private_key_jwt the key must fit the alg; of tls_client_auth it must be the certificate's. */
bool client_pem_check(const struct profile_pem *pem, const char **member, struct cx_fail *fail);

/* Is a client's member "key" a private key, a "certificate" a certificate? Any other is good.
 * Error: CX_E_CERT. */
enum cx_err client_pem_check_one(const char *member, struct slice pem,
                                 struct cx_fail *fail) CX_MUST_CHECK;

#endif
