/* sync_interrupted.c - a ^C while sync_begin() puts the signals in order: it counts, whenever it comes. */
#include "sync/sync.h"

#include "testing.h"
#include "trace/trace.h"

enum { NOT_ALLOWED, TOO_FEW, ENDED };

/* A child that calls sync_begin() and gets a SIGINT when it comes out of its nth system call. ENDED: *end is how. */
static int interrupt_after(int nth, siginfo_t *end)
{
    cleanup_trace struct trace trace = { 0 };
    struct trace_event event;
    struct sync_gate gate;
    ck_assert_int_eq(sync_gate_make(&gate), 0);
    signal(SIGINT, SIG_DFL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(sync_gate_pass(&gate) == 0 && sync_begin() == 0 ? 0 : 1);
    int rc = trace_begin(&trace, child);
    if (rc == -EPERM) {
        sync_gate_close(&gate); /* it ends */
        waitpid(child, NULL, 0);
        return NOT_ALLOWED;
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(sync_gate_open(&gate), 0);
    sync_gate_close(&gate);
    trace.how = TRACE_CALLS;
    for (int i = 0; i < nth; i++)
        if (trace_until(&trace, child, TRACE_RETURN | TRACE_EXIT, &event) != 1 || event.kind == TRACE_EXIT)
            return TOO_FEW;
    ck_assert_int_eq(kill(child, SIGINT), 0);
    trace.how = TRACE_RUN;
    ck_assert_int_eq(trace_until(&trace, child, TRACE_ENDED, &event), 1);
    *end = event.info;
    ck_assert_int_eq(trace_next(&trace, &event), 0);
    return ENDED;
}

START_TEST(a_signal_in_the_beginning_is_not_lost)
{
    siginfo_t end;
    int calls = 0, how;
    while ((how = interrupt_after(calls + 1, &end)) == ENDED) {
        calls++;
        ck_assert_msg(end.si_code == CLD_KILLED && end.si_status == SIGINT,
                      "SIGINT behind system call %d did not kill it: code %d, status %d", calls, end.si_code,
                      end.si_status);
    }
    if (how == NOT_ALLOWED)
        skip_test("ptrace: EPERM");
    ck_assert_int_ge(calls, SIGRTMAX); /* sync_begin() has been looked at: it sets each signal's action */
}
END_TEST

int main(void)
{
    const struct testing tests[] = { TEST(a_signal_in_the_beginning_is_not_lost), { 0 } };
    return run_tests("sync.interrupted", tests);
}
