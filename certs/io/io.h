/* io: what the other rooms of certs/ share: reading and writing files of keys and certificates
 * (files, pem), what a certificate says (facts), whether a name fits (names) and a key or signature
 * is strong enough (strength). For the sources of certs/ only. */
#ifndef CERTS_IO_IO_H
#define CERTS_IO_IO_H

#include "certs/io/facts.h"
#include "certs/io/files.h"
#include "certs/io/names.h"
#include "certs/io/pem.h"
#include "certs/io/strength.h"

#endif
