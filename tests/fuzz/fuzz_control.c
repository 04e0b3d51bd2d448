/*
 * Any bytes as a line of the control socket: words are words, numbers what they say, and whatever of it is told again is
 * one line of harmless text and valid JSON.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/command.h"
#include "control/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good)
        abort();
}

static void check_word(const char *word)
{
    char cell[REPLY_CELL_BYTES], again[32];
    unsigned long long n;
    check(*word && !strpbrk(word, " \t\r\n"));
    if (control_number(word, 1, 1000000, &n)) {
        check(n >= 1 && n <= 1000000);
        snprintf(again, sizeof again, "%llu", n);
        check(!strcmp(again, word + strspn(word, "0")));
    }
    const char *value = control_option(word, "limit");
    check(!value || !strncmp(word, "limit=", 6));
    json_t *text = reply_text(span_str(word));
    check(text != NULL);
    reply_cell(text, cell);
    for (const char *p = cell; *p; p++)
        check((unsigned char)*p >= ' ' && *p != 0x7f);
    json_decref(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char line[CONTROL_LINE_BYTES + 1];
    struct control_command command;
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    size_t n = end ? (size_t)(end - data) : size;
    if (n > CONTROL_LINE_BYTES)
        return 0;
    if (n)
        memcpy(line, data, n);
    line[n] = '\n';
    const char *wrong = control_parse(line, n, &command);
    check(command.count >= 0 && command.count <= CONTROL_WORDS && !command.words[command.count]);
    check(!wrong || !command.count);
    for (int i = 0; i < command.count; i++)
        check_word(command.words[i]);
    return 0;
}
