// What every plugin is asked, whatever its capability. Each function adds its tests.
#pragma once

#include "sdk/validate/test.h"

namespace novacron::validate::core {

void add_library_tests(std::vector<Test>& tests);     ///< elf.*
void add_descriptor_tests(std::vector<Test>& tests);  ///< descriptor.*
void add_lifecycle_tests(std::vector<Test>& tests);   ///< lifecycle.*
void add_call_tests(std::vector<Test>& tests);        ///< calls.*
void add_memory_tests(std::vector<Test>& tests);      ///< memory.*
void add_host_tests(std::vector<Test>& tests);        ///< host.*
void add_process_tests(std::vector<Test>& tests);     ///< process.*

}  // namespace novacron::validate::core
