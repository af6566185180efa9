# The battery that add_demo gives every demo (DESIGN, "Done means"), and the test of a lesson. Each entry is a program in
# tests/demos that exits with 0, 1, or 77 for "skipped, and why"; PROCLAB_MUST_WORK=1 in the environment forbids the last.

# Debian's own Python first: another one on PATH may lack python3-jsonschema.
find_program(PROCLAB_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
find_program(PROCLAB_PYTHON NAMES python3 REQUIRED)
set(PROCLAB_JUDGES ${CMAKE_CURRENT_LIST_DIR}/demos CACHE INTERNAL "where the tests of the demos are")

# add_judge(NAME SCRIPT TIMEOUT [ARGUMENTS...]): the ctest entry NAME. -B: nothing is written into the source tree.
function(add_judge name script timeout)
  add_test(NAME ${name} COMMAND ${PROCLAB_PYTHON} -B ${PROCLAB_JUDGES}/${script} ${ARGN})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${timeout} SKIP_RETURN_CODE 77)
endfunction()

# add_battery_entry(DEMO KIND SCRIPT TIMEOUT [ARGUMENTS...]): DEMO.KIND, or DEMO alone for the kind "itself".
function(add_battery_entry demo kind script timeout)
  set(entry ${demo}.${kind})
  if(kind STREQUAL itself)
    set(entry ${demo})
  endif()
  add_judge(${entry} ${script} ${timeout} $<TARGET_FILE:${demo}> ${ARGN})
  set(labels ${demo} ${kind})
  if(kind MATCHES "long$|load|repeat")
    list(APPEND labels long)
  endif()
  set_tests_properties(${entry} PROPERTIES LABELS "${labels}")
endfunction()

# The arguments after the demo's name are the options for a small run: for the tests that make many under strace, and for those
# of a cost that need time.
function(add_battery demo)
  set(build plain)
  if(PROCLAB_SANITIZE)
    set(build sanitized)
  endif()
  add_battery_entry(${demo} itself itself.py 60)
  add_battery_entry(${demo} unprivileged unprivileged.py 60)
  add_battery_entry(${demo} outside outside.py 60)
  add_battery_entry(${demo} break breaks.py 120 ${ARGN})
  if(PROCLAB_SANITIZE)
    add_battery_entry(${demo} output output.py 120 sanitized)
  else()
    add_battery_entry(${demo} output output.py 120 plain)
  endif()
  add_battery_entry(${demo} page page.py 120)
  add_battery_entry(${demo} killed killed.py 120)
  add_battery_entry(${demo} killed.long killed.py 3600 long)
  add_battery_entry(${demo} load load.py 3600 busy 100)
  add_battery_entry(${demo} repeat load.py 3600 quiet 1000)
  if(NOT PROCLAB_SANITIZE) # a sanitizer needs the address space, the descriptors and the ptrace that these take away
    add_battery_entry(${demo} hostile hostile.py 180 short)
    add_battery_entry(${demo} hostile.long hostile.py 300)
    add_battery_entry(${demo} faults faults.py 180 short ${ARGN})
    add_battery_entry(${demo} faults.long faults.py 7200 long ${ARGN})
  endif()
  set_tests_properties(${demo}.load PROPERTIES RUN_SERIAL TRUE) # it takes every CPU
endfunction()

# add_lesson_test(CHAPTER README): lesson.CHAPTER, the console blocks of the README run by cram.
function(add_lesson_test chapter readme)
  add_judge(lesson.${chapter} lesson.py 300 ${readme} ${PROJECT_BINARY_DIR}/demos ${PROJECT_BINARY_DIR}/lessons/${chapter})
  set_tests_properties(lesson.${chapter} PROPERTIES LABELS lesson)
endfunction()
