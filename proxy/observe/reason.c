/* The table of reasons. Whatever makes up a new one adds its row here; a test looks for those that are missing. */
#include "reason.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "http/error.h"

#define PROXY    REASON_PROXY
#define CLIENT   REASON_CLIENT
#define RULE     REASON_RULE
#define UPSTREAM REASON_UPSTREAM

/* clang-format off */
static const struct reason own[] = {
    {"other", "", PROXY, "a reason without a row of its own; the access log names it"},
    {"no_memory", "", PROXY, "the process or the machine is short of memory"},
    {"disk_timeout", "timeout_disk", PROXY, "the disk did not answer in time; look at its health before raising the limit"},
    {"file_unreadable", "", PROXY, "a file could not be read to its end; the error log and the disk may say why"},
    {"file_unreadable", "root", PROXY, "a file could not be read; check its permissions and the disk"},
    {"file_no_resources", "root", PROXY, "too few descriptors or too little memory to open a file; raise the process's limits"},
    {"buffer_unreadable", "", PROXY, "a buffered body could not be read again; look at the disk of temp_path"},
    {"buffer_unwritable", "request_buffering", PROXY, "a body could not be buffered; look at temp_path and its permissions"},
    {"buffer_full", "request_buffering", PROXY, "the disk of temp_path is full; free some, or move temp_path"},
    {"field_too_long", "request_header", RULE, "a header rule makes a field that is too long"},
    {"field_too_long", "response_header", RULE, "a header rule makes a field that is too long"},
    {"answer_too_long", "respond", RULE, "an answer that is made here grows beyond its limit"},
    {"answer_too_long", "redirect", RULE, "the place that is redirected to grows beyond its limit"},
    {"shutdown", "", PROXY, "a tunnel was cut off when the process ended"},
    {"killed", "", PROXY, "an operator ended the connection (greenway ctl connections kill)"},
    {"cut_by_reload", "reload_grace", PROXY, "what a reload removed had not ended in time; raise reload_grace"},
    {"connect_no_resources", "server", PROXY, "no descriptor, port or memory for a connection; raise LimitNOFILE"},
    {"shed", "max_connections", PROXY, "a connection gave its place up to others; raise max_connections if there is memory"},
    {"too_many_connections", "max_connections", PROXY, "every place was taken; raise max_connections or add machines"},
    {"overload", "overload", PROXY, "descriptors or memory were short; the error log says which: raise LimitNOFILE or max_memory"},
    {"password_checks_busy", "timeout_auth", PROXY, "too many passwords were waiting to be checked"},

    {"client_gone", "", CLIENT, "the client left before its answer; often it is tired of waiting"},
    {"client_reset", "", CLIENT, "the client reset its tunnel"},
    {"head_timeout", "timeout_head", CLIENT, "a client was too slow to send a request's head"},
    {"body_timeout", "timeout_body", CLIENT, "a client stopped in the middle of its request's body"},
    {"body_too_slow", "min_rate", CLIENT, "a client sent its body more slowly than allowed"},
    {"write_timeout", "timeout_write", CLIENT, "a client took nothing of what it asked for"},
    {"client_too_slow", "min_rate_write", CLIENT, "a client read more slowly than allowed"},
    {"idle_timeout", "timeout_tunnel", CLIENT, "a tunnel was silent for too long; raise timeout_tunnel if that is usual"},
    {"tunnel_timeout", "max_tunnel_time", RULE, "a tunnel lived as long as it may"},
    {"absolute_target_required", "", CLIENT, "a client takes the forward proxy for a web server"},
    {"https_needs_connect", "", CLIENT, "a client asks for an https URL without CONNECT"},
    {"bad_destination", "", CLIENT, "the destination of a request cannot be understood"},
    {"range_not_satisfiable", "root", CLIENT, "a range beyond the end of a file"},
    {"precondition_failed", "root", CLIENT, "the file is not the one that the client wants"},
    {"file_not_found", "root", CLIENT, "no such file"},
    {"file_forbidden", "root", CLIENT, "the file may not be read; check its permissions if it should be"},
    {"file_outside_root", "root", CLIENT, "a link leads out of root"},
    {"root_not_found", "root", PROXY, "the folder of root does not exist or may not be entered"},
    {"host_missing", "redirect", CLIENT, "a request without a host cannot be redirected to one"},
    {"tls_name_unknown", "certificate", CLIENT, "a client asked for a name that no certificate is for"},
    {"tls_certificate_refused", "certificate", CLIENT, "a client does not accept the certificate; is it expired, or is its chain incomplete?"},
    {"tls_name_unrouted", "tls_route", CLIENT, "a client asked for a name that no tls_route is for; add one, or an upstream for all the rest"},
    {"client_hello_malformed", "tls_route", CLIENT, "a client began its TLS against the protocol"},
    {"client_hello_too_large", "tls_route", CLIENT, "a client's first message of TLS is larger than 16 KiB"},
    {"tls_not_spoken", "tls_route", CLIENT, "what a client sent is not TLS; an upstream in the listener would get it"},
    {"proxy_header_malformed", "proxy_protocol", CLIENT, "what came is no header of the PROXY protocol; does the load balancer send it?"},
    {"proxy_header_timeout", "timeout_proxy_protocol", CLIENT, "the header of the PROXY protocol did not come in time"},
    {"proxy_header_truncated", "", CLIENT, "a connection ended within the header of the PROXY protocol"},
    {"proxy_header_untrusted", "proxy_protocol_from", RULE, "somebody connects who may not speak for others; is it a load balancer that is missing in proxy_protocol_from?"},
    {"tls_refused", "", CLIENT, "a client broke its handshake off with an alert"},
    {"client_tls_version", "tls_min_version", CLIENT, "a client speaks only versions of TLS that are too old"},
    {"client_no_shared_protocol", "alpn", CLIENT, "a client offers only application protocols that are not spoken here"},
    {"tls_no_shared_cipher", "tls_profile", CLIENT, "a client offers only ciphers that are not secure"},
    {"client_without_tls", "tls", CLIENT, "what a client sent is not TLS"},
    {"plain_http_on_tls_port", "tls", CLIENT, "a client sent plain HTTP to a port with TLS"},
    {"tls_handshake_timeout", "timeout_handshake", CLIENT, "a client did not complete its handshake in time"},
    {"tls_handshake_closed", "", CLIENT, "a client left in the middle of its handshake"},
    {"tls_handshake_failed", "", CLIENT, "a handshake with a client went wrong"},
    {"too_many_handshakes", "max_handshakes", PROXY, "a handshake gave its place up to others; raise max_handshakes if that is no attack"},
    {"client_certificate_missing", "client_certificate", RULE, "a client has shown no certificate"},
    {"client_certificate_expired", "client_certificate", RULE, "a client's certificate has expired"},
    {"client_certificate_not_yet_valid", "client_certificate", RULE, "a client's certificate is not valid yet; compare the clocks"},
    {"client_certificate_misused", "client_certificate", RULE, "a client's certificate is not made for clients"},
    {"client_certificate_invalid", "client_certificate", RULE, "a client's certificate does not stand"},
    {"client_certificate_chain_too_long", "client_certificate_depth", RULE, "there are too many authorities above a client's certificate"},
    {"client_certificate_untrusted", "client_ca", RULE, "a client's certificate is not signed by an authority in client_ca"},
    {"client_certificate_revoked", "client_crl", RULE, "a client's certificate has been revoked"},
    {"client_crl_missing", "client_crl", RULE, "client_crl has no list of an authority in a client's chain"},
    {"client_crl_expired", "client_crl", RULE, "a revocation list is out of date; fetch a new one"},
    {"host_missing", "redirect_https", CLIENT, "a request without a host cannot be redirected to one"},
    {"answer_too_long", "redirect_https", CLIENT, "the place that is redirected to grows beyond its limit"},

    {"no_route", "upstream", RULE, "no route matches; add one, or an upstream to the listener for all the rest"},
    {"match_too_costly", "host", RULE, "a regular expression takes too long; make it simpler or anchor it"},
    {"match_too_costly", "path", RULE, "a regular expression takes too long; make it simpler or anchor it"},
    {"rewrite_too_costly", "rewrite", RULE, "a regular expression takes too long; make it simpler or anchor it"},
    {"rewritten_invalid", "rewrite", RULE, "a rewritten target is no valid one"},
    {"rewritten_too_long", "rewrite", RULE, "a rewritten target is too long"},
    {"upstream_host_invalid", "upstream_host", RULE, "upstream_host makes a host that is none"},
    {"source_denied", "deny", RULE, "the client's network is denied"},
    {"source_denied", "allow", RULE, "the client's network is not among those allowed"},
    {"method_not_allowed", "methods", RULE, "the method is not among those allowed"},
    {"method_not_allowed", "root", RULE, "files are read with GET and HEAD only"},
    {"rate_limited", "rate_limit", RULE, "a client asks more often than rate_limit allows"},
    {"rate_limit_dry_run", "rate_limit", RULE, "would have been refused if the limit were in force"},
    {"too_many_requests_of_source", "max_requests_per_source", RULE, "one source has too many requests under way"},
    {"too_many_connections_of_source", "max_connections_per_source", RULE, "one source has too many connections"},
    {"body_too_large", "max_body", RULE, "a request's body is larger than max_body"},
    {"head_too_large", "max_head", RULE, "a request's head is larger than max_head"},
    {"too_many_fields", "max_fields", RULE, "a request has more fields than max_fields"},
    {"target_too_long", "max_target", RULE, "a request's target is longer than max_target"},
    {"request_timeout", "timeout_request", RULE, "a request took longer than it may in all"},
    {"maintenance", "maintenance", RULE, "maintenance is switched on"},
    {"maintenance", "maintenance_file", RULE, "the file of maintenance_file exists"},
    {"loop_detected", "max_loops", RULE, "requests run in a circle; look at where the upstream leads"},
    {"destination_denied", "allow_destinations", RULE, "the destination is not among those allowed"},
    {"destination_denied", "deny_destinations", RULE, "the destination is denied"},
    {"destination_denied", "allow_ports", RULE, "the port is not among those allowed"},
    {"destination_denied", "allow_internal", RULE, "the destination is an internal address"},
    {"destination_denied", "bind", RULE, "the destination is this proxy itself"},
    {"password_missing", "basic_auth", RULE, "no password was given; browsers ask for it then"},
    {"password_wrong", "basic_auth", RULE, "wrong passwords; many of them are somebody guessing"},
    {"token_missing", "jwt", RULE, "no token was given"},
    {"token_malformed", "jwt", RULE, "a token is malformed"},
    {"token_algorithm", "jwt", RULE, "a token is signed with an algorithm that is not accepted"},
    {"token_key_unknown", "jwt", RULE, "a token is signed with an unknown key; was the key replaced?"},
    {"token_signature", "jwt", RULE, "the signature of a token is wrong"},
    {"token_expired", "jwt", RULE, "a token has expired"},
    {"token_early", "jwt", RULE, "a token is not valid yet; compare the clocks"},
    {"token_issuer", "jwt", RULE, "a token is from another issuer"},
    {"token_audience", "jwt", RULE, "a token is for another audience"},
    {"token_claim", "jwt", RULE, "a token lacks a claim that is needed"},
    {"forward_auth_denied", "forward_auth", RULE, "the service that was asked said no"},

    {"forward_auth_failed", "forward_auth", UPSTREAM, "the service that decides about requests gave no valid answer"},
    {"forward_auth_timeout", "timeout_response", UPSTREAM, "the service that decides about requests took too long"},
    {"no_server", "server", UPSTREAM, "no server of the upstream was left to try"},
    {"servers_disabled", "server", UPSTREAM, "operators have drained or disabled all servers; greenway ctl servers shows them"},
    {"servers_down", "health_check", UPSTREAM, "health checks say that all servers are down; the error log says why"},
    {"connect_failed", "server", UPSTREAM, "a server refuses connections or cannot be reached; does it run?"},
    {"connect_timeout", "timeout_connect", UPSTREAM, "a server did not take a connection in time; is it there, or overloaded?"},
    {"dns_failed", "server", UPSTREAM, "a server's name does not resolve"},
    {"dns_timeout", "timeout_connect", UPSTREAM, "the name servers did not answer in time"},
    {"tls_handshake_failed", "tls", UPSTREAM, "the handshake with a server went wrong"},
    {"tls_handshake_timeout", "timeout_tls", UPSTREAM, "a server did not complete its handshake in time"},
    {"tls_handshake_closed", "tls", UPSTREAM, "a server closed the connection during the handshake"},
    {"tls_not_spoken", "tls", UPSTREAM, "a server does not speak TLS on that port"},
    {"tls_refused", "tls", UPSTREAM, "a server broke the handshake off with an alert; look at its log"},
    {"tls_name_refused", "tls_name", UPSTREAM, "a server has no certificate for the name that it was asked for; set tls_name"},
    {"tls_name_mismatch", "tls_name", UPSTREAM, "a server's certificate is for another name; set tls_name if that is in order"},
    {"tls_certificate_expired", "tls_verify", UPSTREAM, "a server's certificate has expired"},
    {"tls_certificate_not_yet_valid", "tls_verify", UPSTREAM, "a server's certificate is not valid yet; compare the clocks"},
    {"tls_certificate_misused", "tls_verify", UPSTREAM, "a server's certificate is not made for servers"},
    {"tls_certificate_invalid", "tls_verify", UPSTREAM, "a server's certificate does not stand"},
    {"tls_certificate_untrusted", "tls_ca", UPSTREAM, "a server's certificate is not signed by a trusted authority; set tls_ca to its own"},
    {"tls_certificate_self_signed", "tls_ca", UPSTREAM, "a server's certificate is signed by itself; set tls_ca to it"},
    {"tls_certificate_revoked", "tls_crl", UPSTREAM, "a server's certificate has been revoked"},
    {"tls_crl_missing", "tls_crl", UPSTREAM, "tls_crl has no list of an authority in a server's chain"},
    {"tls_crl_expired", "tls_crl", UPSTREAM, "a revocation list is out of date; fetch a new one"},
    {"tls_client_certificate_refused", "tls_certificate", UPSTREAM, "a server does not accept our certificate, or wants one"},
    {"tls_protocol_version", "tls_min_version", UPSTREAM, "a server speaks only versions of TLS that are too old"},
    {"tls_no_shared_protocol", "alpn", UPSTREAM, "a server speaks none of the application protocols offered"},
    {"request_write_timeout", "timeout_write", UPSTREAM, "a server did not take the request's body in time"},
    {"response_timeout", "timeout_response", UPSTREAM, "a server took too long to begin its answer"},
    {"queue_full", "queue_max", UPSTREAM, "every server was full and too many waited already; add servers, or raise max_connections"},
    {"servers_full", "max_connections", UPSTREAM, "every server was full, and queue_max is 0"},
    {"servers_full", "max_requests", UPSTREAM, "so many requests were under way already, and queue_max is 0"},
    {"servers_full", "server", UPSTREAM, "every server had its max_connections, and queue_max is 0"},
    {"queue_timeout", "queue_timeout", UPSTREAM, "no server had a place in time; add servers, or raise max_connections"},
    {"try_timeout", "timeout_try", UPSTREAM, "a server took too long for one try, and there was no other; timeout in retry_on makes one"},
    {"read_timeout", "timeout_read", UPSTREAM, "a server stopped in the middle of its answer"},
    {"response_too_slow", "min_rate_response", UPSTREAM, "a server sent its answer more slowly than allowed"},
    {"upstream_closed", "", UPSTREAM, "a server closed the connection instead of answering; look at its log"},
    {"upstream_lost", "timeout_ack", UPSTREAM, "a server's machine does not acknowledge what is sent to it; is it there, and the way to it?"},
    {"upstream_truncated", "", UPSTREAM, "a server's answer broke off in the middle; look at its log"},
    {"upstream_reset", "", UPSTREAM, "a server reset its tunnel"},
    {"too_many_interim_answers", "", UPSTREAM, "a server sent interim answers without end"},
    {"upgrade_before_body", "", UPSTREAM, "a server switched protocols before it had all of the request"},
    {"origin_wants_proxy_login", "", UPSTREAM, "a server answered 407, which only proxies do"},
};

static const struct reason malformed[] = {
#define MESSAGE(name, reason, status, sentence) {reason, "", REASON_MESSAGE, sentence},
    HTTP_ERRORS(MESSAGE)
};
/* clang-format on */

#define OWN       (sizeof own / sizeof own[0])
#define MALFORMED (sizeof malformed / sizeof malformed[0])
_Static_assert(OWN + MALFORMED <= REASONS_MOST, "REASONS_MOST is too small");

const size_t reason_count = OWN + MALFORMED;

const struct reason *reason_at(size_t index)
{
    return index < OWN ? &own[index] : &malformed[index - OWN];
}

size_t reason_find(const char *name, const char *directive)
{
    size_t found = 0;
    const char *wanted = directive ? directive : "";
    for (size_t i = 1; i < reason_count; i++) {
        const struct reason *r = reason_at(i);
        if (strcmp(r->name, name) != 0)
            continue;
        if (strcmp(r->directive, wanted) == 0)
            return i;
        found = found ? found : i;
    }
    return found;
}

const char *reason_side_name(enum reason_side side)
{
    static const char *const names[] = {[REASON_PROXY] = "proxy",
                                        [REASON_CLIENT] = "client",
                                        [REASON_RULE] = "rule",
                                        [REASON_UPSTREAM] = "upstream",
                                        [REASON_MESSAGE] = "message"};
    return names[side];
}
