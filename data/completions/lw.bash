# SPDX-License-Identifier: GPL-3.0-or-later
# Completion of lw in bash.  Verbs, options and models are asked of lw itself, so nothing here can be out
# of date.

# Names of the models there are, one a line.
_lw_models() {
  "$1" models --json 2>/dev/null | sed -n 's/^ *"name" : "\(.*\)",\{0,1\}$/\1/p'
}

_lw() {
  local lw=${COMP_WORDS[0]} cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} word
  local -a found
  COMPREPLY=()

  if [ "$COMP_CWORD" -eq 1 ] || { [ "$COMP_CWORD" -eq 2 ] && [ "$prev" = help ]; }; then
    mapfile -t COMPREPLY < <(compgen -W "$("$lw" --help 2>/dev/null | sed -n 's/^  \([a-z]\+\) .*/\1/p') --help --version" -- "$cur")
    return
  fi
  local verb=${COMP_WORDS[1]}
  # --option=value arrives as three words.
  [ "$cur" = = ] && cur=
  [ "$prev" = = ] && prev=${COMP_WORDS[COMP_CWORD - 2]}
  case $prev in
  -m | --model)
    mapfile -t found < <(compgen -W "$(_lw_models "$lw" | sed 's/ /\\ /g')" -- "$cur")
    for word in "${found[@]}"; do
      COMPREPLY+=("$(printf %q "$word")")
    done
    compopt -o filenames 2>/dev/null
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -X '!*.gguf' -- "$cur"; compgen -d -- "$cur")
    return
    ;;
  --attn)
    mapfile -t COMPREPLY < <(compgen -W "auto dense window:4+508 random:10%" -- "$cur")
    return
    ;;
  esac
  if [ "$verb" = eval ] && [ "${cur#-}${prev#--}" = "$cur$prev" ]; then
    mapfile -t COMPREPLY < <(compgen -W "text visual all $("$lw" eval --list 2>/dev/null | sed -n 's/^  \([a-z_0-9]\{1,\}\) .*/\1/p')" -- "$cur")
    return
  fi
  case $cur in
  -*)
    mapfile -t COMPREPLY < <(compgen -W "$("$lw" "$verb" --help 2>/dev/null | grep -o -- '\(^  \|, \)--\?[a-z][a-z-]*' | grep -o -- '-.*')" -- "$cur")
    ;;
  *)
    if [ "$verb" = info ]; then
      mapfile -t found < <(compgen -W "$(_lw_models "$lw" | sed 's/ /\\ /g')" -- "$cur")
      for word in "${found[@]}"; do
        COMPREPLY+=("$(printf %q "$word")")
      done
    fi
    compopt -o filenames 2>/dev/null
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur")
    ;;
  esac
}

complete -F _lw lw
