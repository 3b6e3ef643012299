"""Verbs → a zsh completion function, to lie in a directory of $fpath as `_exoctl`."""

from collections.abc import Iterator, Sequence

from docs.completions.tree import ASK, PATH, TRUST, Kind, Option, Verb, nouns, root_options

_HEAD = f"""\
#compdef exoctl
# Completion of exoctl. Made by docs/completions from its commands.

_exoctl_objects() {{
    local -a found
    found=(${{(f)"$({ASK % "${EXOD_BUS_ADDRESS:+--address=$EXOD_BUS_ADDRESS}"} |
        grep -o "{PATH}/$1/[a-z0-9_]*" | sed 's|.*/||; s/_/-/g' | sort -u)"}})
    compadd -a found
}}
_exoctl_plugins() {{ _exoctl_objects plugin }}
_exoctl_jobs() {{ _exoctl_objects job }}
_exoctl_packages() {{ _files; _exoctl_plugins }}
_exoctl_anchors() {{ compadd -- {TRUST}/*.toml(N:t:r) }}
"""
_ACTIONS = {
    Kind.FILES: "_files",
    Kind.PLUGINS: "_exoctl_plugins",
    Kind.PACKAGES: "_exoctl_packages",
    Kind.JOBS: "_exoctl_jobs",
    Kind.ANCHORS: "_exoctl_anchors",
    Kind.ANYTHING: " ",
}


def script(verbs: Sequence[Verb]) -> str:
    return "\n".join((_HEAD, *_function(verbs), '_exoctl "$@"', ""))


def _function(verbs: Sequence[Verb]) -> Iterator[str]:
    yield "_exoctl() {"
    yield "    local curcontext=$curcontext state line"
    yield "    typeset -A opt_args"
    yield "    local -a verbs nouns"
    yield "    nouns=("
    yield from (f"        {_quote(f'{noun}:{_colon(words)}')}" for noun, words in nouns().items())
    yield "    )"
    yield "    _arguments -C \\"
    yield from (f"        {spec} \\" for option in root_options() for spec in _specs(option))
    yield "        '1: :->noun' '2: :->verb' '*:: :->rest' && return"
    yield "    case $state in"
    yield "        noun) _describe noun nouns ;;"
    yield "        verb)"
    yield "            case $line[1] in"
    for noun in nouns():
        yield f"                {noun}) verbs=("
        yield from (
            f"                    {_quote(f'{verb.name}:{_colon(verb.help)}')}" for verb in verbs if verb.noun == noun
        )
        yield "                ) ;;"
    yield "            esac"
    yield "            _describe verb verbs ;;"
    yield "        rest)"
    yield "            shift words"
    yield "            (( CURRENT-- ))"
    yield '            case "$line[1] $line[2]" in'
    for verb in verbs:
        yield f'                "{verb.noun} {verb.name}") _arguments \\'
        yield from (f"                    {spec} \\" for option in verb.options for spec in _specs(option))
        yield f"                    {_quote(f'*: :{_ACTIONS[verb.argument]}')} ;;"
    yield "            esac ;;"
    yield "    esac"
    yield "}"


def _specs(option: Option) -> Iterator[str]:
    """Each name of an option, as _arguments(1) wants it."""
    words = option.help.translate({ord("["): "(", ord("]"): ")"})
    value = ""
    if option.choices:
        value = f": :({' '.join(option.choices)})"
    elif option.takes is not None:
        value = f": :{_ACTIONS[option.takes]}"
    for name in option.names:
        yield _quote(f"*{name}[{words}]{value}")


def _colon(words: str) -> str:
    return words.replace(":", "\\:")


def _quote(words: str) -> str:
    return "'" + words.replace("'", "'\\''") + "'"
