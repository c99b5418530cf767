/* What computers that run Linux add to the port of all computers (firmware/port/host). */
typedef int eb_linux_has_no_more_yet;
