/* Names and sentences for error codes. */
#include "error.h"

#include <string.h>
#include <uv.h>

static const struct {
    int code;
    const char *name, *text;
} own[] = {
    {GREEN_EAI_NONAME, "GREEN_EAI_NONAME", "no such host name"},
    {GREEN_EAI_NODATA, "GREEN_EAI_NODATA", "the name has no address of this kind"},
    {GREEN_EAI_AGAIN, "GREEN_EAI_AGAIN", "the name servers did not answer"},
    {GREEN_EAI_FAIL, "GREEN_EAI_FAIL", "the name servers refused or gave a broken answer"},
    {GREEN_EAI_BADNAME, "GREEN_EAI_BADNAME", "not a valid host name"},
    {GREEN_EAI_SERVICE, "GREEN_EAI_SERVICE", "no such service for this type of socket"},
    {GREEN_EAI_FAMILY, "GREEN_EAI_FAMILY", "address family not supported"},
    {GREEN_EAI_SOCKTYPE, "GREEN_EAI_SOCKTYPE", "type of socket not supported"},
    {GREEN_EAI_BADFLAGS, "GREEN_EAI_BADFLAGS", "bad flags for a lookup"},
    {GREEN_EAI_ADDRFAMILY, "GREEN_EAI_ADDRFAMILY", "the address is of another family"},
    {GREEN_ETLS, "GREEN_ETLS", "TLS protocol error"},
    {GREEN_ETLS_TRUNCATED, "GREEN_ETLS_TRUNCATED", "TLS connection cut off without close_notify"},
    {GREEN_ETLS_PLAINTEXT, "GREEN_ETLS_PLAINTEXT", "the peer does not speak TLS"},
    {GREEN_ETLS_ALERT, "GREEN_ETLS_ALERT", "the TLS peer refused"},
    {GREEN_ETLS_CERTIFICATE, "GREEN_ETLS_CERTIFICATE", "the TLS peer's certificate was not accepted"},
    {GREEN_ETLS_NAME, "GREEN_ETLS_NAME", "the TLS peer's certificate is for another name"},
    {GREEN_ETLS_ALPN, "GREEN_ETLS_ALPN", "no application protocol in common"},
    {GREEN_ETLS_PEM, "GREEN_ETLS_PEM", "no usable certificate or key"},
    {GREEN_ETLS_KEY, "GREEN_ETLS_KEY", "private key does not fit the certificate"},
};

#define OWN_COUNT (sizeof own / sizeof own[0])

const char *green_strerror(int error)
{
    if (error >= 0)
        return "success";
    for (size_t i = 0; i < OWN_COUNT; i++)
        if (own[i].code == error)
            return own[i].text;
    if (error > -4096) {
        const char *text = strerrordesc_np(-error);
        if (text)
            return text;
    }
    switch (error) { /* what only libuv knows: UV_EOF and its like */
#define TEXT(name, text)                                                                                     \
    case UV_##name:                                                                                          \
        return text;
        UV_ERRNO_MAP(TEXT)
#undef TEXT
    }
    return "unknown error";
}

const char *green_error_name(int error)
{
    for (size_t i = 0; i < OWN_COUNT; i++)
        if (own[i].code == error)
            return own[i].name;
    const char *name = error < 0 && error > -4096 ? strerrorname_np(-error) : NULL;
    if (name)
        return name;
    switch (error) {
#define NAME(name, text)                                                                                     \
    case UV_##name:                                                                                          \
        return "UV_" #name;
        UV_ERRNO_MAP(NAME)
#undef NAME
    }
    return "EUNKNOWN";
}
