#ifndef CONNECTOR_PLATFORM_IO_SERVER_CERT_H
#define CONNECTOR_PLATFORM_IO_SERVER_CERT_H

#include "common/io/cert_make.h"
#include "platform/io/settings.h"

/* The platform's own TLS certificate, where init has made it from the platform's CA. One that an
 * admin has brought from elsewhere is never touched. */

enum { SERVER_CERT_DAYS = 365, SERVER_CERT_NAMES_MAX = 20 };

/* Make a key and a certificate for the host of public_url and the `more` names, and write both
 * files; the certificate's holds the CA's behind it, since an agent that enrols by the pin needs to
 * see it. Errors: CX_E_EXISTS (FILE_NEW), CX_E_CERT, CX_E_IO, CX_E_NOMEM … */
enum cx_err server_cert_make(const struct platform_settings *s, const struct cert_ca *ca,
                             struct cert_server_names more, struct cx_fail *fail) CX_MUST_CHECK;

/* Issue it anew, with the same key, if it is of our CA and either two thirds of its life are over
 * or it is not for public_url's host (which is added to its names). `*is_new` says whether the file
 * was replaced (the listeners are to read it again); the old one stays on error. Errors: CX_E_CERT,
 * CX_E_IO, CX_E_NOMEM … */
enum cx_err server_cert_renew(const struct platform_settings *s, const struct cert_ca *ca,
                              uint64_t now_s, bool *is_new, struct cx_fail *fail) CX_MUST_CHECK;

/* Was it issued by this CA? */
bool server_cert_is_of(X509 *leaf, const X509 *ca);

/* Is it for this host, a DNS name or an address in text? */
bool server_cert_is_for(X509 *leaf, const char *host);

#endif
