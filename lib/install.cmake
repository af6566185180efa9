# What `cmake --install` puts in place for programs outside this tree: the modules of lib/ in one archive, libproclab.a, their
# public headers in include/proclab/MODULE, proclab.pc for pkg-config and a package for find_package(proclab). Each finds the
# others from where it lies itself, so the whole can be moved; the libraries underneath are found by pkg-config.

# What the archive needs: modules of pkg-config, and the same as the targets that pkg_check_modules() makes of them.
set(needed_modules jansson smartcols)
set(needed_targets JANSSON SMARTCOLS)

function(install_headers module)
  install(FILES ${ARGN} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/proclab/${module})
endfunction()

# For proclab.pc: the folder as it is seen from ${prefix}.
function(from_prefix folder result)
  if(NOT IS_ABSOLUTE ${folder})
    set(folder "\${prefix}/${folder}")
  endif()
  set(${result} ${folder} PARENT_SCOPE)
endfunction()

function(install_pkg_config)
  set(prefix ${CMAKE_INSTALL_PREFIX})
  if(NOT IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
    file(RELATIVE_PATH up /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
    string(REGEX REPLACE "/$" "" up ${up})
    set(prefix "\${pcfiledir}/${up}")
  endif()
  from_prefix(${CMAKE_INSTALL_LIBDIR} libdir)
  from_prefix(${CMAKE_INSTALL_INCLUDEDIR} includedir)
  list(JOIN needed_modules ", " requires)
  configure_file(proclab.pc.in proclab.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/proclab.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

function(install_cmake_package)
  set(place ${CMAKE_INSTALL_LIBDIR}/cmake/proclab)
  include(CMakePackageConfigHelpers)
  set(source_c ${CMAKE_INSTALL_DATADIR}/proclab/source.c)
  configure_package_config_file(proclabConfig.cmake.in proclabConfig.cmake INSTALL_DESTINATION ${place} PATH_VARS source_c
                                NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
  write_basic_package_version_file(proclabConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/proclabConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/proclabConfigVersion.cmake
          DESTINATION ${place})
  install(FILES report/page/source.c DESTINATION ${CMAKE_INSTALL_DATADIR}/proclab)
  install(TARGETS proclab EXPORT proclab ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT proclab NAMESPACE proclab:: FILE proclabTargets.cmake DESTINATION ${place})
endfunction()

# When all modules are there.
function(install_library)
  if(PROCLAB_KERNEL_EVENTS AND TRACEFS_FOUND)
    list(APPEND needed_modules libtracefs libtraceevent)
    list(APPEND needed_targets TRACEFS)
  endif()
  set_target_properties(proclab PROPERTIES LINKER_LANGUAGE C)
  target_include_directories(proclab INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/proclab>)
  list(TRANSFORM needed_targets PREPEND PkgConfig:: OUTPUT_VARIABLE targets)
  target_link_libraries(proclab INTERFACE ${targets} -lm) # not m, which may be a target of the reader's
  install_pkg_config()
  install_cmake_package()
endfunction()
