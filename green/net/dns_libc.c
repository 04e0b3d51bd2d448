/*
 * libc's getaddrinfo(3) and getnameinfo(3) on the threads for names (pool/threadpool.h). A question is a job that can
 * be walked away from; that it has ended comes back to the hub as a link.
 */
#include "dns_libc.h"
#include "dns_answer.h"
#include "dns_name.h"

#include <netdb.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "../pool/offload.h"

#define LIBC_TTL 1 /* seconds: libc does not tell, and may keep answers itself */

struct job {
    struct list link; /* in dns_libc.jobs */
    struct dns_query *query;
    green_offload_t *offload;
    green_link_t ended;
    bool block;
    sem_t over; /* if block */
    int kind;
    /* the outcome */
    int error;
    void *answer;
    char name[];
};

int green__from_eai(int eai)
{
    switch (eai) {
    case 0:
        return 0;
    case EAI_NONAME:
        return GREEN_EAI_NONAME;
    case EAI_NODATA:
        return GREEN_EAI_NODATA;
    case EAI_ADDRFAMILY:
        return GREEN_EAI_ADDRFAMILY;
    case EAI_AGAIN:
        return GREEN_EAI_AGAIN;
    case EAI_BADFLAGS:
        return GREEN_EAI_BADFLAGS;
    case EAI_FAMILY:
        return GREEN_EAI_FAMILY;
    case EAI_SOCKTYPE:
        return GREEN_EAI_SOCKTYPE;
    case EAI_SERVICE:
        return GREEN_EAI_SERVICE;
    case EAI_MEMORY:
        return -ENOMEM;
    case EAI_OVERFLOW:
        return -EOVERFLOW;
    case EAI_SYSTEM:
        return errno ? -errno : GREEN_EAI_FAIL;
    default:
        return GREEN_EAI_FAIL;
    }
}

/* --- on a thread of the pool -------------------------------------------------------------------------------------- */

static int ask_addresses(struct job *job)
{
    struct addrinfo hints = {.ai_family = job->kind, .ai_socktype = SOCK_STREAM, .ai_flags = AI_CANONNAME};
    struct addrinfo *found;
    int r = green__from_eai(getaddrinfo(job->name, NULL, &hints, &found));
    if (r < 0)
        return r == GREEN_EAI_ADDRFAMILY ? GREEN_EAI_NODATA : r;
    green_dns_answer_t *answer = green__dns_answer_new(
        DNS_ADDRESSES_MAX, found->ai_canonname ? found->ai_canonname : job->name, LIBC_TTL);
    for (struct addrinfo *ai = found; answer && ai && answer->count < DNS_ADDRESSES_MAX; ai = ai->ai_next)
        green__dns_answer_add(answer, ai->ai_addr, ai->ai_addrlen);
    freeaddrinfo(found);
    if (!answer)
        return -ENOMEM;
    if (!answer->count) {
        green_dns_release(answer);
        return GREEN_EAI_NODATA;
    }
    job->answer = answer;
    return 0;
}

static int ask_name(struct job *job)
{
    green_address_t address;
    char found[NI_MAXHOST], name[DNS_NAME_SIZE];
    int r = green_address_parse(&address, job->name, 0);
    if (r == 0)
        r = green__from_eai(
            getnameinfo(&address.any, address.length, found, sizeof found, NULL, 0, NI_NAMEREQD));
    if (r == 0)
        r = green__dns_name_canonical(found, name);
    if (r == 0 && !(job->answer = green__dns_records_of_name(name, LIBC_TTL)))
        r = -ENOMEM;
    return r;
}

static void *work(void *arg)
{
    struct job *job = arg;
    job->error = job->kind & DNS_RECORDS ? ask_name(job) : ask_addresses(job);
    if (job->block)
        sem_post(&job->over);
    return NULL;
}

/* By whoever has it last: the hub, or the thread that nobody waits for any more. */
static void destroy(void *arg)
{
    struct job *job = arg;
    green__dns_outcome_release(job->answer);
    sem_destroy(&job->over);
    free(job);
}

/* --- in the hub --------------------------------------------------------------------------------------------------- */

static void leave(struct job *job, int error, struct dns_outcome *answer)
{
    struct dns_query *query = job->query;
    list_remove(&job->link);
    green_unlink(&job->ended);
    green_offload_release(job->offload);
    query->done(query, error, answer);
}

static void on_ended(green_link_t *link)
{
    struct job *job = CONTAINER_OF(link, struct job, ended);
    struct dns_outcome *answer = job->answer;
    job->answer = NULL;
    leave(job, job->error, answer);
}

void green__dns_libc_init(struct dns_libc *libc)
{
    list_init(&libc->jobs);
}

void green__dns_libc_close(struct dns_libc *libc)
{
    while (!list_empty(&libc->jobs))
        leave(CONTAINER_OF(libc->jobs.next, struct job, link), GREEN_EAI_AGAIN, NULL);
}

static struct job *new_job(struct dns_query *query, const char *name, bool block)
{
    size_t size = strlen(name) + 1;
    struct job *job = calloc(1, sizeof *job + size);
    if (!job)
        return NULL;
    job->query = query;
    job->kind = query->kind;
    job->block = block;
    sem_init(&job->over, 0, 0);
    memcpy(job->name, name, size);
    return job;
}

int green__dns_libc_ask(struct dns_libc *libc, struct dns_query *query, const char *name, bool block)
{
    struct job *job = new_job(query, name, block);
    if (!job)
        return -ENOMEM;
    int r = green_offload(&job->offload, green_threads_dns(), work, job, destroy);
    if (r < 0) {
        destroy(job);
        return r == -EAGAIN ? GREEN_EAI_AGAIN : r;
    }
    list_push(&libc->jobs, &job->link);
    if (block) {
        while (sem_wait(&job->over) < 0)
            ; /* a signal */
        on_ended(&job->ended);
    } else {
        green_rawlink(green_offload_waitable(job->offload), &job->ended, on_ended);
    }
    return 0;
}
