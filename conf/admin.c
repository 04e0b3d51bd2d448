/*
 * The token of the admin pages, and who must have one.
 */
#include "address.h"
#include "file.h"
#include "loader.h"
#include "syntax.h"

#include <string.h>

#define TOKEN_SHORTEST 16 /* what nobody can guess by trying */
#define TOKEN_LONGEST  256
#define TOKEN_FILE     4096
#define HIDDEN         "****************" /* in place of a token, wherever a configuration is printed */

/* What a header field and a form carry as it is. */
static const char *check_token(const char *token)
{
    size_t n = strlen(token);

    if (!strcmp(token, HIDDEN))
        return "only stands for a token in printed configurations";
    if (n < TOKEN_SHORTEST)
        return "is too short to be a secret";
    if (n > TOKEN_LONGEST)
        return "is too long";
    for (; *token; token++)
        if (*token <= ' ' || *token >= 0x7f)
            return "has a blank or a character that is not ASCII";
    return NULL;
}

/* Whatever is wrong with it, the message must not say what it is. */
static const char *parse_token(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_token *token = out;
    const char *wrong = check_token(text);

    (void)arena;
    token->secret = text;
    token->written = HIDDEN;
    return wrong;
}

static const char *parse_token_file(struct conf_arena *arena, const char *text, void *out)
{
    struct conf_token *token = out;
    const char *bytes, *wrong = conf_file_read(arena, text, TOKEN_FILE, &bytes, &(size_t){0});

    if (wrong)
        return wrong;
    size_t n = strcspn(bytes, "\r\n");

    if (bytes[n + strspn(bytes + n, "\r\n \t")])
        return "has more than one line";
    token->secret = conf_arena_copy(arena, bytes, n);
    wrong = check_token(token->secret);
    return wrong ? conf_arena_print(arena, "cannot be used: the token in it %s", wrong) : NULL;
}

static bool same_token(const void *a, const void *b)
{
    const struct conf_token *x = a, *y = b;

    return !strcmp(x->secret, y->secret);
}

const struct conf_syntax conf_token_syntax = {
    .allowed = "16 to 256 visible characters of ASCII, such as `openssl rand -hex 24` prints",
    .separators = "",
    .size = sizeof(struct conf_token),
    .secret = true,
    .parse = parse_token,
    .same = same_token,
};

const struct conf_syntax conf_token_file_syntax = {
    .allowed = "the path of a file with one line of 16 to 256 visible characters of ASCII, such as "
               "`openssl rand -hex 24` prints",
    .separators = "",
    .size = sizeof(struct conf_token),
    .parse = parse_token_file,
    .same = same_token,
};

void conf_check_admin(struct conf_loader *l)
{
    const struct conf_admin *admin = &l->conf->admin;
    const char *title = conf_kinds[CONF_GREENWAY].name;

    if (admin->token.secret && admin->token_file.secret)
        conf_error(l->errors, admin->token_file.origin, title, "admin_token_file",
                   "admin_token is set already, and there can be only one of both");
    for (size_t i = 0; i < admin->count; i++)
        if (admin->addresses[i].host && !conf_address_is_loopback(&admin->addresses[i]) &&
            !conf_admin_token(admin))
            conf_error(
                l->errors, admin->addresses[i].origin, title, "admin",
                "'%s' can be reached from other machines; set admin_token_file, or listen on 127.0.0.1 "
                "or unix:/PATH",
                admin->addresses[i].text);
}
