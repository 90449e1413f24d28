# Shared by the scripts, which source it. Sets `root`, `build_tools` and the build options.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_tools=$root/.build-tools # tools fetched for the checks; ignored by git
script=${0##*/}

# Tests need internal declarations, which changes how every module is compiled. They have a separate
# build folder, so that alternating between training and testing rebuilds nothing. There, no script builds with
# --product: SwiftPM's next build of all would include the programs of the packages that this one depends on,
# among them 600 C++ files of protoc. A folder where that has happened is mended by removing release.yaml.
release_options=(--package-path "$root" -c release --explicit-target-dependency-import-check error)
testing_options=("${release_options[@]}" --scratch-path "$root/.build-testing" -Xswiftc -enable-testing)

# The versions of clang that the kernel checks support, best first. docs/kernels-report.txt is written
# with the first; the others check everything except that report.
clang_versions=(16 17 18 19 15)

# Messages go to standard error: standard output belongs to the program that a script runs.
say() { printf '%s: %s\n' "$script" "$*" >&2; }
fail() {
  say "$*"
  exit 1
}
step() { printf '\n== %s\n' "$*" >&2; }

# Prints the comment at the head of the running script and ends, if the first argument is --help.
usage_if_asked() {
  case "${1:-}" in
    -h | --help)
      sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"
      exit 0
      ;;
  esac
}

require_swift() {
  command -v swift >/dev/null ||
    fail "no swift in PATH; install Swift 6.3 for Linux from https://www.swift.org/install/linux"
}

# The C compiler that comes with Swift: beside `swift` in PATH, or beside the target of that link.
swift_clang() {
  local swift folder
  require_swift
  swift=$(command -v swift)
  for folder in "$(dirname "$swift")" "$(dirname "$(readlink -f "$swift")")"; do
    if [ -x "$folder/clang" ]; then
      printf '%s' "$folder/clang"
      return
    fi
  done
  fail "no clang beside $swift; install the whole toolchain from https://www.swift.org/install/linux"
}

# First of `name-VERSION` for the versions above that is installed; empty if there is none.
versioned_tool() {
  local version
  for version in "${clang_versions[@]}"; do
    if command -v "$1-$version" >/dev/null; then
      printf '%s-%s' "$1" "$version"
      return
    fi
  done
}

# The pieces of a program in the engine's order: those that the file uses, then the file. Some come twice.
pieces_of() {
  local used
  for used in $(sed -n 's|^// uses: ||p' "$root/kernels/$1"); do pieces_of "$used"; done
  echo "$1"
}

# Joins the pieces of a program as the engine does, each once.
join_pieces() {
  local piece
  for piece in $(pieces_of "$1" | awk '!seen[$0]++'); do
    printf '#line 1 "%s"\n' "$piece"
    cat "$root/kernels/$piece"
  done
}
