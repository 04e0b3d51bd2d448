/* Requests and answers of every kind that a good peer sends (messages.h). */
#include "messages.h"

#include <stdio.h>
#include <string.h>

#include "mutate.h"

/* Each has a number in its target. */
static const char *const requests[] = {
    "GET /%llu HTTP/1.1\r\nHost: h.example\r\n\r\n",
    "GET /%llu?a=b&c HTTP/1.1\r\nHost: h.example:80\r\nUser-Agent: storm\r\nAccept: */*\r\n\r\n",
    "HEAD /%llu HTTP/1.1\r\nHost: h.example\r\n\r\n",
    "POST /%llu HTTP/1.1\r\nHost: h.example\r\nContent-Length: 5\r\n\r\nhello",
    "POST /%llu HTTP/1.1\r\nHost: h.example\r\nContent-Length: 0\r\n\r\n",
    "PUT /%llu HTTP/1.1\r\nHost: h.example\r\nContent-Length: 43\r\n\r\n"
    "GET /smuggled HTTP/1.1\r\nHost: h.example\r\n\r\n",
    "POST /%llu HTTP/1.1\r\nHost: h.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "POST /%llu HTTP/1.1\r\nHost: h.example\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\nConnection: "
    "TE\r\n"
    "Trailer: X-Sum\r\n\r\n3;a=b\r\nabc\r\nA;c=\"d\\\"e\"\r\n0123456789\r\n0;x\r\nX-Sum: 9\r\nHost: "
    "evil.example\r\n\r\n",
    "POST /%llu HTTP/1.1\r\nHost: h.example\r\nTransfer-Encoding: chunked\r\n\r\n2b\r\n"
    "GET /smuggled HTTP/1.1\r\nHost: h.example\r\n\r\n\r\n0\r\n\r\n",
    "POST /%llu HTTP/1.1\r\nHost: h.example\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    "GET http://h.example/%llu HTTP/1.1\r\nHost: h.example\r\n\r\n",
    "OPTIONS /%llu HTTP/1.1\r\nHost: h.example\r\nMax-Forwards: 3\r\n\r\n",
    "DELETE /%llu HTTP/1.1\r\nHost: h.example\r\nConnection: X-Hop\r\nX-Hop: 1\r\nCookie: a=1\r\nCookie: "
    "b=2\r\n\r\n",
    "GET /%llu HTTP/1.0\r\nHost: h.example\r\nConnection: keep-alive\r\n\r\n",
    "\r\nGET /%llu HTTP/1.1\r\nHost: h.example\r\nAccept:\r\nX-Forwarded-For: 127.0.0.9\r\n\r\n",
    "GET /%llu HTTP/1.1\r\nHost: h.example\r\nX-Long: "
    "abcdefghijklmnopqrstuvwxyz0123456789\xe4\xf6\xfc\r\n\r\n",
    "GET /%llu HTTP/1.1\r\nHost: h.example\r\nConnection: close\r\n\r\n",
    "GET /%llu/a/./b/../c%%20d HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n",
};

/* Each has the token in a field. */
static const char *const answers[] = {
    "HTTP/1.1 200 OK\r\nX-Answer: %s\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nX-Answer: %s\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX-Answer: %s\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "HTTP/1.1 404 Not Found\r\nX-Answer: %s\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
    "2;a=b\r\nok\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\nSet-Cookie: e=1\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nX-Answer: %s\r\nContent-Length: "
    "2\r\n\r\nok",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nX-Answer: %s\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nX-Answer: %s\r\nConnection: close\r\n\r\nuntil the end",
    "HTTP/1.0 200 OK\r\nX-Answer: %s\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 \r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-Answer: %s\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nX-Answer: %s\r\nKeep-Alive: timeout=5\r\nConnection: keep-alive, X-Hop\r\nX-Hop: "
    "1\r\n"
    "Content-Length: 65\r\n\r\nHTTP/1.1 200 OK\r\nX-Answer: 1.0.fefefefe\r\nContent-Length: 4\r\n\r\nevil",
};

/* Without a body: to HEAD, or because of the status. */
static const char *const bodiless[] = {
    "HTTP/1.1 200 OK\r\nX-Answer: %s\r\nContent-Length: 100\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX-Answer: %s\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 204 No Content\r\nX-Answer: %s\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nX-Answer: %s\r\nETag: \"x\"\r\nContent-Length: 100\r\n\r\n",
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

size_t message_request(char *out, uint64_t number, uint64_t *state)
{
    const char *format = requests[chance(state, COUNT(requests))];
    return (size_t)snprintf(out, MESSAGE_BYTES, format, (unsigned long long)number);
}

size_t message_answer(char *out, const char *token, int to_head, uint64_t *state)
{
    const char *format = to_head ? bodiless[chance(state, 2)] : answers[chance(state, COUNT(answers))];
    if (chance(state, 8) == 0)
        format = bodiless[2 + chance(state, 2)];
    return (size_t)snprintf(out, MESSAGE_BYTES, format, token);
}

#pragma GCC diagnostic pop
