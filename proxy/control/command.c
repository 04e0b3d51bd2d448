/* Lines taken apart. Words stand between blanks; there is no quoting, for no name of a configuration has a blank. */
#include "control/command.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static const char *take_words(char *line, struct control_command *out)
{
    for (char *p = line; *p;) {
        if (is_blank(*p)) {
            *p++ = 0;
            continue;
        }
        if (!out->json && !out->count && !strncmp(p, "json", 4) && (!p[4] || is_blank(p[4]))) {
            out->json = true;
            p += 4;
            continue;
        }
        if (out->count == CONTROL_WORDS)
            return "that are too many words";
        out->words[out->count++] = p;
        while (*p && !is_blank(*p))
            p++;
    }
    return out->json && !out->count ? "json stands in front of a command" : NULL;
}

const char *control_parse(char *line, size_t n, struct control_command *out)
{
    *out = (struct control_command){.count = 0};
    if (n && line[n - 1] == '\r')
        n--;
    line[n] = 0;
    const char *wrong = NULL;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)line[i];
        if ((c < ' ' && c != '\t') || c == 0x7f) {
            wrong = "that line has control characters in it";
            line[i] = 0; /* what stands before it may say that the answer is to be JSON */
        }
    }
    const char *many = take_words(line, out);
    wrong = wrong ? wrong : many;
    if (wrong)
        out->count = 0;
    out->words[out->count] = NULL;
    return wrong;
}

bool control_number(const char *word, unsigned long long min, unsigned long long max, unsigned long long *out)
{
    unsigned long long n = 0;
    if (!*word)
        return false;
    for (const char *p = word; *p; p++) {
        unsigned digit = (unsigned)(unsigned char)*p - '0';
        if (digit > 9 || n > max / 10 || n * 10 > max - digit)
            return false;
        n = n * 10 + digit;
    }
    *out = n;
    return n >= min && n <= max;
}

const char *control_option(const char *word, const char *name)
{
    size_t n = strlen(name);
    return !strncmp(word, name, n) && word[n] == '=' ? word + n + 1 : NULL;
}
