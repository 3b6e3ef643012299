"""Verbs → a bash completion script. It needs nothing of the package bash-completion but its directory."""

from collections.abc import Iterator, Sequence

from docs.completions.tree import ASK, PATH, TRUST, Kind, Option, Verb, nouns, root_options

_HEAD = f"""\
# Completion of exoctl. Made by docs/completions from its commands.

_exoctl_objects() {{
    {ASK % '${EXOD_BUS_ADDRESS:+--address="$EXOD_BUS_ADDRESS"}'} |
        grep -o "{PATH}/$1/[a-z0-9_]*" | sed 's|.*/||; s/_/-/g' | sort -u
}}

_exoctl_offer() {{
    case $1 in
        files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
        plugins) mapfile -t COMPREPLY < <(compgen -W "$(_exoctl_objects plugin)" -- "$2") ;;
        packages)
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$2"; compgen -W "$(_exoctl_objects plugin)" -- "$2")
            ;;
        jobs) mapfile -t COMPREPLY < <(compgen -W "$(_exoctl_objects job)" -- "$2") ;;
        anchors)
            mapfile -t COMPREPLY < <(compgen -W "$(compgen -G '{TRUST}/*.toml' | sed 's|.*/||; s|\\.toml$||')" -- "$2")
            ;;
        words) mapfile -t COMPREPLY < <(compgen -W "$3" -- "$2") ;;
    esac
}}
"""
_WORDS = """\
_exoctl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
    local noun= verb= options= argument= word
    local -i place
    COMPREPLY=()
    for ((place = 1; place < COMP_CWORD; place++)); do
        word=${COMP_WORDS[place]}
        case $word in
            --address) ((place++)) ;;
            -*) ;;
            *)
                if [[ -n $noun ]]; then verb=$word; break; fi
                noun=$word
                ;;
        esac
    done
    case "$noun $verb" in"""
_TAIL = """\
    if [[ $current == -* ]]; then
        _exoctl_offer words "$current" "$options"
    else
        _exoctl_offer "$argument" "$current"
    fi
}

complete -F _exoctl exoctl
"""


def script(verbs: Sequence[Verb]) -> str:
    return "\n".join((_HEAD, *_function(verbs), _TAIL))


def _function(verbs: Sequence[Verb]) -> Iterator[str]:
    yield _WORDS
    yield f'        " ") argument=; options="{_names(root_options())}"'
    yield f'            [[ $current == -* ]] || {{ _exoctl_offer words "$current" "{" ".join(nouns())}"; return; }} ;;'
    for noun in nouns():
        names = " ".join(verb.name for verb in verbs if verb.noun == noun)
        yield f'        "{noun} ") options="-h --help"'
        yield f'            [[ $current == -* ]] || {{ _exoctl_offer words "$current" "{names}"; return; }} ;;'
    for verb in verbs:
        yield f'        "{verb.noun} {verb.name}") argument={verb.argument.value}; options="{_names(verb.options)}"'
        yield from _values(verb)
        yield "            ;;"
    yield "    esac"


def _values(verb: Verb) -> Iterator[str]:
    taking = [option for option in verb.options if option.takes is not None]
    if not taking:
        return
    yield "            case $previous in"
    for option in taking:
        names = "|".join(option.names)
        if option.choices:
            yield f'                {names}) _exoctl_offer words "$current" "{" ".join(option.choices)}"; return ;;'
        else:
            kind = (option.takes or Kind.ANYTHING).value
            yield f'                {names}) _exoctl_offer {kind} "$current"; return ;;'
    yield "            esac"


def _names(options: Sequence[Option]) -> str:
    return " ".join(name for option in options for name in option.names)
