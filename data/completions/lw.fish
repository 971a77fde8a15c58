# SPDX-License-Identifier: GPL-3.0-or-later
# Completion of lw in fish.  Verbs, options and models are asked of lw itself.

function __lw_verbs
    lw --help 2>/dev/null | sed -n 's/^  \([a-z]\{1,\}\)  *\(.*\)/\1\t\2/p'
end

function __lw_models
    lw models --json 2>/dev/null | sed -n 's/^ *"name" : "\(.*\)",\{0,1\}$/\1/p'
end

# Options of the verb on the command line.
function __lw_options
    set -l words (commandline -opc)
    lw $words[2] --help 2>/dev/null |
        sed -n 's/^  \(-[a-zA-Z], \)\{0,1\}\(--[a-z-]*\)[^ ]*  *\(.*\)/\2\t\3/p'
end

complete -c lw -n __fish_use_subcommand -f -a '(__lw_verbs)'
complete -c lw -n 'not __fish_use_subcommand; and string match -q -- "-*" (commandline -ct)' -f -a '(__lw_options)'
complete -c lw -n 'not __fish_use_subcommand' -s m -l model -x -a '(__lw_models)'
complete -c lw -n '__fish_seen_subcommand_from info' -a '(__lw_models)'
complete -c lw -n '__fish_seen_subcommand_from eval' -f -a "text visual all (lw eval --list 2>/dev/null | sed -n 's/^  \([a-z_0-9]\{1,\}\)  *\(.*\)/\1\t\2/p')"
