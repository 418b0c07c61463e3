# Shared by the scripts beside this file, which source it; it sets nothing up itself.
# Owns: where things are put, how a step reports, how one error ends a step.
# What a step fetches goes to a temporary name first and is renamed when whole, so an interrupted step
# leaves nothing that looks finished.

set -eu
export LC_ALL=C
# A make started by a step must not take part in the outer one.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL
cd "$(dirname "$0")/../.."

TOOLS=$PWD/build/tools
LOGS=$TOOLS/log
mkdir -p "$LOGS"

# One line on stdout per step, in the form the Makefile uses for its own.
say() {
	printf '  SETUP  %s\n' "$*"
}

# One sentence on stderr, exit 1.
die() {
	printf 'set-up: %s\n' "$*" >&2
	exit 1
}

# run LOG COMMAND...: the command's output goes to a log, for a step that says itself what a failure means.
run() {
	run_log=$LOGS/$1.log
	shift
	printf '+ %s\n' "$*" >>"$run_log"
	"$@" >>"$run_log" 2>&1 </dev/null
}

# Path of a log for a message, relative to the tree.
log_of() {
	printf 'build/tools/log/%s.log' "$1"
}

# version_at_least HAVE WANT
version_at_least() {
	[ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}
