/*
 * echo_server: sends back whatever arrives, to as many clients as come.
 *
 *     echo_server [ADDRESS]             127.0.0.1:7000 if none is given; "unix:/path" works too
 *     nc 127.0.0.1 7000
 *
 * The handler reads as if it served one client alone; each connection runs it in a greenlet of its own.
 */
#include <green.h>
#include <signal.h>
#include <stdio.h>

static int echo(green_stream_t *client, const green_address_t *address, void *arg)
{
    char buffer[4096];
    ssize_t n;
    while ((n = green_stream_read(client, buffer, sizeof buffer, GREEN_FOREVER)) > 0) {
        int r = green_stream_write_all(client, buffer, (size_t)n, NULL, GREEN_FOREVER);
        if (r < 0)
            return r;
    }
    return (int)n;
}

/* Until somebody presses Ctrl-C. */
static int serve(green_server_t *server)
{
    const int end[] = {SIGINT, SIGTERM};
    char text[GREEN_ADDRESS_TEXT];
    green_address_t address;
    green_signals_t *signals;
    int r = green_server_start(server, GREEN_FOREVER);
    if (r < 0 || (r = green_server_address(server, &address)) < 0 ||
        (r = green_signals_open(&signals, end, 2)) < 0)
        return r;
    printf("listening on %s\n", green_address_text(&address, true, text));
    fflush(stdout);
    r = green_signals_wait(signals, GREEN_FOREVER);
    green_signals_close(signals);
    int stopped = green_server_stop(server, green_in(GREEN_S(5)));
    return r < 0 ? r : stopped;
}

int main(int argc, char **argv)
{
    if (argc > 2) {
        fprintf(stderr, "usage: echo_server [ADDRESS]\n");
        return 2;
    }
    green_server_t *server;
    int r = green_server_new(&server, argc > 1 ? argv[1] : "127.0.0.1:7000", echo, NULL, NULL);
    if (r == 0) {
        r = serve(server);
        green_server_free(server);
    }
    if (r < 0)
        fprintf(stderr, "echo_server: %s\n", green_strerror(r));
    return r < 0;
}
