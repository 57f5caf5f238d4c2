/* Changes a record of the IOC that has loaded this library, on the calling thread, each at its absolute instant: what a fast driver
 * of an EPICS IOC does. The instant of each change is read just before it. */

#include <stdint.h>
#include <sys/prctl.h>
#include <time.h>

#include <dbAccess.h>

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* `count` changes, one each `period` ns, to first, first + 1, ...; `posted` may be NULL. A period below 50 us is waited for by
 * spinning. Returns how long it took, or -1. */
int64_t post(const char *name, double first, int64_t period, long count, int64_t *posted)
{
    DBADDR address;
    if (dbNameToAddr(name, &address) != 0)
        return -1;
    prctl(PR_SET_TIMERSLACK, 1);
    int64_t begun = now(), due = begun;
    for (long i = 0; i < count; i++) {
        double value = first + i;
        due += period;
        if (period >= 50000) {
            struct timespec t = {due / 1000000000, due % 1000000000};
            while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0) {
            }
        } else {
            while (now() < due) {
            }
        }
        int64_t at = now();
        if (posted)
            posted[i] = at;
        if (dbPutField(&address, DBR_DOUBLE, &value, 1) != 0)
            return -1;
    }
    return now() - begun;
}
