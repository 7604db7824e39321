# The cache: what takes minutes to make is kept between runs, outside the tree.

cache=$(realpath --canonicalize-missing "${XDG_CACHE_HOME:-${HOME:-/root}/.cache}")/actstream

# lock_cache FOLDER OPTION: makes FOLDER of the cache, and holds a lock on it until
# the script ends, or --unlock: --exclusive to write, --shared to read.
lock_cache() {
    mkdir -p "$cache/$1"
    [[ ${cache_lock:-} ]] || exec {cache_lock}>"$cache/$1/lock"
    flock "$2" "$cache_lock"
}

# remove_tree FOLDER: removes FOLDER, unless something is mounted below it.
remove_tree() {
    local folder

    [[ -e $1 ]] || return 0
    folder=$(realpath "$1")
    ! cut -d' ' -f5 /proc/self/mountinfo | grep -qE "^$folder(/|\$)" ||
        fail "something is mounted below $folder"
    rm -rf --one-file-system "$folder"
}
