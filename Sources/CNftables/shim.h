// libnftables: rules in and out as JSON, no process started.
#include <nftables/libnftables.h>
