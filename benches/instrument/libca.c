/* A client on the EPICS C library for the benchmarks: `libca monitor PV`, `libca count PV`, `libca gets PV OUTSTANDING ROUNDS`.
 *
 * monitor: notes each update, prints `value received_ns` for each when its standard input closes.
 * count: only counts; prints `updates last_value` at every line that comes in.
 * gets: rounds of so many gets in one flush, then a wait for all; prints ns for each round. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cadef.h>

struct note {
    int64_t value, received;
};

static struct note *notes;
static size_t count, room = 1 << 22;
static atomic_long updates, last;
static int counting;

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void check(int status, const char *what)
{
    if (status != ECA_NORMAL) {
        fprintf(stderr, "%s: %s\n", what, ca_message(status));
        exit(4);
    }
}

static void changed(struct event_handler_args args)
{
    int64_t received = now();
    int64_t value = (int64_t)((const struct dbr_time_double *)args.dbr)->value;
    if (!counting && count < room)
        notes[count++] = (struct note){value, received};
    atomic_store(&last, value);
    atomic_fetch_add(&updates, 1);
}

static void ready(void)
{
    puts("ready");
    fflush(stdout);
}

static void monitor(chid channel)
{
    char line[256];
    check(ca_create_subscription(DBR_TIME_DOUBLE, 1, channel, DBE_VALUE, changed, NULL, NULL), "ca_create_subscription");
    check(ca_flush_io(), "ca_flush_io");
    while (atomic_load(&updates) == 0) {
        struct timespec pause = {0, 1000000};
        nanosleep(&pause, NULL);
    }
    ready();
    while (fgets(line, sizeof line, stdin) != NULL) {
        printf("%ld %ld\n", atomic_load(&updates), atomic_load(&last));
        fflush(stdout);
    }
    for (size_t i = 0; i < count; i++)
        printf("%lld %lld\n", (long long)notes[i].value, (long long)notes[i].received);
    fflush(stdout);
}

static void gets_of(chid channel, long outstanding, long rounds)
{
    double *values = calloc((size_t)outstanding, sizeof *values);
    for (long round = 0; round < rounds; round++) {
        int64_t start = now();
        for (long i = 0; i < outstanding; i++)
            check(ca_array_get(DBR_DOUBLE, 1, channel, &values[i]), "ca_array_get");
        check(ca_pend_io(10), "ca_pend_io");
        printf("%lld\n", (long long)(now() - start));
    }
    free(values);
    fflush(stdout);
}

int main(int words, char **word)
{
    chid channel;
    if (words < 3)
        return 2;
    counting = strcmp(word[1], "count") == 0;
    int preemptive = strcmp(word[1], "gets") != 0;
    notes = malloc(room * sizeof *notes);
    check(ca_context_create(preemptive ? ca_enable_preemptive_callback : ca_disable_preemptive_callback), "ca_context_create");
    check(ca_create_channel(word[2], NULL, NULL, CA_PRIORITY_DEFAULT, &channel), word[2]);
    check(ca_pend_io(5), word[2]);
    if (preemptive)
        monitor(channel);
    else if (words == 5)
        gets_of(channel, atol(word[3]), atol(word[4]));
    return 0;
}
