/* source.c - the source of a demo, as it is, for its replay page: add_demo builds this into each. */
extern const char proclab_source_name[];
const char proclab_source_name[] = PROCLAB_SOURCE_NAME;

/* clang-format off */
__asm__(".pushsection .rodata\n"
        ".globl proclab_source\n"
        "proclab_source:\n"
        ".incbin \"" PROCLAB_SOURCE "\"\n"
        ".byte 0\n"
        ".popsection\n");
