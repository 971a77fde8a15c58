# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2154
#
# What build-aux/run and build-aux/test share; they set $top (the repository) before reading this file.
# Everything said here goes to stderr, so that stdout stays the program's.

say() {
  printf '%s\n' "$*" >&2
}

# The packages of the named groups that are not installed, one a line.
missing_packages() {
  for group in "$@"; do
    sed -n "s/^$group //p" "$top/build-aux/packages"
  done | while read -r package; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
      printf '%s\n' "$package"
  done
}

# Install what the groups lack.  Says nothing and asks nothing when all is there.
need_packages() {
  if ! command -v dpkg-query >/dev/null; then
    say "This is not Debian: packages are not checked; meson will name what is missing."
    return 0
  fi
  missing=$(missing_packages "$@" | tr '\n' ' ')
  missing=${missing% }
  [ -n "$missing" ] || return 0

  say "Missing Debian packages: $missing"
  if [ "$(id -u)" = 0 ]; then
    as_root="env"
  elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
    as_root="sudo"
    say "Installing them with sudo."
  else
    say "They cannot be installed from here: not root, and no usable sudo.  As root:"
    say "  apt-get update && apt-get install --no-install-recommends $missing"
    exit 1
  fi
  # $missing is a list on purpose.
  # shellcheck disable=SC2086
  if ! { $as_root apt-get update &&
    $as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y --no-install-recommends $missing; } >&2; then
    say "apt-get failed.  Needed, and not installed: $missing"
    exit 1
  fi
}

# configure FOLDER OPTION...: set up a build folder, or change the options of one that is there.
configure() {
  folder=$1
  shift
  if [ -f "$folder/build.ninja" ]; then
    [ $# -eq 0 ] || meson configure "$folder" "$@" >&2
  else
    meson setup "$folder" "$top" "$@" >&2
  fi
}
