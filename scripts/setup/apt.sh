# A private apt: fetches Debian 13 packages into build/ without root and without a trace in the system's own.
# Sourced after common.sh. Every use takes KIND, which is an architecture or "src" (source packages); each
# KIND has its own lists, so a step downloads only the index it needs.

SUITE=trixie
BACKPORTS=trixie-backports
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
HOST_ARCH=$(dpkg --print-architecture)

# The archives this machine itself uses, one base address per line, Debian's usual name first.
# A third party's archive may be among them; the signature check of the update tells them apart.
apt_mirrors() {
	apt-get --print-uris update 2>/dev/null |
		sed -n "s#^'\\(.*\\)/dists/[a-z]*/InRelease' .*#\\1#p" |
		awk '!seen[$0]++ { if (/debian\/?$/) print; else rest = rest $0 "\n" } END { printf "%s", rest }'
}

# papt KIND PROGRAM ARGUMENT...: runs apt-get or apt-cache against the private state.
papt() {
	papt_kind=$1 papt_program=$2
	shift 2
	papt_dir=$TOOLS/apt/$papt_kind
	papt_arch=$papt_kind
	[ "$papt_kind" != src ] || papt_arch=$HOST_ARCH
	"$papt_program" -q -o APT::Get::Assume-Yes=true \
		-o Dir::State="$papt_dir/state" -o Dir::State::lists="$papt_dir/lists" \
		-o Dir::State::status="$papt_dir/status" -o Dir::Cache="$papt_dir/cache" \
		-o Dir::Etc::sourcelist="$papt_dir/sources.list" -o Dir::Etc::sourceparts=- \
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
		-o APT::Architecture="$papt_arch" -o APT::Architectures::="$papt_arch" \
		-o APT::Install-Recommends=0 -o APT::Sandbox::User= -o APT::Update::Error-Mode=any \
		-o Acquire::Languages=none -o Acquire::Retries=3 -o Acquire::http::Timeout=30 \
		-o Acquire::Check-Valid-Until=false -o Acquire::Check-Date=false "$@"
}

# apt_update KIND: fetches the lists anew from the first archive that serves them.
apt_update() {
	update_kind=$1
	update_dir=$TOOLS/apt/$update_kind
	rm -f "$update_dir/updated"
	mkdir -p "$update_dir/state" "$update_dir/lists/partial" "$update_dir/cache/archives/partial"
	: >"$update_dir/status"
	update_type=deb
	[ "$update_kind" != src ] || update_type=deb-src
	update_mirrors=$(apt_mirrors)
	[ -n "$update_mirrors" ] || die "apt on this machine names no Debian archive to fetch from"
	for mirror in $update_mirrors; do
		for suite in $SUITE $BACKPORTS; do
			printf '%s [signed-by=%s] %s %s main\n' "$update_type" "$KEYRING" "$mirror" "$suite"
		done >"$update_dir/sources.list"
		if run apt papt "$update_kind" apt-get update; then
			: >"$update_dir/updated"
			return 0
		fi
	done
	die "the Debian archive cannot be reached, and what this step needs is not here yet (see $(log_of apt))"
}

# apt_ready KIND: lists are there, from now or from an earlier step.
apt_ready() {
	[ -e "$TOOLS/apt/$1/updated" ] || apt_update "$1"
}

# apt_try KIND PROGRAM ARGUMENT...: once with the lists at hand, and once more with new ones, because an
# archive drops old versions. Returns the status of the last try.
apt_try() {
	apt_ready "$1"
	run apt papt "$@" && return 0
	apt_update "$1"
	run apt papt "$@"
}

# Two makes at once must not use one state at a time.
apt_lock() {
	mkdir -p "$TOOLS/apt"
	exec 9>"$TOOLS/apt/lock"
	flock 9
}
