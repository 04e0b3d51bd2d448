/* What authorities say of the revocation of our own certificates, sent along in handshakes (OCSP stapling). */
#ifndef CONF_OCSP_H
#define CONF_OCSP_H

/* Included by conf.h, which defines CONF_WRITTEN and CONF_LIST. */

struct conf_ocsp {
    int stapling; /* responses are fetched */
    CONF_LIST(struct conf_written, files, file_count);
};

#endif
