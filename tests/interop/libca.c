/*
 * What a C program on libca can do to a server, one case a run: `libca CASE`.
 *
 * `libca conversions` writes down what becomes of values put in every type and read in every type.
 *
 * Each CASE below is a test of its own in main.rs, which reads their names from this file. A case that fails says why on
 * standard error and exits with 1. The lines `@stop` and `@start` on standard output ask for the server to be ended and
 * started again on the same port; a line on standard input answers when it is done.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cadef.h>

#define PATIENCE 20.0
#define MAX_CASES 64

static struct { const char *name; void (*run)(void); } cases[MAX_CASES];
static int case_count;

#define CASE(test) \
    static void test(void); \
    __attribute__((constructor)) static void add_##test(void) { cases[case_count].name = #test; cases[case_count++].run = test; } \
    static void test(void)

static void fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

#define CHECK(condition, ...) do { if (!(condition)) { fprintf(stderr, "line %d: %s: ", __LINE__, #condition); fail(__VA_ARGS__); } } while (0)

static void ok_at(int line, const char *what, int status) {
    if (status != ECA_NORMAL) {
        fail("line %d: %s: %s", line, what, ca_message(status));
    }
}
#define OK(call) ok_at(__LINE__, #call, call)

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Serves callbacks until the condition holds. */
#define UNTIL(condition, ...) do { \
        double until_ = now() + PATIENCE; \
        while (!(condition) && now() < until_) ca_pend_event(0.001); \
        CHECK(condition, __VA_ARGS__); \
    } while (0)

static void ask(const char *what) {
    char line[64];
    printf("%s\n", what);
    fflush(stdout);
    CHECK(fgets(line, sizeof line, stdin), "no answer to %s", what);
}

static chid channel_at(const char *name, unsigned priority) {
    chid channel;
    OK(ca_create_channel(name, NULL, NULL, priority, &channel));
    if (ca_pend_io(PATIENCE) != ECA_NORMAL) {
        fail("%s did not connect", name);
    }
    return channel;
}

static chid channel(const char *name) {
    return channel_at(name, CA_PRIORITY_DEFAULT);
}

static double get_double(chid channel) {
    double value = NAN;
    OK(ca_get(DBR_DOUBLE, channel, &value));
    OK(ca_pend_io(PATIENCE));
    return value;
}

static const char *get_string(chid channel) {
    static dbr_string_t value;
    OK(ca_get(DBR_STRING, channel, &value));
    OK(ca_pend_io(PATIENCE));
    return value;
}

/* What a callback saw last, and how often. */
struct seen {
    int count;
    int status;
    long type;
    long elements;
    double first;
    double last_change;
    int backwards;
    int severity;
    int severity_repeated;
    char text[40];
    double slow_until;
};

static double first_as_double(const void *dbr, long type) {
    const void *value = dbr_value_ptr(dbr, type);
    switch (type % 7) {
    case DBR_STRING: return atof(value);
    case DBR_SHORT: return *(const dbr_short_t *)value;
    case DBR_FLOAT: return *(const dbr_float_t *)value;
    case DBR_ENUM: return *(const dbr_enum_t *)value;
    case DBR_CHAR: return *(const dbr_char_t *)value;
    case DBR_LONG: return *(const dbr_long_t *)value;
    default: return *(const dbr_double_t *)value;
    }
}

static void see(struct event_handler_args args) {
    struct seen *seen = args.usr;
    seen->status = args.status;
    seen->type = args.type;
    seen->elements = args.count;
    if (args.status == ECA_NORMAL && args.dbr) {
        double first = first_as_double(args.dbr, args.type);
        if (seen->count && first < seen->first) seen->backwards++;
        seen->first = first;
        if (args.type % 7 == DBR_STRING) memcpy(seen->text, dbr_value_ptr(args.dbr, args.type), sizeof seen->text);
        if (args.type > DBR_DOUBLE) {
            int severity = ((const struct dbr_sts_string *)args.dbr)->severity;
            if (seen->count && severity == seen->severity) seen->severity_repeated++;
            seen->severity = severity;
        }
    }
    seen->count++;
    seen->last_change = now();
    if (seen->last_change < seen->slow_until) {
        const struct timespec pause = {0, 3000000};
        nanosleep(&pause, NULL);
    }
}

static evid subscribe(chid channel, long type, unsigned long count, long mask, struct seen *seen) {
    evid subscription;
    OK(ca_create_subscription(type, count, channel, mask, see, seen, &subscription));
    return subscription;
}

static const char *const settable[] = {"S:DOUBLE", "S:FLOAT", "S:LONG", "S:SHORT", "S:CHAR", "S:ENUM", "S:STRING"};
#define SETTABLE (sizeof settable / sizeof *settable)

static void put_callback(chid channel, long type, const void *value, struct seen *seen) {
    OK(ca_array_put_callback(type, 1, channel, value, see, seen));
    OK(ca_flush_io());
}

/* ---------------------------------------------------------------- gets */

CASE(native_types_and_counts) {
    static const struct { const char *name; int type; unsigned long count; } want[] = {
        {"I:DOUBLE", DBF_DOUBLE, 1}, {"I:FLOAT", DBF_FLOAT, 1}, {"I:LONG", DBF_LONG, 1}, {"I:SHORT", DBF_SHORT, 1},
        {"I:CHAR", DBF_CHAR, 1}, {"I:ENUM", DBF_ENUM, 1}, {"I:STRING", DBF_STRING, 1}, {"I:WAVE", DBF_DOUBLE, 12500},
        {"S:TEXT", DBF_CHAR, 256},
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        chid c = channel(want[i].name);
        CHECK(ca_field_type(c) == want[i].type, "%s has type %d", want[i].name, ca_field_type(c));
        CHECK(ca_element_count(c) == want[i].count, "%s has %lu elements", want[i].name, ca_element_count(c));
        CHECK(ca_read_access(c), "%s cannot be read", want[i].name);
    }
}

/* Every record type asked for in every request type there is. */
CASE(get_every_type) {
    const dbr_long_t two = 2;
    for (size_t i = 0; i < SETTABLE; i++) {
        chid c = channel(settable[i]);
        struct seen done = {0};
        if (ca_field_type(c) == DBF_STRING) {
            put_callback(c, DBR_STRING, "2", &done);
        } else {
            put_callback(c, DBR_LONG, &two, &done);
        }
        UNTIL(done.count, "the put to %s did not complete", settable[i]);
        for (long type = DBR_STRING; type <= DBR_CTRL_DOUBLE; type++) {
            struct seen seen = {0};
            OK(ca_array_get_callback(type, 1, c, see, &seen));
            UNTIL(seen.count, "%s as %s: no answer", settable[i], dbr_type_to_text(type));
            if (ca_field_type(c) == DBF_STRING && type % 7 == DBR_ENUM) {
                CHECK(seen.status == ECA_GETFAIL, "a text is not a state, but: %s", ca_message(seen.status));
                continue;
            }
            CHECK(seen.status == ECA_NORMAL, "%s as %s: %s", settable[i], dbr_type_to_text(type), ca_message(seen.status));
            CHECK(seen.type == type && seen.elements == 1, "%s: got type %ld, %ld elements", settable[i], seen.type, seen.elements);
            if (ca_field_type(c) == DBF_ENUM && type % 7 == DBR_STRING) {
                CHECK(!strcmp(seen.text, "Tripped"), "%s as %s is \"%s\"", settable[i], dbr_type_to_text(type), seen.text);
            } else {
                CHECK(seen.first == 2, "%s as %s is %g", settable[i], dbr_type_to_text(type), seen.first);
            }
        }
    }
}

CASE(get_numbers_as_text) {
    static const struct { const char *name; double value; const char *text; } want[] = {
        {"S:DOUBLE", 1.23456, "1.235"}, {"S:DOUBLE", -0.5, "-0.500"}, {"S:DOUBLE", 1e9, "1000000000.000"},
        {"S:DOUBLE", 1e20, " 1.000e+20"}, {"S:FLOAT", 2.5, "2.50"}, {"S:LONG", -17, "-17"}, {"S:SHORT", 300, "300"},
        {"S:CHAR", 200, "200"}, {"S:ENUM", 1, "On"}, {"S:STRING", 2.5, "2.500000"},
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        chid c = channel(want[i].name);
        struct seen done = {0};
        put_callback(c, DBR_DOUBLE, &want[i].value, &done);
        UNTIL(done.count, "the put to %s did not complete", want[i].name);
        const char *text = get_string(c);
        CHECK(!strcmp(text, want[i].text), "%s = %g reads \"%s\", not \"%s\"", want[i].name, want[i].value, text, want[i].text);
    }
}

CASE(get_class_name_and_acknowledgement) {
    chid c = channel("I:DOUBLE");
    dbr_string_t class_name;
    OK(ca_get(DBR_CLASS_NAME, c, &class_name));
    OK(ca_pend_io(PATIENCE));
    CHECK(class_name[0] != 0 && strlen(class_name) < 40, "no class name");
    struct dbr_stsack_string acknowledgement;
    memset(&acknowledgement, 0xff, sizeof acknowledgement);
    OK(ca_get(DBR_STSACK_STRING, c, &acknowledgement));
    OK(ca_pend_io(PATIENCE));
    CHECK(acknowledgement.severity == 0 && acknowledgement.acks == 0, "severity %d, acks %d", acknowledgement.severity, acknowledgement.acks);
    CHECK(acknowledgement.value[0], "no value");
}

CASE(ctrl_get_has_units_precision_and_limits) {
    struct dbr_ctrl_double d;
    OK(ca_get(DBR_CTRL_DOUBLE, channel("R:STILL"), &d));
    OK(ca_pend_io(PATIENCE));
    CHECK(!strcmp(d.units, "mm"), "units \"%s\"", d.units);
    CHECK(d.precision == 3, "precision %d", d.precision);
    CHECK(d.lower_disp_limit == -1000 && d.upper_disp_limit == 1000, "%g to %g", d.lower_disp_limit, d.upper_disp_limit);
    CHECK(d.lower_ctrl_limit == -1000 && d.upper_ctrl_limit == 1000, "%g to %g", d.lower_ctrl_limit, d.upper_ctrl_limit);
    CHECK(isnan(d.upper_alarm_limit) && isnan(d.lower_warning_limit), "%g, %g", d.upper_alarm_limit, d.lower_warning_limit);
    OK(ca_get(DBR_CTRL_DOUBLE, channel("I:ALARM"), &d));
    OK(ca_pend_io(PATIENCE));
    CHECK(d.upper_alarm_limit == 40 && d.upper_warning_limit == 28, "%g, %g", d.upper_alarm_limit, d.upper_warning_limit);
    CHECK(d.lower_alarm_limit == 2 && d.lower_warning_limit == 3, "%g, %g", d.lower_alarm_limit, d.lower_warning_limit);
    struct dbr_ctrl_long l;
    OK(ca_get(DBR_CTRL_LONG, channel("S:LONG"), &l));
    OK(ca_pend_io(PATIENCE));
    CHECK(!strcmp(l.units, "counts") && l.upper_disp_limit == 1000 && l.upper_alarm_limit == 0, "%s, %d", l.units, l.upper_disp_limit);
    struct dbr_ctrl_enum e;
    OK(ca_get(DBR_CTRL_ENUM, channel("S:ENUM"), &e));
    OK(ca_pend_io(PATIENCE));
    CHECK(e.no_str == 3 && !strcmp(e.strs[0], "Off") && !strcmp(e.strs[2], "Tripped"), "%d labels", e.no_str);
}

CASE(get_with_time_stamp) {
    struct dbr_time_double first, second;
    chid c = channel("I:DOUBLE");
    OK(ca_get(DBR_TIME_DOUBLE, c, &first));
    OK(ca_pend_io(PATIENCE));
    double age = difftime(time(NULL), 631152000) - first.stamp.secPastEpoch;
    CHECK(fabs(age) < 5, "the time stamp is %g s old", age);
    CHECK(first.stamp.nsec < 1000000000u, "%u ns", first.stamp.nsec);
    do {
        OK(ca_get(DBR_TIME_DOUBLE, c, &second));
        OK(ca_pend_io(PATIENCE));
    } while (second.value == first.value);
    CHECK(second.value > first.value, "%g after %g", second.value, first.value);
    double step = (double)second.stamp.secPastEpoch - first.stamp.secPastEpoch + ((double)second.stamp.nsec - first.stamp.nsec) * 1e-9;
    CHECK(step > 0, "the time stamp went back by %g s", -step);
}

CASE(get_that_cannot_be_converted_fails_alone) {
    chid c = channel("S:STRING");
    struct seen done = {0}, seen = {0};
    put_callback(c, DBR_STRING, "word", &done);
    UNTIL(done.count, "no answer to the put");
    OK(ca_array_get_callback(DBR_DOUBLE, 1, c, see, &seen));
    UNTIL(seen.count, "no answer to the get");
    CHECK(seen.status == ECA_GETFAIL, "%s", ca_message(seen.status));
    CHECK(!strcmp(get_string(c), "word"), "the circuit is gone");
}

CASE(unknown_name_is_never_found) {
    chid c;
    OK(ca_create_channel("I:NO:SUCH:PV", NULL, NULL, 0, &c));
    CHECK(ca_pend_io(1.5) == ECA_TIMEOUT, "it was found");
    CHECK(ca_state(c) == cs_never_conn, "state %d", ca_state(c));
    CHECK(get_double(channel("I:DOUBLE")) >= 0, "the server is gone");
}

/* ---------------------------------------------------------------- arrays */

CASE(waveform_of_100_kB) {
    static double value[12500];
    chid c = channel("I:WAVE");
    double first = -1;
    for (int i = 0; i < 5; i++) {
        OK(ca_array_get(DBR_DOUBLE, 12500, c, value));
        OK(ca_pend_io(PATIENCE));
        CHECK(value[0] >= first, "%g after %g", value[0], first);
        first = value[0];
    }
    struct seen seen = {0};
    evid subscription = subscribe(c, DBR_TIME_DOUBLE, 12500, DBE_VALUE, &seen);
    UNTIL(seen.count >= 5, "%d events", seen.count);
    CHECK(seen.elements == 12500 && !seen.backwards, "%ld elements", seen.elements);
    OK(ca_clear_subscription(subscription));
    static dbr_string_t texts[12500];
    OK(ca_array_get(DBR_STRING, 12500, c, texts));
    OK(ca_pend_io(PATIENCE));
    CHECK(atof(texts[0]) >= first, "%s", texts[0]);
}

CASE(part_of_an_array) {
    chid c = channel("S:WAVE");
    double value[100], read[100];
    struct seen done = {0};
    for (int i = 0; i < 100; i++) value[i] = i + 0.25;
    OK(ca_array_put_callback(DBR_DOUBLE, 100, c, value, see, &done));
    UNTIL(done.count, "no answer to the put");
    OK(ca_array_get(DBR_DOUBLE, 7, c, read));
    OK(ca_pend_io(PATIENCE));
    CHECK(!memcmp(value, read, 7 * sizeof *read), "not the elements that were put");
    dbr_long_t whole[100];
    OK(ca_array_get(DBR_LONG, 100, c, whole));
    OK(ca_pend_io(PATIENCE));
    CHECK(whole[99] == 99, "%d", whole[99]);
    dbr_string_t text[3];
    OK(ca_array_get(DBR_STRING, 3, c, text));
    OK(ca_pend_io(PATIENCE));
    CHECK(!strcmp(text[2], "2.25"), "\"%s\"", text[2]);
}

/* Count 0 asks for as many elements as there are. */
CASE(autosize) {
    chid c = channel("S:WAVE");
    double value[100] = {5, 6, 7};
    struct seen done = {0}, seen = {0}, event = {0};
    OK(ca_array_put_callback(DBR_DOUBLE, 3, c, value, see, &done));
    UNTIL(done.count, "no answer to the put");
    OK(ca_array_get_callback(DBR_TIME_DOUBLE, 0, c, see, &seen));
    UNTIL(seen.count, "no answer to the get");
    CHECK(seen.elements == 3 && seen.first == 5, "%ld elements from %g", seen.elements, seen.first);
    subscribe(c, DBR_DOUBLE, 0, DBE_VALUE, &event);
    UNTIL(event.count == 1, "no initial event");
    CHECK(event.elements == 3, "%ld elements", event.elements);
    OK(ca_array_put(DBR_DOUBLE, 10, c, value));
    UNTIL(event.count == 2, "no event");
    CHECK(event.elements == 10, "%ld elements", event.elements);
    memset(value, 0xff, sizeof value);
    OK(ca_array_get(DBR_DOUBLE, 100, c, value));
    OK(ca_pend_io(PATIENCE));
    CHECK(value[1] == 6 && value[99] == 0, "the elements that are not there are not zero: %g", value[99]);
}

/* ---------------------------------------------------------------- puts */

CASE(put_text_as_caput_does) {
    static const struct { const char *name; const char *put; const char *read; } want[] = {
        {"S:DOUBLE", "12.5", "12.500"}, {"S:DOUBLE", "1e2", "100.000"}, {"S:DOUBLE", "0x10", "16.000"}, {"S:FLOAT", "-3.25", "-3.25"},
        {"S:LONG", "42", "42"}, {"S:LONG", "-42 mm", "-42"}, {"S:SHORT", "17.9", "17"}, {"S:CHAR", "7", "7"},
        {"S:ENUM", "Tripped", "Tripped"}, {"S:ENUM", "1", "On"}, {"S:STRING", "some text", "some text"}, {"S:STRING", "", ""},
        {"S:STRING", "thirty-nine characters, not one less...", "thirty-nine characters, not one less..."},
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        chid c = channel(want[i].name);
        struct seen done = {0};
        put_callback(c, DBR_STRING, want[i].put, &done);
        UNTIL(done.count, "no answer to the put");
        CHECK(done.status == ECA_NORMAL, "%s to %s: %s", want[i].put, want[i].name, ca_message(done.status));
        const char *text = get_string(c);
        CHECK(!strcmp(text, want[i].read), "%s put as \"%s\" reads \"%s\"", want[i].name, want[i].put, text);
    }
}

CASE(put_every_type) {
    for (size_t i = 0; i < SETTABLE; i++) {
        chid c = channel(settable[i]);
        for (int type = DBR_STRING; type <= DBR_DOUBLE; type++) {
            dbr_string_t text = "1";
            dbr_short_t s = 1;
            dbr_float_t f = 1;
            dbr_char_t ch = 1;
            dbr_long_t l = 1;
            dbr_double_t d = 1;
            const void *const values[] = {text, &s, &f, &s, &ch, &l, &d};
            struct seen zeroed = {0}, done = {0};
            put_callback(c, DBR_STRING, "0", &zeroed);
            put_callback(c, type, values[type], &done);
            UNTIL(done.count, "no answer to the put of %s to %s", dbr_type_to_text(type), settable[i]);
            CHECK(done.status == ECA_NORMAL, "%s to %s: %s", dbr_type_to_text(type), settable[i], ca_message(done.status));
            double got = ca_field_type(c) == DBF_STRING ? atof(get_string(c)) : get_double(c);
            CHECK(got == 1, "%s put to %s reads %g", dbr_type_to_text(type), settable[i], got);
        }
    }
}

static int exceptions;
static long exception_status;

static void on_exception(struct exception_handler_args args) {
    exceptions++;
    exception_status = args.stat;
}

CASE(put_that_cannot_be_converted_fails_alone) {
    static const struct { const char *name; const char *text; } bad[] = {
        {"S:DOUBLE", "word"}, {"S:LONG", "99999999999"}, {"S:SHORT", "40000"}, {"S:CHAR", "300"}, {"S:ENUM", "Unheard"},
        {"S:ENUM", "3"},
    };
    OK(ca_add_exception_event(on_exception, NULL));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        chid c = channel(bad[i].name);
        struct seen zeroed = {0}, done = {0};
        put_callback(c, DBR_STRING, "1", &zeroed);
        put_callback(c, DBR_STRING, bad[i].text, &done);
        UNTIL(done.count, "no answer to the put");
        CHECK(done.status == ECA_PUTFAIL, "\"%s\" to %s: %s", bad[i].text, bad[i].name, ca_message(done.status));
        CHECK(get_double(c) == 1, "%s was changed", bad[i].name);
        int before = exceptions;
        OK(ca_put(DBR_STRING, c, bad[i].text));
        OK(ca_flush_io());
        UNTIL(exceptions > before, "a put without callback of \"%s\" to %s raised no exception", bad[i].text, bad[i].name);
        CHECK(exception_status == ECA_PUTFAIL, "%s", ca_message(exception_status));
        CHECK(get_double(c) == 1, "%s was changed", bad[i].name);
    }
}

CASE(read_only_channel_says_so) {
    chid c = channel("R:STILL");
    double value = 3;
    CHECK(ca_read_access(c) && !ca_write_access(c), "read %u, write %u", ca_read_access(c), ca_write_access(c));
    CHECK(ca_put(DBR_DOUBLE, c, &value) == ECA_NOWTACCESS, "the put was let through");
    CHECK(get_double(c) == 0, "it was changed");
    CHECK(ca_write_access(channel("S:DOUBLE")), "S:DOUBLE cannot be written");
}

CASE(put_is_seen_by_the_get_behind_it) {
    chid c = channel("S:DOUBLE");
    for (int i = 1; i <= 200; i++) {
        double value = i;
        OK(ca_put(DBR_DOUBLE, c, &value));
        CHECK(get_double(c) == value, "not %d", i);
    }
}

/* ---------------------------------------------------------------- many at once */

static int answered, failed;

static void count_answer(struct event_handler_args args) {
    answered++;
    failed += args.status != ECA_NORMAL;
}

CASE(thousands_of_gets_outstanding) {
    chid many[100];
    char name[16];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "I:MANY%02d", i);
        OK(ca_create_channel(name, NULL, NULL, 0, &many[i]));
    }
    OK(ca_pend_io(PATIENCE));
    for (int i = 0; i < 10000; i++) OK(ca_array_get_callback(DBR_TIME_DOUBLE, 1, many[i % 100], count_answer, NULL));
    OK(ca_flush_io());
    UNTIL(answered == 10000, "%d of 10000 gets were answered", answered);
    CHECK(!failed, "%d failed", failed);
}

CASE(thousands_of_puts_outstanding) {
    chid c = channel("S:DOUBLE"), l = channel("S:LONG");
    for (int i = 1; i <= 5000; i++) {
        double value = i;
        dbr_long_t whole = i;
        OK(ca_array_put_callback(DBR_DOUBLE, 1, c, &value, count_answer, NULL));
        OK(ca_array_put(DBR_LONG, 1, l, &whole));
    }
    OK(ca_flush_io());
    UNTIL(answered == 5000, "%d of 5000 puts were answered", answered);
    CHECK(!failed, "%d failed", failed);
    CHECK(get_double(c) == 5000 && get_double(l) == 5000, "%g, %g", get_double(c), get_double(l));
}

CASE(synchronous_groups) {
    CA_SYNC_GID group, other;
    chid many[100], set = channel("S:LONG");
    double values[100];
    char name[16];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "I:MANY%02d", i);
        OK(ca_create_channel(name, NULL, NULL, 0, &many[i]));
    }
    OK(ca_pend_io(PATIENCE));
    OK(ca_sg_create(&group));
    OK(ca_sg_create(&other));
    for (int round = 0; round < 20; round++) {
        dbr_long_t whole = round;
        for (int i = 0; i < 100; i++) {
            values[i] = NAN;
            OK(ca_sg_get(group, DBR_DOUBLE, many[i], &values[i]));
        }
        OK(ca_sg_put(other, DBR_LONG, set, &whole));
        OK(ca_sg_block(group, PATIENCE));
        OK(ca_sg_block(other, PATIENCE));
        for (int i = 0; i < 100; i++) CHECK(values[i] >= 0, "value %d is missing", i);
        CHECK(ca_sg_test(group) == ECA_IODONE, "the group is not done");
        CHECK(get_double(set) == round, "the put of the group is not done");
    }
    OK(ca_sg_get(group, DBR_DOUBLE, many[0], &values[0]));
    OK(ca_sg_reset(group));
    OK(ca_sg_delete(group));
    OK(ca_sg_delete(other));
    CHECK(get_double(many[0]) >= 0, "the circuit is gone");
}

CASE(channel_priorities) {
    static const unsigned priorities[] = {CA_PRIORITY_MIN, 1, CA_PRIORITY_ARCHIVE, CA_PRIORITY_OPI, CA_PRIORITY_MAX};
    struct seen seen[5] = {{0}};
    chid c[5];
    for (int i = 0; i < 5; i++) {
        c[i] = channel_at("I:DOUBLE", priorities[i]);
        subscribe(c[i], DBR_TIME_DOUBLE, 1, DBE_VALUE, &seen[i]);
    }
    for (int i = 0; i < 5; i++) {
        UNTIL(seen[i].count >= 5, "priority %u: %d events", priorities[i], seen[i].count);
        CHECK(get_double(c[i]) >= seen[i].first, "priority %u", priorities[i]);
    }
}

/* ---------------------------------------------------------------- subscriptions */

CASE(initial_event_and_updates) {
    struct seen still = {0}, moving = {0};
    subscribe(channel("R:STILL"), DBR_TIME_DOUBLE, 1, DBE_VALUE | DBE_ALARM, &still);
    subscribe(channel("I:DOUBLE"), DBR_TIME_DOUBLE, 1, DBE_VALUE | DBE_ALARM, &moving);
    UNTIL(moving.count >= 20, "%d events", moving.count);
    CHECK(still.count == 1 && still.first == 0, "%d events of what does not change", still.count);
    CHECK(!moving.backwards, "%d values older than the one before", moving.backwards);
}

CASE(two_subscriptions_on_one_channel) {
    chid c = channel("I:DOUBLE");
    struct seen one = {0}, other = {0};
    evid first = subscribe(c, DBR_TIME_DOUBLE, 1, DBE_VALUE, &one);
    subscribe(c, DBR_STRING, 1, DBE_VALUE, &other);
    UNTIL(one.count >= 5 && other.count >= 5, "%d and %d events", one.count, other.count);
    CHECK(one.type == DBR_TIME_DOUBLE && other.type == DBR_STRING, "types %ld and %ld", one.type, other.type);
    OK(ca_clear_subscription(first));
    int before = one.count, after = other.count;
    UNTIL(other.count >= after + 10, "the other subscription stopped as well");
    CHECK(one.count == before, "%d events of a cancelled subscription", one.count - before);
}

CASE(alarm_mask_sees_alarms_only) {
    struct seen quiet = {0}, alarms = {0}, values = {0};
    subscribe(channel("I:DOUBLE"), DBR_TIME_DOUBLE, 1, DBE_ALARM, &quiet);
    subscribe(channel("I:ALARM"), DBR_TIME_DOUBLE, 1, DBE_ALARM, &alarms);
    subscribe(channel("I:ALARM"), DBR_TIME_DOUBLE, 1, DBE_VALUE, &values);
    UNTIL(alarms.count >= 5, "%d changes of alarm", alarms.count);
    CHECK(!alarms.severity_repeated, "%d of %d events brought no other severity", alarms.severity_repeated, alarms.count);
    CHECK(quiet.count == 1, "%d events without any alarm", quiet.count);
    CHECK(values.count > alarms.count, "%d values, %d alarms", values.count, alarms.count);
}

CASE(log_mask_sees_values) {
    struct seen log = {0}, both = {0};
    subscribe(channel("I:DOUBLE"), DBR_TIME_DOUBLE, 1, DBE_LOG, &log);
    subscribe(channel("I:DOUBLE"), DBR_TIME_DOUBLE, 1, DBE_VALUE | DBE_LOG | DBE_ALARM, &both);
    UNTIL(log.count >= 5 && both.count >= 5, "%d and %d events", log.count, both.count);
    CHECK(!log.backwards && !both.backwards, "values went back");
}

CASE(property_mask_sees_no_values) {
    struct seen properties = {0}, values = {0};
    subscribe(channel("I:DOUBLE"), DBR_CTRL_DOUBLE, 1, DBE_PROPERTY, &properties);
    subscribe(channel("I:DOUBLE"), DBR_DOUBLE, 1, DBE_VALUE, &values);
    UNTIL(values.count >= 10, "%d events", values.count);
    CHECK(properties.count == 1, "%d events", properties.count);
}

/* A client that does not keep up sends EVENTS_OFF and then EVENTS_ON: what it gets is late, never older than before, and it
 * ends with the newest. */
CASE(slow_callback_gets_the_newest_in_the_end) {
    struct seen seen[20] = {{0}};
    char name[16];
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "I:FAST%02d", i);
        seen[i].slow_until = now() + 2;
        subscribe(channel(name), DBR_TIME_DOUBLE, 1, DBE_VALUE, &seen[i]);
    }
    UNTIL(now() > seen[19].slow_until, "it never ends");
    double newest = get_double(channel("I:FAST19"));
    UNTIL(seen[19].first >= newest, "%g after %g", seen[19].first, newest);
    for (int i = 0; i < 20; i++) CHECK(!seen[i].backwards, "%d values of %d went back", seen[i].backwards, i);
}

/* ---------------------------------------------------------------- comings and goings */

static int cleared_events;

static void must_not_come(struct event_handler_args args) {
    cleared_events += *(int *)args.usr;
}

CASE(channels_cleared_while_events_are_on_their_way) {
    char name[16];
    chid lasting = channel("I:DOUBLE");
    for (int round = 0; round < 40; round++) {
        static int cleared[20];
        chid c[20];
        evid subscription;
        memset(cleared, 0, sizeof cleared);
        for (int i = 0; i < 20; i++) {
            snprintf(name, sizeof name, "I:FAST%02d", i);
            OK(ca_create_channel(name, NULL, NULL, 0, &c[i]));
            OK(ca_create_subscription(DBR_TIME_DOUBLE, 1, c[i], DBE_VALUE, must_not_come, &cleared[i], &subscription));
        }
        OK(ca_pend_io(PATIENCE));
        for (int i = 0; i < 20; i += 3) OK(ca_array_get_callback(DBR_DOUBLE, 1, c[i], must_not_come, &cleared[i]));
        ca_pend_event(1e-6 + round % 4 * 0.01);
        for (int i = 0; i < 20; i++) {
            OK(ca_clear_channel(c[i]));
            cleared[i] = 1;
        }
        OK(ca_flush_io());
        ca_pend_event(0.005);
    }
    CHECK(!cleared_events, "%d events of cleared channels", cleared_events);
    CHECK(get_double(lasting) >= 0, "the circuit is gone");
}

/* When its last channel goes, so does the circuit. */
CASE(circuits_come_and_go) {
    for (int round = 0; round < 5; round++) {
        struct seen seen = {0};
        chid c = channel("I:FAST00");
        subscribe(c, DBR_TIME_DOUBLE, 1, DBE_VALUE, &seen);
        UNTIL(seen.count >= 3, "%d events", seen.count);
        OK(ca_clear_channel(c));
        OK(ca_flush_io());
    }
}

static int ups, downs, rights, last_read, last_write;

static void on_connection(struct connection_handler_args args) {
    if (args.op == CA_OP_CONN_UP) ups++; else downs++;
}

static void on_rights(struct access_rights_handler_args args) {
    rights++;
    last_read = args.ar.read_access;
    last_write = args.ar.write_access;
}

CASE(connection_and_access_rights_callbacks) {
    chid set, still;
    OK(ca_create_channel("S:DOUBLE", on_connection, NULL, 0, &set));
    OK(ca_replace_access_rights_event(set, on_rights));
    UNTIL(ups == 1 && last_write, "%d connections", ups);
    CHECK(last_read, "no read access");
    OK(ca_create_channel("R:STILL", on_connection, NULL, 0, &still));
    rights = 0;
    OK(ca_replace_access_rights_event(still, on_rights));
    UNTIL(ups == 2 && last_read, "%d connections", ups);
    CHECK(!last_write, "R:STILL can be written");
    ask("@stop");
    UNTIL(downs == 2, "%d disconnections", downs);
    CHECK(ca_state(set) == cs_prev_conn && !last_read, "state %d, read access %d", ca_state(set), last_read);
    ask("@start");
    UNTIL(ups == 4 && last_read, "%d connections", ups);
}

CASE(reconnection_after_a_restart) {
    chid many[100];
    char name[16];
    struct seen seen[100] = {{0}};
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "I:MANY%02d", i);
        OK(ca_create_channel(name, on_connection, NULL, 0, &many[i]));
        subscribe(many[i], DBR_TIME_DOUBLE, 1, DBE_VALUE, &seen[i]);
    }
    UNTIL(ups == 100, "%d connections", ups);
    ask("@stop");
    UNTIL(downs == 100, "%d disconnections", downs);
    for (int i = 0; i < 100; i++) seen[i].count = 0;
    ask("@start");
    UNTIL(ups == 200, "%d connections", ups);
    for (int i = 0; i < 100; i++) {
        UNTIL(seen[i].count >= 3, "the subscription of %s did not come back", ca_name(many[i]));
        CHECK(get_double(many[i]) >= 0, "%s cannot be read", ca_name(many[i]));
    }
}

/* After EPICS_CA_CONN_TMO (2 s here) of silence libca asks for an echo, and for an answer within 5 s more. */
CASE(echo_keeps_a_quiet_circuit) {
    chid c;
    setenv("EPICS_CA_CONN_TMO", "2", 1);
    OK(ca_create_channel("R:STILL", on_connection, NULL, 0, &c));
    UNTIL(ups == 1, "no connection");
    double until = now() + 9;
    while (now() < until) ca_pend_event(0.1);
    CHECK(!downs && ca_state(c) == cs_conn, "%d disconnections", downs);
}

CASE(preemptive_callbacks) {
    static struct seen seen[20];
    char name[16];
    for (int i = 0; i < 20; i++) {
        chid c;
        snprintf(name, sizeof name, "I:FAST%02d", i);
        OK(ca_create_channel(name, NULL, NULL, 0, &c));
        subscribe(c, DBR_TIME_DOUBLE, 1, DBE_VALUE, &seen[i]);
    }
    OK(ca_flush_io());
    double until = now() + PATIENCE;
    for (int i = 0; i < 20; i++) {
        while (*(volatile int *)&seen[i].count < 50 && now() < until) ca_pend_event(0.05);
        CHECK(seen[i].count >= 50 && !seen[i].backwards, "%d events of %d", seen[i].count, i);
    }
}

/* ---------------------------------------------------------------- a report instead of a case */

static void report_put(chid c, int type, const void *value, const char *shown) {
    static const int types[] = {DBR_STRING, DBR_SHORT, DBR_FLOAT, DBR_ENUM, DBR_CHAR, DBR_LONG, DBR_DOUBLE};
    enum { TYPES = sizeof types / sizeof *types };
    struct seen done = {0}, seen[TYPES] = {{0}};
    /* The gets are behind the put on the circuit. */
    OK(ca_array_put_callback(type, 1, c, value, see, &done));
    for (int i = 0; i < TYPES; i++) OK(ca_array_get_callback(types[i], 1, c, see, &seen[i]));
    OK(ca_flush_io());
    for (int i = 0; i < TYPES; i++) UNTIL(done.count && seen[i].count, "no answer");
    printf("%s <- %s %s: %s;", ca_name(c), dbr_type_to_text(type) + 4, shown, done.status == ECA_NORMAL ? "done" : "fails");
    for (int i = 0; i < TYPES; i++) {
        printf(" %s ", dbr_type_to_text(types[i]) + 4);
        if (seen[i].status != ECA_NORMAL) {
            printf("fails");
        } else if (types[i] == DBR_STRING) {
            printf("\"%s\"", seen[i].text);
        } else {
            printf("%.17g", seen[i].first == 0 || isnan(seen[i].first) ? fabs(seen[i].first) : seen[i].first);
        }
    }
    printf("\n");
}

/* What becomes of every kind of value put to every kind of record, read as every type: main.rs compares two servers. */
static void report_conversions(void) {
    static const char *const texts[] = {
        "0", " ", "1", "-1", "+2", "12.7", ".5", "5.", "0x10", "0x1", "0x", "0xg", "-0X7f", "010", "01", "08", "200", "1e3", "1e", "1e-400", "1e400", "1e39", "1e-39", "300", "-255",
        "-256", "40000", "65535", "70000", "-70000", "2147483648", "99999999999", "99999999999999999999", "nan", "inf", "-Infinity",
        "word", "On", "on", "Tripped", "1 ", "1x", "  2", "7 mm", "\t1", "3", "15", "16", "abcdefghijklmnopqrstuvwxyz0123456789ABC",
    };
    static const double numbers[] = {
        0, -0.0, 1, 1.5, -1.5, 0.125, 2.675, 123456.789, 70000.5, -70000.7, 255, 256, 300, 32768, 65535, 65536, 2147483647, 2147483648.0,
        -2147483648.0, -2147483649.0, 3e9, -3e9, 1e15, 1.5e16, 1e17, 1e38, 1e39, 1e300, 1e-30, 1e-40, 1e-300, INFINITY, -INFINITY, NAN, 3, 15, 16,
    };
    for (size_t record = 0; record < SETTABLE; record++) {
        chid c = channel(settable[record]);
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
            dbr_string_t text = {0};
            char shown[64];
            strcpy(text, texts[i]);
            snprintf(shown, sizeof shown, "\"%s\"", text);
            report_put(c, DBR_STRING, text, shown);
        }
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
            double d = numbers[i];
            float f = (float)d;
            char shown[64];
            snprintf(shown, sizeof shown, "%.17g", isnan(d) ? fabs(d) : d);
            report_put(c, DBR_DOUBLE, &d, shown);
            snprintf(shown, sizeof shown, "%.17g", isnan(d) ? fabs(d) : f);
            report_put(c, DBR_FLOAT, &f, shown);
            if (d != floor(d) || fabs(d) > 2147483648.0) continue;
            dbr_long_t l = d >= 2147483648.0 ? -1 : (dbr_long_t)d;
            dbr_short_t s = (dbr_short_t)l;
            dbr_enum_t e = (dbr_enum_t)l;
            dbr_char_t ch = (dbr_char_t)l;
            snprintf(shown, sizeof shown, "%d", l);
            report_put(c, DBR_LONG, &l, shown);
            snprintf(shown, sizeof shown, "%d", s);
            report_put(c, DBR_SHORT, &s, shown);
            snprintf(shown, sizeof shown, "%d", e);
            report_put(c, DBR_ENUM, &e, shown);
            snprintf(shown, sizeof shown, "%d", ch);
            report_put(c, DBR_CHAR, &ch, shown);
        }
    }
}

int main(int argc, char **argv) {
    if (argc == 2 && !strcmp(argv[1], "conversions")) {
        OK(ca_context_create(ca_disable_preemptive_callback));
        report_conversions();
        exit(0);
    }
    for (int i = 0; argc == 2 && i < case_count; i++) {
        if (!strcmp(cases[i].name, argv[1])) {
            int preemptive = !strncmp(argv[1], "preemptive", 10);
            OK(ca_context_create(preemptive ? ca_enable_preemptive_callback : ca_disable_preemptive_callback));
            cases[i].run();
            /* Without ca_context_destroy, which would still call back into the case's variables. */
            exit(0);
        }
    }
    fail("usage: libca CASE | conversions");
}
