// novacron-validate: looks whether a plugin keeps the contract of novacron/plugin.h.
#include "sdk/validate/program.h"

int main(int argc, char** argv) {
  return novacron::validate::run_program(argc, argv);
}
