#!/bin/bash
# sign.sh KEYDIR TARGET → TARGET/NAME_VERSION.exopkg of every plugin of plugins/, and TARGET/trust.d/exod.toml, which
# trusts KEYDIR's public half for these names, their interfaces and what their manifests ask for, and for nothing else.
set -euo pipefail
key=$1 target=$2 asked=
# A private key and its passphrase stay on this side: the chroot sees only what they signed.
scope=()
for directory in plugins/*/; do
    scope+=(--scope "$(basename "$directory")")
    .venv/bin/exoctl package build "$directory" -o "$target/unnamed" --key "$key/vendor.key" --passphrase-file "$key/passphrase" >/dev/null
    .venv/bin/exoctl --json package inspect "$target/unnamed" >"$target/facts"
    name=$(.venv/bin/python -c 'import json, sys; print("{name}_{version}".format_map(json.load(sys.stdin)))' <"$target/facts")
    mv "$target/unnamed" "$target/$name.exopkg"
    asked+=$(.venv/bin/python -c '
import json, sys
for kind, entries in json.load(sys.stdin)["permissions"].items():
    for entry in entries if isinstance(entries, list) else ["true"] if entries else []:
        print(kind if entry == "true" else f"{kind}={entry}")' <"$target/facts")$'\n'
done
rm "$target/facts"
readarray -t allow < <(sort -u <<<"$asked" | sed '/^$/d; s/^/--allow=/')
mkdir -m 755 "$target/trust.d"
.venv/bin/exoctl key trust "$key/vendor.pub" --name exod --level vendor "${scope[@]}" --interface org.exoos. \
    "${allow[@]}" --trust-dir "$target/trust.d" >/dev/null 2>&1
