/* The login form. It has no script; its style is named by its hash. */
#include "admin_login.h"

#include <stdio.h>
#include <string.h>

#include "login_page.h"

#define FORM_BYTES  2048
#define TOKEN_BYTES 512

/* The form stands between the two halves of the page, with a line for who gave a wrong token in between. */
int admin_ask_for_token(green_http_exchange_t *x, bool again)
{
    static const char wrong[] = "<p role=\"alert\">That is not the token.</p>";
    const char *accept = green_http_field(x, "Accept");
    int r = green_http_set(x, "WWW-Authenticate", "Bearer realm=\"greenway\"");
    if (r == 0 && (!accept || !strstr(accept, "text/html"))) {
        static const char text[] = "a token is needed: Authorization: Bearer TOKEN\n";
        return green_http_answer(x, 401, "text/plain; charset=utf-8", text, sizeof text - 1, GREEN_FOREVER);
    }
    size_t extra = again ? sizeof wrong - 1 : 0;
    if (r == 0)
        r = green_http_set(x, "Content-Security-Policy", LOGIN_PAGE_POLICY);
    if (r == 0)
        r = green_http_set(x, "Content-Type", "text/html; charset=utf-8");
    if (r == 0)
        r = green_http_begin(x, 401, (int64_t)(login_page_size + extra));
    const char *middle = strstr(login_page, "<form");
    size_t before = (size_t)(middle - login_page);
    if (r == 0)
        r = green_http_write(x, login_page, before, GREEN_FOREVER);
    if (r == 0 && extra)
        r = green_http_write(x, wrong, extra, GREEN_FOREVER);
    if (r == 0)
        r = green_http_write(x, middle, login_page_size - before, GREEN_FOREVER);
    return r;
}

/* All of a short body; -1 if it is longer or breaks off. */
static int read_form(green_http_exchange_t *x, char *form, size_t room)
{
    size_t n = 0;
    ssize_t got = 1;
    while (n + 1 < room && (got = green_http_read(x, form + n, room - 1 - n, GREEN_FOREVER)) > 0)
        n += (size_t)got;
    form[n] = 0;
    return got == 0 && strlen(form) == n ? 0 : -1;
}

static int go_to_dashboard(green_http_exchange_t *x)
{
    int r = green_http_set(x, "Location", "/");
    return r < 0 ? r : green_http_answer(x, 303, NULL, "", 0, GREEN_FOREVER);
}

int admin_login(struct admin_sessions *sessions, const char *token, green_http_exchange_t *x)
{
    char form[FORM_BYTES], given[TOKEN_BYTES], cookie[256];
    const char *id;
    if (!token)
        return go_to_dashboard(x);
    int n = read_form(x, form, sizeof form) == 0 ? admin_form_value(form, "token", given, sizeof given) : -1;
    if (n < 0 || !admin_same_secret(given, (size_t)n, token))
        return admin_ask_for_token(x, true);
    int r = admin_session_begin(sessions, &id);
    if (r < 0)
        return r;
    snprintf(cookie, sizeof cookie, ADMIN_COOKIE "=%s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Strict", id,
             (long long)(ADMIN_SESSION_LENGTH / GREEN_S(1)));
    r = green_http_set(x, "Set-Cookie", cookie);
    return r < 0 ? r : go_to_dashboard(x);
}

int admin_logout(struct admin_sessions *sessions, green_http_exchange_t *x)
{
    admin_session_end(sessions, x);
    int r = green_http_set(x, "Set-Cookie", ADMIN_COOKIE "=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
    return r < 0 ? r : go_to_dashboard(x);
}
