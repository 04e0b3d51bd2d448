/*
 * url_fetcher: fetches all the URLs at once, and waits two seconds for those that are slow.
 *
 *     url_fetcher URL...
 *     url_fetcher http://example.com/ https://example.org/
 *
 * One greenlet for each, one wait for all of them; what has not come by then is cancelled.
 */
#include <green.h>
#include <stdio.h>
#include <stdlib.h>

#define PATIENCE   GREEN_S(2)
#define MOST_BYTES (10 << 20)

static void *fetch(void *arg)
{
    const char *url = arg;
    char *body;
    size_t size;
    green_time begin = green_now();
    int status = green_http_get(url, &body, &size, MOST_BYTES, GREEN_FOREVER);
    if (status >= 0)
        printf("%s: %d, %zu bytes in %.3f s\n", url, status, size, (double)(green_now() - begin) / 1e9);
    else if (status != -ECANCELED)
        printf("%s: %s\n", url, green_strerror(status));
    if (status < 0)
        green_fail(status);
    free(body);
    return NULL;
}

int main(int argc, char **argv)
{
    int count = argc - 1, started = 0, r = 0;
    if (!count) {
        fprintf(stderr, "usage: url_fetcher URL...\n");
        return 2;
    }
    green_t **jobs = calloc((size_t)count, sizeof *jobs);
    if (!jobs)
        return 1;
    for (; started < count && r == 0; started += r == 0) {
        jobs[started] = green_spawn(fetch, argv[started + 1]);
        r = jobs[started] ? 0 : -ENOMEM;
    }
    if (r == 0)
        r = green_joinall(jobs, (size_t)count, 0, 0, green_in(PATIENCE));
    for (int i = 0; i < started; i++)
        if (!green_done(jobs[i]))
            printf("%s: not there after %d s\n", argv[i + 1], (int)(PATIENCE / GREEN_S(1)));
    int killed = green_killall(jobs, (size_t)started, GREEN_FOREVER), failed = r < 0 || killed < 0;
    for (int i = 0; i < started; i++) {
        failed |= green_status(jobs[i]) < 0;
        green_release(jobs[i]);
    }
    free(jobs);
    return failed;
}
