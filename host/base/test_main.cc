// The one copy of Catch2's main; test programs link it, so that no test file compiles it again.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
