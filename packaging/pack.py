"""What the packers share: the version, the name written into the binary, the files beside it.

The version stands in Cargo.toml alone. A packer takes a finished binary, so one build serves all packages of a platform;
each writes its name over the one in the binary, which `--version` prints (src/cli/packed.rs).
"""

import argparse
import io
import os
import re
import struct
import subprocess
import sys
import tarfile
import tempfile
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = "sideseat-tui"
SUMMARY = "See what your AI agent did: an OpenTelemetry receiver, store and screen in one terminal program"
MARK = b"sideseat-tui was packed as: "
MARK_ROOM = 16
# What every file in a package says of its time, in seconds since 1970, so that one input gives one output.
TIME = 499162500

# What a package of each platform is called. Rust's name of it -> npm's os and cpu, Debian's and RPM's architecture.
TARGETS = {
    "x86_64-unknown-linux-gnu": ("linux", "x64", "amd64", "x86_64"),
    "aarch64-unknown-linux-gnu": ("linux", "arm64", "arm64", "aarch64"),
    "x86_64-apple-darwin": ("darwin", "x64", None, None),
    "aarch64-apple-darwin": ("darwin", "arm64", None, None),
}


def manifest(key):
    """What Cargo.toml says of the package, if it does."""
    text = re.search(r"(?ms)^\[package\]$(.*?)^\[", (ROOT / "Cargo.toml").read_text()).group(1)
    found = re.search(rf'(?m)^{key} = "([^"]+)"', text)
    return found and found.group(1)


def version():
    return manifest("version")


def repository():
    """The project's address, once Cargo.toml names one: npm's provenance, cargo binstall and PyPI's page need it."""
    return manifest("repository")


def arguments(what, **more):
    """The binary and the folder to write into, and the options of one packer."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("binary", type=Path, help="a finished program, as packaging/build makes it")
    parser.add_argument("out", type=Path, help="the folder to write the package into")
    for name, text in more.items():
        parser.add_argument("--" + name, help=text)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    return given


def target(binary):
    """The platform that a binary is for, by its own head."""
    with open(binary, "rb") as file:
        head = file.read(20)
    if head[:4] == b"\x7fELF":
        machine = struct.unpack("<H", head[18:20])[0]
        return {62: "x86_64-unknown-linux-gnu", 183: "aarch64-unknown-linux-gnu"}[machine]
    kind = struct.unpack("<II", head[:8])
    return {(0xFEEDFACF, 0x01000007): "x86_64-apple-darwin", (0xFEEDFACF, 0x0100000C): "aarch64-apple-darwin"}[kind]


def packed(binary, by):
    """The bytes of a binary that says that it was packed so."""
    content = Path(binary).read_bytes()
    if content.count(MARK) != 1:
        sys.exit(f"{binary} is no sideseat-tui: it has the mark of packers {content.count(MARK)} times")
    at = content.index(MARK) + len(MARK)
    name = by.encode()
    assert len(name) <= MARK_ROOM, by
    content = content[:at] + name.ljust(MARK_ROOM) + content[at + MARK_ROOM:]
    return signed(content) if target(binary).endswith("darwin") else content


def signed(content):
    """macOS runs no arm64 program whose signature does not fit its bytes; one without an identity will do."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / NAME
        path.write_bytes(content)
        path.chmod(0o755)
        subprocess.run(["codesign", "--force", "--sign", "-", path], check=True)
        return path.read_bytes()


def run(binary, *words):
    """What the program prints. It needs nothing of the user's."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"HOME": home, "PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8"}
        for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
            if name in os.environ:
                environment[name] = os.environ[name]
        done = subprocess.run([Path(binary).resolve(), *words], check=True, capture_output=True, env=environment)
        return done.stdout


def manual(binary):
    """The manual pages: the name of each and its bytes."""
    with tempfile.TemporaryDirectory() as folder:
        run(binary, "man", folder)
        return {page.name: page.read_bytes() for page in sorted(Path(folder).iterdir())}


def completions(binary):
    """The scripts of the shells, each under the name that its shell looks for."""
    names = {"bash": NAME, "zsh": f"_{NAME}", "fish": f"{NAME}.fish", "elvish": f"{NAME}.elv", "nushell": f"{NAME}.nu"}
    return {shell: (name, run(binary, "completions", shell)) for shell, name in names.items()}


def share(binary, zsh="site-functions", zipped=True):
    """What lies beneath `share` of a prefix: manual pages, completions. Path -> bytes."""
    pages = manual(binary).items()
    pages = {f"man/man1/{n}.gz": squeezed(t) for n, t in pages} if zipped else {f"man/man1/{n}": t for n, t in pages}
    folders = {
        "bash": "bash-completion/completions",
        "zsh": f"zsh/{zsh}",
        "fish": "fish/vendor_completions.d",
        "nushell": "nushell/vendor/autoload",
    }
    scripts = completions(binary)
    return pages | {f"{folder}/{scripts[shell][0]}": scripts[shell][1] for shell, folder in folders.items()}


def deflated(content):
    """Deflate, as small as it gets: by libdeflate (the package `deflate`) where it is installed, 3 % less than zlib."""
    try:
        import deflate
    except ImportError:
        held = zlib.compressobj(9, zlib.DEFLATED, -15)
        return held.compress(content) + held.flush()
    return bytes(deflate.deflate_compress(content, 12))


def squeezed(content):
    """Gzip without a time or a name, so that one input gives one output."""
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    return head + deflated(content) + struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)


def zipped(path, files):
    """A zip of path -> (bytes, mode), deflated, all of one time."""
    body, directory = io.BytesIO(), io.BytesIO()
    # 20: deflate; 0x0800: names in UTF-8; then the method, and 1985-10-26 08:15 as DOS has it.
    kind = (20, 0x0800, 8, 8 << 11 | 15 << 5, 5 << 9 | 10 << 5 | 26)
    for name, (content, mode) in files.items():
        held, name, at = deflated(content), name.encode(), body.tell()
        sizes = (zlib.crc32(content), len(held), len(content), len(name), 0)
        body.write(struct.pack("<4s5H3I2H", b"PK\3\4", *kind, *sizes) + name + held)
        unix = (0o100000 | mode) << 16
        directory.write(struct.pack("<4sH5H3I2H3H2I", b"PK\1\2", 3 << 8 | 20, *kind, *sizes, 0, 0, 0, unix, at) + name)
    at, length = body.tell(), directory.tell()
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, len(files), len(files), length, at, 0)
    Path(path).write_bytes(body.getvalue() + directory.getvalue() + end)


def text(name):
    return (ROOT / name).read_bytes()


def readme():
    """README for a page that is not the project's own: its links and its picture lead there."""
    there = repository()

    def absolute(link):
        mark, shown, target = link.groups()
        return f"{mark}[{shown}]({there}/{'raw' if mark else 'blob'}/v{version()}/{target})"

    found = text("README.md").decode()
    return (re.sub(r"(!?)\[([^]]*)\]\((?![a-z]+:|#)([^)]+)\)", absolute, found) if there else found).encode()


def tar(files, folders=False):
    """A tar of path -> (bytes, mode), the same bytes for the same files, owned by root; with the folders, if asked."""
    held = io.BytesIO()
    made = {parent for name in files for parent in Path(name).parents} if folders else set()
    entries = [(f"./{folder}".removesuffix("/."), None, 0o755) for folder in made]
    entries += [(name, content, mode) for name, (content, mode) in files.items()]
    with tarfile.open(fileobj=held, mode="w", format=tarfile.PAX_FORMAT) as written:
        for name, content, mode in sorted(entries, key=lambda entry: entry[0]):
            entry = tarfile.TarInfo(name)
            entry.mode, entry.mtime = mode, TIME
            if content is None:
                entry.type = tarfile.DIRTYPE
                written.addfile(entry)
            else:
                entry.size = len(content)
                written.addfile(entry, io.BytesIO(content))
    return held.getvalue()


def tarball(path, files):
    """A .tar.gz of path -> (bytes, mode)."""
    Path(path).write_bytes(squeezed(tar(files)))
    return path


def symbol_versions(binary):
    """The newest versions of the C and C++ libraries' symbols that an ELF program needs: {"GLIBC": (2, 34), …}."""
    content = Path(binary).read_bytes()
    offset, = struct.unpack_from("<Q", content, 0x28)
    size, count, names = struct.unpack_from("<HHH", content, 0x3A)

    def section(index):
        name, _, _, _, at, length = struct.unpack_from("<IIQQQQ", content, offset + index * size)
        return name, content[at:at + length]

    _, titles = section(names)
    strings = b""
    for index in range(count):
        name, held = section(index)
        if titles[name:titles.index(b"\0", name)] == b".dynstr":
            strings = held
    newest = {}
    for library, found in re.findall(rb"\0(GLIBC|GLIBCXX|CXXABI|GCC)_([0-9.]+)(?=\0)", strings):
        found = tuple(int(part) for part in found.split(b".") if part)
        newest[library.decode()] = max(newest.get(library.decode(), ()), found)
    return newest


def manylinux(binary):
    """The oldest glibc of a system that has all that an ELF program needs, as PyPI's tags mean it."""
    newest = symbol_versions(binary)
    glibc = newest.get("GLIBC", (2, 28))
    # The libstdc++ of the systems with each glibc.
    cxx = newest.get("GLIBCXX", (3, 4, 0))
    for at_most, needs in [((3, 4, 25), 28), ((3, 4, 28), 31), ((3, 4, 29), 34), ((3, 4, 30), 35), ((3, 4, 33), 39)]:
        if cxx <= at_most:
            return max(glibc[1], needs, 28)
    sys.exit(f"no system is known to have GLIBCXX {cxx}")


def size(path, most=None):
    """Says how large a package is; one that is over its limit, in millions of bytes, is an error."""
    found = Path(path).stat().st_size / 1e6
    print(f"{path}  {found:.1f} MB")
    if most and found > most:
        sys.exit(f"{path} is larger than {most} MB")
