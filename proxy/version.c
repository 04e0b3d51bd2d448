/* The version, in one line and in several (version.h). */
#include "version.h"

#include <stdio.h>

#include <green.h>

void version_print(void)
{
    puts("greenway " GREENWAY_VERSION);
}

void version_print_all(void)
{
    const char *missing = green_tls_kernel_missing();
    version_print();
    printf("TLS: %s\n", green_tls_library());
    if (missing)
        printf("TLS in the kernel: not to be had (%s)\n", missing);
    else
        puts("TLS in the kernel: to be had, not used");
}
