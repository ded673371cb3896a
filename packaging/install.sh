#!/bin/sh
# Installs sideseat-tui from a release, or from an archive that is here already:
#
#   sh install.sh                                       the release that this came with, into ~/.local
#   sh install.sh sideseat-tui-x86_64-….tar.gz          that archive
#
# PREFIX is where to put it, SIDESEAT_TUI_RELEASE the address of a release's files. Nothing else is changed: no shell's
# settings, no PATH. An archive is only taken if its checksum, in the file beside it, is right.
set -eu
RELEASE=${SIDESEAT_TUI_RELEASE:-@RELEASE@}
PREFIX=${PREFIX:-$HOME/.local}

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) target=x86_64-unknown-linux-gnu ;;
    Linux-aarch64 | Linux-arm64) target=aarch64-unknown-linux-gnu ;;
    Darwin-x86_64) target=x86_64-apple-darwin ;;
    Darwin-arm64) target=aarch64-apple-darwin ;;
    *) fail "there is no program for $(uname -s) on $(uname -m)" ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
name=sideseat-tui-$target
if [ $# -gt 0 ]; then
    if [ ! -f "$1" ] || [ ! -f "$1.sha256" ]; then fail "$1 or $1.sha256 is not there"; fi
    cp "$1" "$work/$name.tar.gz"
    cp "$1.sha256" "$work/$name.tar.gz.sha256"
else
    case $RELEASE in
        http*) ;;
        *) fail "there is no release yet: name an archive, or set SIDESEAT_TUI_RELEASE" ;;
    esac
    for file in "$name.tar.gz" "$name.tar.gz.sha256"; do
        if command -v curl >/dev/null; then
            curl -fsSL --proto '=https' "$RELEASE/$file" -o "$work/$file" || fail "cannot fetch $RELEASE/$file"
        else
            wget -q "$RELEASE/$file" -O "$work/$file" || fail "cannot fetch $RELEASE/$file"
        fi
    done
fi

expected=$(cut -d ' ' -f 1 "$work/$name.tar.gz.sha256")
if command -v sha256sum >/dev/null; then
    found=$(sha256sum "$work/$name.tar.gz" | cut -d ' ' -f 1)
else
    found=$(shasum -a 256 "$work/$name.tar.gz" | cut -d ' ' -f 1)
fi
[ "$expected" = "$found" ] || fail "the archive's checksum is $found, and should be $expected"

tar -xzf "$work/$name.tar.gz" -C "$work"
put() { # put MODE FILE TO
    mkdir -p "$(dirname "$3")"
    # Under another name first: a program that runs cannot be written over.
    cp "$2" "$3.new" && chmod "$1" "$3.new" && mv -f "$3.new" "$3"
}
from=$work/$name
put 755 "$from/sideseat-tui" "$PREFIX/bin/sideseat-tui"
for page in "$from"/man/man1/*; do
    put 644 "$page" "$PREFIX/share/man/man1/$(basename "$page")"
done
put 644 "$from/completions/bash/sideseat-tui" "$PREFIX/share/bash-completion/completions/sideseat-tui"
put 644 "$from/completions/zsh/_sideseat-tui" "$PREFIX/share/zsh/site-functions/_sideseat-tui"
put 644 "$from/completions/fish/sideseat-tui.fish" "$PREFIX/share/fish/vendor_completions.d/sideseat-tui.fish"
put 644 "$from/THIRD-PARTY.txt" "$PREFIX/share/doc/sideseat-tui/THIRD-PARTY.txt"
put 644 "$from/LICENSE" "$PREFIX/share/doc/sideseat-tui/LICENSE"

echo "$("$PREFIX/bin/sideseat-tui" --version) is in $PREFIX/bin"
case ":$PATH:" in
    *":$PREFIX/bin:"*) ;;
    *) echo "which is not on your PATH" ;;
esac
