r"""apertium: rule-based translation by the programs and dictionaries of Apertium that the machine has.

Knows Apertium's pipelines and its stream format (https://wiki.apertium.org/wiki/Apertium_stream_format). Knows nothing
of what is translated, or of how good it is.

What a text becomes depends on that text alone. For that, Apertium's own separation of texts, the null character, is used,
and some texts get a tagger of their own: where the tagger meets a word whose set of readings its model does not know, it
takes a similar set, for good, for that of unknown words (its find_similar_ambiguity_class writes to what it was given a
reference to), so that all unknown words after it are read otherwise.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from adaptline.core import keys
from adaptline.errors import RunError, UserError
from adaptline.models.languages import codes

_SECONDS, _SECONDS_PER_TEXT = 60.0, 0.25  # a deadline: some hundred times what texts take
_ESCAPED = re.compile(r"([\[\]{}^$/\\@<>])")  # what means something in the stream
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_SENTENCE_END = ".[]"  # as apertium-destxt ends a text, so that the last word is not read as if more followed
_BEFORE_MARK = re.compile(r"(?<=\w) ([.,;!?](?!\w))")
_TILDE = "\u223c"  # stands for ~, which the last of the programs takes for a mark of its own and loses
_SPACED = ("fr", "br")  # write a space there
_UNKNOWN = b"/*"  # in an analysis
_SURFACE = re.compile(rb"\^([^/^$]*)/")  # the word itself, in an analysis
_SPOILS = re.compile(r"^Word '(.*)'\.$", re.MULTILINE)  # as apertium-tagger -d tells of a set that its model lacks


class Apertium:
    """A translator between the two languages of installed pairs."""

    by_sentence, draws = True, False

    def translate(self, texts: Sequence[str], source: str, target: str, salts: Sequence[int] = ()) -> list[str]:  # noqa: ARG002 - nothing is drawn
        """A translation per text; words that the dictionaries do not have stay as they are.

        Raises:
            UserError: Apertium or the pair is not installed.
            RunError: it failed, did not end in time, or gave another number of texts.
        """
        if not texts:
            return []
        commands = _commands(_mode(source, target))
        deadline = _SECONDS + _SECONDS_PER_TEXT * len(texts)
        tagger = next((at for at, command in enumerate(commands) if "apertium-tagger" in command), None)
        found = [_escaped(text) for text in texts]
        if tagger is not None:
            analyses, _ = _run(commands[:tagger], found, deadline)
            found = _tagged(commands[tagger : tagger + 1], analyses, deadline)
            commands = commands[tagger + 1 :]
        return [_unescaped(text, target) for text in _run(commands, found, deadline)[0]]


def _tagged(tagger: list[str], analyses: list[bytes], deadline: float) -> list[bytes]:
    """What the tagger makes of each analysis when it has seen no other before."""
    unknown = [number for number, analysis in enumerate(analyses) if _UNKNOWN in analysis]
    _, told = _run(tagger, [analyses[number] for number in unknown], deadline, "-d")
    spoils = {word.encode() for word in _SPOILS.findall(told)}
    alone = [number for number in unknown if spoils & set(_SURFACE.findall(analyses[number]))]
    # What is left either has no unknown word or no word that spoils the reading of one.
    for texts in (sorted(set(unknown) - set(alone)), sorted(set(range(len(analyses))) - set(unknown))):
        found, _ = _run(tagger, [analyses[number] for number in texts], deadline)
        for number, text in zip(texts, found, strict=True):
            analyses[number] = text
    for number in alone:
        (analyses[number],), _ = _run(tagger, [analyses[number]], deadline)
    return analyses


def dictionaries(language: str, via: str) -> str:
    """A short digest of all that decides a text's way from one language to another and back. Raises as `identity` does."""
    return keys.short(keys.key(identity(language, via), identity(via, language)))


def identity(source: str, target: str) -> str:
    """The digest of what decides a translation: the versions of the programs, the pipeline, the dictionaries' bytes.

    Raises:
        UserError: Apertium or the pair is not installed.
    """
    mode = _mode(source, target)
    versions = [_said_by([*command.split()]) for command in ("apertium -V", "lt-proc -v")]
    steps = mode.read_text("utf-8")
    files = [Path(name) for name in re.findall(r"'([^']+)'", steps)]
    without_places = re.sub(r"'([^']+)'", lambda match: Path(match[1]).name, steps)
    return keys.key("apertium", versions, without_places, [keys.file_digest(file) for file in files if file.is_file()])


def _mode(source: str, target: str) -> Path:
    """The file that says how a pair translates."""
    program = shutil.which("apertium")
    names = [f"{a}-{b}" for a in codes(source) for b in codes(target)]
    package, other = names[-1], f"{codes(target)[-1]}-{codes(source)[-1]}"
    install = f"On Debian and Ubuntu: apt-get install apertium apertium-{package} (or apertium-{other})."
    if program is None or shutil.which("apertium-wblank-mode") is None:
        raise UserError("Apertium, 3.8 or newer, which is not installed", do=install)
    folder = Path(os.environ.get("APERTIUM_DATADIR") or Path(program).resolve().parent.parent / "share" / "apertium")
    for name in names:
        if (path := folder / "modes" / f"{name}.mode").is_file():
            return path
    there = sorted(path.stem for path in (folder / "modes").glob("*.mode"))
    lacks = f"the pair {source}-{target}, which Apertium does not have here"
    raise UserError(f"{lacks}; it has {', '.join(there) or 'none'}", do=install)


def _commands(mode: Path) -> list[str]:
    """The commands of a pipeline, each told to work off a text at every null character."""
    return [command.strip() for command in _said_by(["apertium-wblank-mode", "-z", str(mode)]).split(" | ")]


def _said_by(command: list[str]) -> str:
    try:
        return subprocess.run(  # noqa: S603 - Apertium's own programs
            command, capture_output=True, check=True, timeout=_SECONDS, text=True
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        raise RunError(f"{command[0]} failed: {error}", brief=f"{command[0]} failed") from error


def _run(
    commands: Sequence[str], texts: Sequence[bytes], deadline: float, tagger_option: str = ""
) -> tuple[list[bytes], str]:
    """What a pipeline makes of each text, and what it says on standard error. Raises RunError."""
    if not texts or not commands:
        return list(texts), ""
    # As the program `apertium -u` calls a mode: $1 tells the generator not to mark unknown words, $2 is for the tagger.
    line = ["bash", "-c", f"set -o pipefail; {' | '.join(commands)}", "apertium", "-n", tagger_option]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    with subprocess.Popen(  # noqa: S603 - Apertium's own programs
        line,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    ) as process:
        try:
            out, said = process.communicate(b"".join(text + b"\0" for text in texts), timeout=deadline)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)  # all of the pipeline, not bash alone
            if isinstance(error, subprocess.TimeoutExpired):
                raise RunError(
                    f"Apertium did not translate {len(texts)} texts within {deadline:.0f} seconds",
                    brief=True,
                ) from error
            raise
    told = said.decode("utf-8", "replace")
    if process.returncode:
        why = (told.strip().splitlines() or [f"exit code {process.returncode}"])[0]
        raise RunError(f"Apertium failed: {why}", brief=f"Apertium failed with exit code {process.returncode}")
    found = out.split(b"\0")
    if len(found) <= len(texts) or any(found[len(texts) :]):  # some of its programs end with a null of their own
        raise RunError(f"Apertium gave {len(found) - 1} texts for {len(texts)}", brief=True)
    return found[: len(texts)], told


def _escaped(text: str) -> bytes:
    return (_ESCAPED.sub(r"\\\1", text.replace("\0", " ").replace("~", _TILDE)) + _SENTENCE_END).encode()


def _unescaped(text: bytes, target: str) -> str:
    """The text without what Apertium leaves where a word became none: white space that a reader would not write."""
    bare = text.decode("utf-8", "replace").strip().removesuffix("[]").removesuffix(".")
    said = " ".join(_ESCAPE.sub(r"\1", bare).split()).replace(_TILDE, "~")
    return said if target in _SPACED else _BEFORE_MARK.sub(r"\1", said)
