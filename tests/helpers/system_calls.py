"""What a process asks of the system, by strace: whom it talks to, and which files it writes."""

import re
from pathlib import Path

CALLS = "connect,open,openat,creat,rename,renameat,renameat2,mkdir,mkdirat"
_INTERNET = re.compile(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"')
_WRITES = re.compile(r'"([^"]*)".*(?:O_WRONLY|O_RDWR|O_CREAT|O_TMPFILE)')
# Where the system keeps what is no file on a disk.
_NO_FILES = ("/dev/", "/proc/", "/sys/")


def trace_command(strace: str, calls: Path) -> list[str]:
    """What goes before a command, so that its calls and its children's are written to a file."""
    return [strace, "-f", "--seccomp-bpf", "-e", f"trace={CALLS}", "-o", str(calls)]


def strangers(calls: list[str]) -> list[str]:
    """Connections to another machine; looking up a name is one, too."""
    found = []
    for call in calls:
        if "connect(" not in call or "sa_family=AF_UNIX" in call:
            continue
        addresses = [one or other for one, other in _INTERNET.findall(call)]
        if any(not (a.startswith("127.") or a in ("::1", "::ffff:127.0.0.1")) for a in addresses):
            found.append(call)
    return found


def written(calls: list[str], home: Path) -> list[str]:
    """Files that were opened to be written, but for a library's own below ``home``."""
    return [
        call
        for call in calls
        if (match := _WRITES.search(call)) is not None
        and " = -1 " not in call
        and not match[1].startswith((*_NO_FILES, f"{home}/"))
    ]
