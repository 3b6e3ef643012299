"""Verbs → a fish completion script."""

from collections.abc import Iterator, Sequence

from docs.completions.tree import ASK, PATH, TRUST, Kind, Option, Verb, nouns, root_options

_HEAD = f"""\
# Completion of exoctl. Made by docs/completions from its commands.

function __exoctl_said --description 'the words before the cursor that are no options are these'
    set -l said
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
        else if test "$word" = --address
            set skip 1
        else if not string match -q -- '-*' $word
            set -a said $word
        end
    end
    test "$said[1..2]" = "$argv"
end

function __exoctl_objects
    set -l address
    set -q EXOD_BUS_ADDRESS; and set address --address=$EXOD_BUS_ADDRESS
    {ASK % "$address"} | string match -ra "{PATH}/$argv[1]/[a-z0-9_]+" | string replace -r '.*/' '' |
        string replace -a _ - | sort -u
end

complete -c exoctl -f
"""
_OFFERS = {
    Kind.FILES: "-F",
    Kind.PLUGINS: "-xa '(__exoctl_objects plugin)'",
    Kind.PACKAGES: "-Fa '(__exoctl_objects plugin)'",
    Kind.JOBS: "-xa '(__exoctl_objects job)'",
    Kind.ANCHORS: f"-xa '(path basename -E {TRUST}/*.toml)'",
    Kind.ANYTHING: "-f",
}


def script(verbs: Sequence[Verb]) -> str:
    return "\n".join((_HEAD, *_lines(verbs), ""))


def _lines(verbs: Sequence[Verb]) -> Iterator[str]:
    for option in root_options():
        yield _option(option, "__exoctl_said")
    for noun, words in nouns().items():
        yield f"complete -c exoctl -n '__exoctl_said' -xa {noun} -d {_quote(words)}"
    for verb in verbs:
        yield f"complete -c exoctl -n '__exoctl_said {verb.noun}' -xa {verb.name} -d {_quote(verb.help)}"
    for verb in verbs:
        said = f"__exoctl_said {verb.noun} {verb.name}"
        yield f"complete -c exoctl -n '{said}' {_OFFERS[verb.argument]}"
        for option in verb.options:
            yield _option(option, said)


def _option(option: Option, said: str) -> str:
    names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
    value = ""
    if option.choices:
        value = f" -xa {_quote(' '.join(option.choices))}"
    elif option.takes is not None:
        value = " -r" if option.takes is Kind.ANYTHING else f" -r {_OFFERS[option.takes]}"
    return f"complete -c exoctl -n '{said}' {names}{value} -d {_quote(option.help)}"


def _quote(words: str) -> str:
    return "'" + words.replace("\\", "\\\\").replace("'", "\\'") + "'"
