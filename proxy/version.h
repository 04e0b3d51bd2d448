/* What this program is made of. */
#ifndef PROXY_VERSION_H
#define PROXY_VERSION_H

/* Prints the version; also what TLS is made by, if something is to be reported. */
void version_print(void);
void version_print_all(void);

#endif
