/* facts: single facts of a certificate in our forms, without an arena. For the sources of certs/
 * only. Any thread. */
#ifndef CERTS_IO_FACTS_H
#define CERTS_IO_FACTS_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "certs/io/digest.h"

enum { FACTS_PIN_TEXT = 45, FACTS_SERIAL_TEXT = 48 };

/* RFC 2253, UTF-8 kept, control characters escaped: safe in a log line. */
#define FACTS_NAME_FLAGS (XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB)

int64_t facts_seconds(const ASN1_TIME *time); /* since 1970, UTC */
void facts_serial(const ASN1_INTEGER *serial, char *ret_text, size_t room);
bool facts_key_digest(const X509 *certificate, unsigned char ret_digest[DIGEST_SHA256_BYTES]);
bool facts_digest(const X509 *certificate, unsigned char ret_digest[DIGEST_SHA256_BYTES]);
void facts_pin(const unsigned char digest[DIGEST_SHA256_BYTES], char ret_text[FACTS_PIN_TEXT]);

#endif
