# Sourced by what builds or fetches a program: where it is kept, and that it is made once.
# Nothing but the wanted path goes to standard output; what happens is told on standard error.

export GOWORK=off # a workspace around the checkout is none of ours

say() {
    echo "${0##*/}: $*" >&2
}

fail() {
    say "$@"
    exit 1
}

# kept KIND INPUT...: the folder of KIND for these inputs, outside the checkout; other inputs have another folder,
# and what was made for others before stays where it is.
kept() {
    local kind=$1 sum
    shift
    sum=$(printf '%s\0' "$@" | sha256sum)
    realpath -m "${VEREIN_CACHE:-${XDG_CACHE_HOME:-${HOME:?is not set; set it, or VEREIN_CACHE}/.cache}/otel-verein}/$kind/${sum:0:16}"
}

# once WANTED CURE MAKE [--where]: print the path WANTED. Where it is missing, the function MAKE leaves it at $work/made;
# with --where nothing is made, and its absence is an error that names the CURE.
once() {
    local wanted=$1 cure=$2 make=$3 option=${4:-} start=$SECONDS
    case $option in
    --where) [[ -e $wanted ]] || fail "not there yet; run: $cure" ;;
    '') [[ -e $wanted ]] || alone "${wanted%/*}" ;;
    *) fail "$option is no option; there is only --where" ;;
    esac
    if [[ ! -e $wanted ]]; then
        work=${wanted%/*}/work
        rm -rf "$work"
        mkdir "$work"
        "$make"
        mv "$work/made" "$wanted"
        rm -rf "$work"
        say "done in $((SECONDS - start)) s, $(du -smL "$wanted" | cut -f 1) MiB"
    fi
    echo "$wanted"
}

# alone DIRECTORY: wait until no other run makes the same; the lock goes with the process.
alone() {
    mkdir -p "$1"
    exec 9>"$1/lock"
    if ! flock -n 9; then
        say "another run makes the same; waiting for it ..."
        flock 9
    fi
}

# logged LOG EVERY COMMAND...: run it, its output to LOG; each EVERYth line is shown with its number, as a sign of life.
logged() {
    local log=$1 every=$2
    shift 2
    : >"$log"
    if ! "$@" 2>&1 | awk -v log_="$log" -v every="$every" -v me="${0##*/}" \
        '{ print > log_; fflush(log_) } NR % every == 0 { printf "%s:   %d  %s\n", me, NR, $0; fflush() }' >&2; then
        tail -n 20 "$log" >&2
        return 1
    fi
}

need_go() {
    PATH=$PATH:/usr/local/go/bin # where its own archive goes, which not every shell looks through
    command -v go >/dev/null ||
        fail "go is missing; install Go $1 or later (https://go.dev/dl) and put its bin folder on PATH"
}
