/* Runs a network once, and nothing that would ask beforehand what the CPU can do. */
#include "eb_digits_model.h"

int main(void)
{
    return eb_digits_init() != 0 || eb_digits_run() != EB_OK;
}
