# What `cmake --install` puts in place of the demos: the programs in libexec/proclab and a link bin/proclab-NAME to each, so that
# none of them hides a command of the system, and the lessons are right to the letter for who puts that folder into PATH; a man
# page each; the lessons with their sources in share/doc/proclab; completion for bash; and proclab-new-demo.

set(man_folder ${PROJECT_BINARY_DIR}/man)

# Called by their installed names: a program says in --help what it is called by.
file(MAKE_DIRECTORY ${man_folder}/bin)

find_program(PROCLAB_HELP2MAN help2man)
find_program(PROCLAB_AWK NAMES awk REQUIRED)
mark_as_advanced(PROCLAB_HELP2MAN PROCLAB_AWK)
set(makes_man_pages ${PROCLAB_HELP2MAN})
if(NOT PROCLAB_HELP2MAN)
  message(STATUS "No man pages: help2man was not found")
elseif(CMAKE_CROSSCOMPILING OR PROCLAB_SANITIZE)
  message(STATUS "No man pages: they are made from what the demos print, and these are not for this machine's readers")
  set(makes_man_pages OFF)
endif()

# install_link(TO NAME FOLDER): a symbolic link, which the manifest then lists as it does a file.
function(install_link to name folder)
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/links/${folder})
  file(CREATE_LINK ${to} ${PROJECT_BINARY_DIR}/links/${folder}/${name} SYMBOLIC)
  install(FILES ${PROJECT_BINARY_DIR}/links/${folder}/${name} DESTINATION ${folder})
endfunction()

function(install_demo name)
  install(PROGRAMS $<TARGET_FILE:${name}> DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/proclab)
  file(RELATIVE_PATH program ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBEXECDIR}/proclab/${name})
  install_link(${program} proclab-${name} ${CMAKE_INSTALL_BINDIR})
endfunction()

# man_page(PROGRAM FILE [SEE...]): build/man/PROGRAM.1 is made by running FILE under the name PROGRAM.
function(man_page program file)
  set(page ${man_folder}/${program}.1)
  add_custom_command(OUTPUT ${page}
    COMMAND ${CMAKE_COMMAND} -E create_symlink ${file} ${man_folder}/bin/${program}
    COMMAND ${PROJECT_SOURCE_DIR}/demos/install/man-page ${PROCLAB_HELP2MAN} ${man_folder}/bin/${program} ${page}
            ${PROJECT_VERSION} ${ARGN}
    DEPENDS ${file} ${PROJECT_SOURCE_DIR}/demos/install/man-page VERBATIM)
  set_property(GLOBAL APPEND PROPERTY PROCLAB_PAGES ${page})
endfunction()

# Each names its neighbours in the order of the course.
function(install_man_pages demos)
  list(LENGTH demos n)
  foreach(name IN LISTS demos)
    list(FIND demos ${name} at)
    math(EXPR before "${at} - 1")
    math(EXPR after "${at} + 1")
    set(see)
    if(at GREATER 0)
      list(GET demos ${before} neighbour)
      list(APPEND see proclab-${neighbour})
    endif()
    if(after LESS n)
      list(GET demos ${after} neighbour)
      list(APPEND see proclab-${neighbour})
    endif()
    man_page(proclab-${name} $<TARGET_FILE:${name}> ${see} proclab-new-demo)
  endforeach()
  man_page(proclab-new-demo ${PROJECT_BINARY_DIR}/new-demo)
  get_property(pages GLOBAL PROPERTY PROCLAB_PAGES)
  add_custom_target(man ALL DEPENDS ${pages})
  install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endfunction()

# install_text(FROM TO NAMES): a text of the tree, as it has to be outside of it.
function(install_text from to names)
  set(text ${PROJECT_BINARY_DIR}/doc/${to})
  set(script ${PROJECT_SOURCE_DIR}/demos/install/as-installed.awk)
  get_filename_component(folder ${to} DIRECTORY)
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/doc/${folder})
  add_custom_command(OUTPUT ${text} COMMAND ${PROCLAB_AWK} -v "names=${names}" -f ${script} ${from} > ${text}
                     DEPENDS ${from} ${script} VERBATIM)
  set_property(GLOBAL APPEND PROPERTY PROCLAB_TEXTS ${text})
  install(FILES ${text} DESTINATION ${CMAKE_INSTALL_DOCDIR}/${folder})
endfunction()

function(install_lessons demos)
  list(JOIN demos " " names)
  file(GLOB chapters RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/[0-9]-*)
  foreach(chapter IN LISTS chapters)
    install_text(${CMAKE_CURRENT_SOURCE_DIR}/${chapter}/README.md ${chapter}/README.md "${names}")
    file(GLOB sources ${CMAKE_CURRENT_SOURCE_DIR}/${chapter}/*.c)
    install(FILES ${sources} DESTINATION ${CMAKE_INSTALL_DOCDIR}/${chapter})
  endforeach()
  install_text(${PROJECT_SOURCE_DIR}/README.md README.md "${names}")
  install_text(${PROJECT_SOURCE_DIR}/lib/report/README.md events.md "${names}")
  get_property(texts GLOBAL PROPERTY PROCLAB_TEXTS)
  add_custom_target(doc ALL DEPENDS ${texts})
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
  install(FILES ${PROJECT_SOURCE_DIR}/tests/demos/event.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/proclab)
endfunction()

# bash-completion looks for a file by the name of the command: one file, and a link to it for each.
function(install_completion demos)
  set(place ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  foreach(name IN LISTS demos)
    install_link(proclab proclab-${name} ${place})
  endforeach()
  install(FILES ${PROJECT_SOURCE_DIR}/scripts/completion.bash DESTINATION ${place} RENAME proclab)
endfunction()

# The script finds what it needs from where it lies itself.
function(install_new_demo)
  file(RELATIVE_PATH template ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_DATADIR}/proclab/template)
  file(RELATIVE_PATH prefix ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_PREFIX})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/scripts/new-demo)
  file(READ ${PROJECT_SOURCE_DIR}/scripts/new-demo in_tree)
  string(REGEX REPLACE "\n# In the tree[^\n]*\ntemplate=[^\n]*\nversion=[^\n]*\nprefix=[^\n]*\n"
         "\ntemplate=$here/${template}\nversion=${PROJECT_VERSION}\nprefix=$(readlink -f -- \"$here/${prefix}\")\n"
         installed "${in_tree}")
  if(installed STREQUAL in_tree)
    message(FATAL_ERROR "scripts/new-demo says in another way where its template is")
  endif()
  file(WRITE ${PROJECT_BINARY_DIR}/new-demo "${installed}")
  file(CHMOD ${PROJECT_BINARY_DIR}/new-demo PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
                                                        WORLD_READ WORLD_EXECUTE)
  install(PROGRAMS ${PROJECT_BINARY_DIR}/new-demo DESTINATION ${CMAKE_INSTALL_BINDIR} RENAME proclab-new-demo)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/scripts/template DESTINATION ${CMAKE_INSTALL_DATADIR}/proclab)
endfunction()

# When all demos are known.
function(install_the_rest)
  get_property(demos GLOBAL PROPERTY PROCLAB_DEMOS)
  install_lessons("${demos}")
  install_completion("${demos}")
  install_new_demo()
  if(makes_man_pages)
    install_man_pages("${demos}")
  endif()
endfunction()
