/* machine.h - what the files of this folder know of the processor. Private. */
#ifndef PROCLAB_TRACE_MACHINE_H
#define PROCLAB_TRACE_MACHINE_H

#include "trace/trace.h"

/* The instruction that stops a process by SIGTRAP, and how far behind its beginning the program counter then is. */
#if defined __aarch64__
#define TRAP_INSTRUCTION "\x00\x00\x20\xd4"
enum { TRAP_SIZE = 4, TRAP_BEHIND = 0 };
#else
#define TRAP_INSTRUCTION "\xcc"
enum { TRAP_SIZE = 1, TRAP_BEHIND = 1 };
#endif

int machine_set_pc(pid_t pid, uint64_t pc);

#endif
